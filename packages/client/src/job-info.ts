/** What is known of a job, with its payloads as values. */
import type { JobView, Payload } from "@longshore/job-queue";
import type { Client } from "./client.ts";
import type { JobFile } from "./job-file.ts";

export interface JobInfo extends Omit<JobView, "input" | "result" | "inputs" | "outputs"> {
  readonly input?: unknown;
  readonly result?: unknown;
  /** Files it was added with, and those it has left. */
  readonly inputs?: readonly JobFile[];
  readonly outputs?: readonly JobFile[];
  /** Why input or result cannot be shown: its payload is gone, or is not readable. */
  readonly payloadTrouble?: string;
}

export async function jobInfo(client: Client, view: JobView): Promise<JobInfo> {
  const { input, result, inputs, outputs, ...rest } = view;
  const [readInput, readResult] = await Promise.all([read(client, input, "input"), read(client, result, "result")]);
  const trouble = readInput.trouble ?? readResult.trouble;
  return {
    ...rest,
    ...(readInput.value === undefined ? {} : { input: readInput.value }),
    ...(readResult.value === undefined ? {} : { result: readResult.value }),
    ...(inputs === undefined ? {} : { inputs: inputs.map((blob) => client.files.one(blob)) }),
    ...(outputs === undefined ? {} : { outputs: outputs.map((blob) => client.files.one(blob)) }),
    ...(trouble === undefined ? {} : { payloadTrouble: trouble }),
  };
}

interface Read {
  readonly value: unknown;
  readonly trouble: string | undefined;
}

const NOTHING: Read = { value: undefined, trouble: undefined };

const read = (client: Client, payload: Payload | undefined, name: string): Promise<Read> =>
  payload === undefined ? Promise.resolve(NOTHING) : new Promise((resolve) => client.payloads.read(payload, name, (answer) => {
    resolve(answer.kind === "value" ? { value: answer.value, trouble: undefined } : { value: undefined, trouble: `${answer.trouble.code}: ${answer.trouble.message}` });
  }));

import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { type AddOptions, JobFailed, type JobHandle, type Longshore } from "longshore";
import { addLines, type LineFailure, type Tally } from "../add-lines.ts";
import { type Command, command } from "../command.ts";
import { withClient } from "../connection.ts";
import { failed, notFound, refused, wrongUsage } from "../errors.ts";
import { type Io, linesOf, readAll } from "../io.ts";
import { hint, present } from "../present.ts";
import { harmless } from "../render/paint.ts";
import { jobProgressOf, progressOf } from "../render/progress.ts";
import { plural, showCount } from "../render/quantities.ts";
import { parseJson, parsePairs } from "../values.ts";

export const add: Command = command({
  name: "add",
  group: "jobs",
  summary: "Add one job, or many from a file",
  details: [
    "It ends when the job is durable: committed by the host, or stored in the inbox while no host is up. Printed is the job's id; with --wait, its result.",
    "With --file each line is the input of one job of the topic; without a topic each line is an object {\"topic\", \"input\", \"id\", …options} with the names of the library (retries, delayMs, notBefore, queue, properties, …). Lines are read as they are added, so a file may be of any size.",
    "What a program's defineJob says of retries and time-outs holds for jobs that programs add with it. Here the queue's hold, or what is given.",
  ],
  args: {
    topic: { kind: "optional", help: "what the job is, for example media/thumbnail" },
    input: { kind: "optional", help: "its input as JSON, or - for stdin; {} when absent", shown: "json|-" },
  },
  options: {
    file: { kind: "text", value: "<file>", help: "add one job for each line of a file of JSON lines; - for stdin" },
    id: { kind: "text", value: "<id>", help: "idempotency key: the same id with the same input is the same job" },
    queue: { kind: "text", value: "<name>", help: "queue; else the first whose topics match" },
    delay: { kind: "duration", help: "not started before so long from now" },
    at: { kind: "instant", help: "not started before this instant" },
    retries: { kind: "integer", value: "<n>", help: "failures after which it gives up; -1: never" },
    retryDelay: { kind: "duration", help: "pause before a retry" },
    timeout: { kind: "duration", help: "longest run of one attempt" },
    property: { kind: "list", value: "<name=value>", help: "what `jobs --where` finds it by" },
    input: { kind: "list", value: "<name=file>", help: "a file that the job works on, under the name its handler knows it by; may be given again for others" },
    wait: { kind: "flag", help: "wait for the end and print the result; ends with 1 when it did not succeed" },
  },
  examples: [
    { line: "longshore add media/thumbnail '{\"path\":\"a.jpg\"}' --wait", says: "add, wait, print the result" },
    { line: "longshore add media/thumbnail '{\"width\":320}' --input photo.jpg=holiday/a.jpg --wait", says: "with a file" },
    { line: "jq -c .orders[] orders.json | longshore add order/import --file -", says: "one job for each" },
    { line: "longshore add report/daily --id 2026-05-01 --at 23:30", says: "once, tonight" },
  ],
  laterOptions: ["key", "priority", "unique", "start-within", "depends-on", "needs"],
  connects: true,
  endsInOrder: true,
  run: (context) => {
    const { args, options, shared, io } = context;
    const given = addOptions(options);
    if (options.file !== undefined) {
      if (args.input !== undefined) throw wrongUsage("--file and an input do not go together", "leave one of them out");
      if (options.id !== undefined) throw wrongUsage("--id names one job, and --file adds many", "give each line its id: {\"topic\", \"input\", \"id\"}");
      if (options.input.length > 0) throw wrongUsage("--file and --input do not go together", "add jobs with files one by one");
      const { file } = options;
      return withClient(shared, io, (ls) => addFile(ls, file, { topic: args.topic, given, isWaiting: options.wait }, context));
    }
    const { topic } = args;
    const files = filesOf(options.input, io);
    if (topic === undefined) throw wrongUsage("`longshore add` needs a topic", "longshore add <topic> '<json>', or longshore add --file jobs.ndjson");
    return withClient(shared, io, async (ls) => {
      const handle = await ls.add(topic, await inputOf(args.input, io), { ...given, ...(options.id === undefined ? {} : { id: options.id }), ...(files === undefined ? {} : { inputs: files, signal: io.signal }) });
      if (options.wait) return waitFor(handle, context);
      await present(context, { id: handle.id, outcome: handle.outcome }, () => `${handle.id}\n`);
      if (handle.outcome !== "created") hint(context, OUTCOMES[handle.outcome]);
    });
  },
});

const OUTCOMES = {
  deduplicated: "it was there already: the same id with the same input",
  replaced: "it took the place of another",
  stored: "no host is up: it is stored in the inbox, and may still be rejected when one reads it",
  unknown: "it is not known whether it was added",
} as const;

interface Given {
  readonly queue: string | undefined;
  readonly delay: number | undefined;
  readonly at: number | undefined;
  readonly retries: number | undefined;
  readonly retryDelay: number | undefined;
  readonly timeout: number | undefined;
  readonly property: readonly string[];
}

function addOptions({ queue, delay, at, retries, retryDelay, timeout, property }: Given): AddOptions {
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(delay === undefined ? {} : { delayMs: delay }),
    ...(at === undefined ? {} : { notBefore: at }),
    ...(retries === undefined ? {} : { retries }),
    ...(retryDelay === undefined ? {} : { retryDelayMs: retryDelay }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(property.length === 0 ? {} : { properties: parsePairs("--property", property) }),
  };
}

/** Files of this machine by the names that the job has for them. */
function filesOf(texts: readonly string[], io: Io): Readonly<Record<string, { readonly file: string }>> | undefined {
  if (texts.length === 0) return undefined;
  return Object.fromEntries(texts.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw wrongUsage(`--input "${text}" is not name=file`, "for example --input photo.jpg=holiday/a.jpg");
    return [text.slice(0, at), { file: resolve(io.cwd, text.slice(at + 1)) }];
  }));
}

async function inputOf(text: string | undefined, io: Io): Promise<unknown> {
  if (text === undefined) return {};
  return text === "-" ? parseJson("stdin", await readAll(io.input)) : parseJson("the input", text);
}

type Output = Pick<Parameters<typeof present>[0], "shared" | "io">;

async function waitFor(handle: JobHandle, output: Output): Promise<void> {
  hint(output, handle.id);
  try {
    const result = await resultOf(handle, output.io);
    await present(output, { id: handle.id, outcome: handle.outcome, state: "succeeded", result: result ?? null }, () => `${JSON.stringify(result ?? null, undefined, output.io.outScreen.isTerminal ? 2 : undefined)}\n`);
  } catch (error) {
    if (output.io.signal.aborted) throw failed("job/not-awaited", `job ${handle.id} goes on; only the waiting was ended`, `longshore job ${handle.id} --follow`);
    if (!(error instanceof JobFailed)) throw error;
    const { id, state, attempts, reason, error: cause } = error;
    await present(output, { id, outcome: handle.outcome, state, attempts, reason, error: cause }, () => "");
    throw failed(error.code, error.message, `longshore job ${id} shows what happened, longshore retry ${id} runs it again`);
  }
}

/** On a terminal, with what the job says of its progress until then. */
async function resultOf(handle: JobHandle, io: Io): Promise<unknown> {
  if (!io.errScreen.isTerminal) return handle.result({ signal: io.signal });
  const watching = new AbortController();
  const progress = jobProgressOf(io);
  const watched = (async () => {
    for await (const event of handle.follow({ signal: watching.signal })) {
      const { type, fraction, message } = event as { readonly type: string; readonly fraction?: number | null; readonly message?: string | null };
      if (type === "JobProgressed") progress.at(fraction ?? null, message ?? null);
    }
    // Nobody may look at the history: then there is only the result.
  })().catch(() => undefined);
  try {
    return await handle.result({ signal: io.signal });
  } finally {
    watching.abort();
    await watched;
    progress.end();
  }
}

interface FileAdd {
  readonly topic: string | undefined;
  readonly given: AddOptions;
  readonly isWaiting: boolean;
}

async function addFile(ls: Longshore, file: string, { topic, given, isWaiting }: FileAdd, output: Output): Promise<void> {
  const { io } = output;
  const lines = linesOf(await openFile(file, io));
  const progress = progressOf(io, "jobs");
  const tally = await addLines(ls, lines, { topic, given, isWaiting, signal: io.signal, progress: (done) => progress.at(done) }).finally(() => progress.end());
  const { failures, ...counts } = tally;
  await present(output, { ...counts, failures }, () => tallyText(tally, isWaiting));
  for (const failure of failures) hint(output, failureText(failure));
  if (tally.refused > 0) throw refused("add/some-refused", `${plural(tally.refused, "line")} of ${showCount(tally.lines)} were not added`, "mend those lines and add them again; give ids to make that safe");
  if (tally.unsuccessful > 0) throw failed("job/failed", `${plural(tally.unsuccessful, "job")} did not succeed`, "longshore jobs --state canceled");
}

async function openFile(file: string, io: Io): Promise<AsyncIterable<Uint8Array>> {
  if (file === "-") return io.input;
  const path = resolve(io.cwd, file);
  await access(path).catch(() => {
    throw notFound(`there is no file ${file}`, "give the path of a file of JSON lines, or - for stdin");
  });
  return createReadStream(path) as AsyncIterable<Uint8Array>;
}

function tallyText({ created, deduplicated, stored, succeeded, unsuccessful }: Tally, isWaiting: boolean): string {
  const parts = [`${showCount(created)} created`];
  if (deduplicated > 0) parts.push(`${showCount(deduplicated)} were there already`);
  if (stored > 0) parts.push(`${showCount(stored)} stored in the inbox`);
  if (isWaiting) parts.push(`${showCount(succeeded)} succeeded`, `${showCount(unsuccessful)} did not`);
  return `${parts.join(", ")}\n`;
}

const failureText = ({ line, code, message }: LineFailure): string => `line ${line}: ${harmless(message)} (${code})`;

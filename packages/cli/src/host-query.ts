/** Questions to the host of an actor that the kernel itself answers: who it is, what it set aside. */
import { decodeUntrusted, encode, Fault, subjectsOf, type WireAnswer } from "@longshore/kernel";
import { type Connection, wireOf } from "@longshore/nats";
import { type HistoryAddress, showAddress } from "./history/address.ts";

export interface HostDescription {
  readonly instance: string;
  readonly incarnation: string;
  readonly software: string;
  readonly epoch: number;
  readonly commit: number;
  readonly at: number;
  readonly blocked: string | false;
}

export type HostAnswer =
  | { readonly kind: "answer"; readonly answer: unknown }
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  | { readonly kind: Exclude<WireAnswer["kind"], "answer"> };

const ANSWER_WITHIN_MS = 2_000;

export async function askHost(connection: Connection, { cluster, kind, actor }: HistoryAddress, question: Readonly<Record<string, unknown>>): Promise<HostAnswer> {
  const subject = subjectsOf(cluster).query(kind, actor, "operate", connection.principal);
  const answer = await new Promise<WireAnswer>((done) => wireOf(connection).request(subject, encode(question), ANSWER_WITHIN_MS, done));
  if (answer.kind !== "answer") return answer;
  const message = decodeUntrusted(answer.data) as { readonly answer?: unknown; readonly error?: { readonly code: string; readonly message: string } };
  return message.error === undefined ? { kind: "answer", answer: message.answer } : { kind: "refused", ...message.error };
}

/** @throws {Fault} when there is no host, or it refuses. */
export async function requireAnswer(connection: Connection, address: HistoryAddress, question: Readonly<Record<string, unknown>>): Promise<unknown> {
  const answer = await askHost(connection, address, question);
  const name = showAddress(address);
  switch (answer.kind) {
    case "answer": return answer.answer;
    case "no-responders": throw new Fault("host/unavailable", `${name} of cluster ${address.cluster} has no host`, { retry: "backoff" });
    case "timeout": throw new Fault("host/unavailable", `the host of ${name} did not answer in time`, { retry: "backoff" });
    case "denied": throw new Fault("server/denied", `${connection.principal} may not ask ${name}`, { retry: "never" });
    case "refused": throw new Fault(answer.code, answer.message, { retry: "never" });
  }
}

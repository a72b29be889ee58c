/** A cluster whose jobs go to the cluster "far", and what comes back from there. */
import { encode } from "@longshore/kernel";
import type { NamedBlob } from "../vocabulary.ts";
import { digestOf, MiniHost } from "./mini-host.ts";

export const QUEUE = "home.job-queue.main";
export const RESULT: Uint8Array = encode("done");

export const blob = (name: string, letter: string): NamedBlob => ({ name, principal: "ann", digest: digestOf(letter), bytes: 9 });
export const back = (fields: object = {}): Readonly<Record<string, unknown>> => ({ end: "succeeded", result: RESULT, blobs: [], reason: null, error: null, ...fields });

/** The events of an answer; of one that is malformed, the field. */
export const types = (answer: ReturnType<MiniHost["send"]>): readonly string[] => (answer.kind === "malformed" ? [answer.malformed.field] : answer.events.map(({ type }) => type));

export function world(limits: object = {}): MiniHost {
  const host = new MiniHost({ limits });
  host.route("far");
  host.sent.length = 0;
  return host;
}

/** Trip 1, taken in by the other cluster. */
export function accepted(limits: object = {}): MiniHost {
  const host = world(limits);
  host.handOver(7);
  host.peer("answer", { trip: 1 });
  return host;
}

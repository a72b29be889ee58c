/** Small histories for tests, made of real commits. */
import type { JobQueueEvent } from "@longshore/job-queue";
import { COMMIT_FORMAT, type EventCodec, encode, encodeKernelEvent, type StoredCommit } from "@longshore/kernel";
import { type HistoryAddress, showAddress } from "./address.ts";
import { actorOf } from "./fold.ts";
import { sha256 } from "./hash.ts";
import type { HistorySource } from "./source.ts";

const ADDRESS = { cluster: "main", kind: "job-queue", actor: "main" } as const;
export const SECOND_MS = 1_000;

/** One commit a second, each with its events; the first opens the history. */
export const commitsOf = (...groups: readonly (readonly JobQueueEvent[])[]): StoredCommit[] => commitsWith(actorOf(ADDRESS).events, ...groups);

/** The same of any actor. */
export function commitsWith<Event extends object>(codec: EventCodec<Event>, ...groups: readonly (readonly Event[])[]): StoredCommit[] {
  const opened = encodeKernelEvent({ type: "Opened", instance: "i", view: 0, software: "test" });
  let previous: Uint8Array = new Uint8Array(0);
  return [[opened], ...groups.map((group) => group.map((event) => codec.encode(event)))].map((events, i) => {
    const bytes = encode([COMMIT_FORMAT, "host", 1, i + 1, (i + 1) * SECOND_MS, previous, [], [], events]);
    previous = sha256(bytes);
    return { version: i + 1, bytes };
  });
}

export function sourceOf(commits: readonly StoredCommit[], address: HistoryAddress = ADDRESS): HistorySource {
  return {
    address,
    name: showAddress(address),
    commits: commits.length,
    snapshot: () => Promise.resolve(undefined),
    first: () => Promise.resolve(commits[0]),
    read(onCommit) {
      return new Promise((resolve) => {
        for (const commit of commits) onCommit(commit);
        resolve();
      });
    },
    close: () => Promise.resolve(),
  };
}

export const accepted = (job: number, topic = "t"): JobQueueEvent => ({
  type: "JobAccepted", job, id: `j${job}`, topic, queue: "main", input: encode({ n: job }), principal: "me", options: undefined,
});
export const ended = (job: number): JobQueueEvent => ({ type: "JobEnded", job, state: "stopped", attempt: 0, result: undefined, reason: "no more", error: undefined });

import type { BlobName, BlobRemoval, Blobs, WireAnswer } from "@longshore/kernel";
import { encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { PAYLOAD_SWEEP, payloadSweep } from "./payload-sweep.ts";
import { FakeHost } from "./testing/fake-host.ts";

const HOUR_MS = 3_600_000;
const digestOf = (n: number): string => n.toString(16).padStart(64, "0");

/** What is in the store: by digest, when it was put in the host's time. */
class FakeBlobs implements Pick<Blobs, "list" | "removeOlder"> {
  readonly putAt = new Map<string, number>();
  readonly asked: string[] = [];
  onRemove: (() => void) | undefined;
  list(done: (names: readonly BlobName[]) => void): void {
    done([...this.putAt.keys()].map((digest) => ({ principal: "alice", digest })));
  }
  removeOlder({ digest }: BlobName, beforeMs: number, done: (answer: BlobRemoval) => void): void {
    this.asked.push(digest);
    this.onRemove?.();
    const putAt = this.putAt.get(digest);
    if (putAt !== undefined && putAt >= beforeMs) return done({ kind: "kept", putAt });
    this.putAt.delete(digest);
    done({ kind: "removed" });
  }
}

function setup(histories: readonly (readonly [string, string])[] | "unknown" = [["job-queue", "main"], ["discovery-agent", "main"]]) {
  const blobs = new FakeBlobs();
  const host = new FakeHost(payloadSweep({ principal: "host", blobs, histories: (done) => done(histories === "unknown" ? undefined : histories) }));
  const { mini } = host;
  mini.join("i1", [{ topics: ["t/a"], slots: 1 }]);
  const now = mini.at;
  const put = (n: number, ageMs: number): string => {
    blobs.putAt.set(digestOf(n), now - ageMs);
    return digestOf(n);
  };
  /** A job whose input is that payload. */
  const submit = (digest: string): number => {
    mini.send("submit", [null, "t/a", ["alice", digest, 100_000], null], "submit", "alice");
    return mini.state.jobs.size;
  };
  const sweep = (): void => host.advance(PAYLOAD_SWEEP.everyMs);
  return { host, blobs, mini, put, submit, sweep, left: () => [...blobs.putAt.keys()] };
}

const named = (...answers: readonly boolean[]): WireAnswer => ({ kind: "answer", data: encode({ epoch: 1, commit: 1, answer: answers }), json: false }) as unknown as WireAnswer;

describe("payloads that no job names", () => {
  it("are removed when they are old, and not before the host has served for a while", () => {
    const { put, submit, sweep, left, host } = setup();
    const [used, , young] = [put(1, 5 * HOUR_MS), put(2, 5 * HOUR_MS), put(3, HOUR_MS)];
    submit(used);
    host.advance(PAYLOAD_SWEEP.everyMs - 1);
    expect(left()).toHaveLength(3);
    sweep();
    expect(left()).toEqual([used, young]);
  });

  it("are those whose last job has left the state, however many named them", () => {
    const { put, submit, sweep, left, mini, host } = setup();
    const digest = put(1, 5 * HOUR_MS);
    for (let i = 0; i < 2; i++) submit(digest);
    const remove = (job: number): void => host.send("remove", { id: `main.${mini.state.job(job).id}` }, "operate", "op");
    mini.succeed(1);
    remove(1);
    sweep();
    expect(left()).toEqual([digest]);
    mini.succeed(2);
    sweep();
    expect(left()).toEqual([digest]);
    remove(2);
    sweep();
    expect(left()).toEqual([]);
  });

  it("are removed only once a commit of this host's own shows that it still holds the history", () => {
    const { put, sweep, left, host } = setup();
    put(1, 5 * HOUR_MS);
    host.sinceStoredMs = 60_000;
    sweep();
    expect([host.touches, left()]).toEqual([1, []]);
    const deaf = setup();
    deaf.put(1, 5 * HOUR_MS);
    deaf.host.touchesAreStored = false;
    deaf.host.sinceStoredMs = 60_000;
    deaf.sweep();
    expect([deaf.host.touches, deaf.left().length]).toEqual([1, 1]);
  });

  it("go in slices, with a pause between", () => {
    const { put, sweep, left, host } = setup();
    for (let i = 0; i < 250; i++) put(i, 5 * HOUR_MS);
    sweep();
    expect(left()).toHaveLength(150);
    host.advance(PAYLOAD_SWEEP.pauseMs);
    expect(left()).toHaveLength(50);
    host.advance(PAYLOAD_SWEEP.pauseMs);
    expect(left()).toHaveLength(0);
  });

  it("are not asked about again while they are too young", () => {
    const { put, sweep, blobs } = setup();
    put(1, HOUR_MS);
    sweep();
    sweep();
    expect(blobs.asked).toHaveLength(1);
  });

  it("stay while a host that has stopped waits for an answer", () => {
    const { put, sweep, blobs, host, left } = setup();
    for (let i = 0; i < 3; i++) put(i, 5 * HOUR_MS);
    blobs.onRemove = () => host.stop();
    sweep();
    host.advance(10 * PAYLOAD_SWEEP.everyMs);
    expect([blobs.asked.length, left().length]).toEqual([1, 2]);
  });
});

describe("where several histories share a store", () => {
  it("another's jobs count, and one that does not answer keeps all", () => {
    const { put, sweep, left, host } = setup([["job-queue", "main"], ["job-queue", "other"]]);
    const [theirs] = [put(1, 5 * HOUR_MS), put(2, 5 * HOUR_MS)];
    sweep();
    expect(host.asked.at(-1)!.subject).toBe("ls.test.q.job-queue.other.actor.host");
    host.asked.at(-1)!.answer({ kind: "no-responders" });
    sweep();
    host.asked.at(-1)!.answer(named(true));
    sweep();
    expect(left()).toHaveLength(2);
    host.asked.at(-1)!.answer(named(true, false));
    expect(left()).toEqual([theirs]);
  });

  it("only the first sweeps, and nobody while it is not known which there are", () => {
    for (const histories of [[["job-queue", "a"], ["job-queue", "main"]], [], "unknown"] as const) {
      const { put, sweep, left, host } = setup(histories);
      put(1, 5 * HOUR_MS);
      sweep();
      expect([left().length, host.asked.length]).toEqual([1, 0]);
    }
  });
});

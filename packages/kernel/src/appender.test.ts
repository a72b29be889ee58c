/** The guarded append: every answer of the diagram, and what follows from it. */
import { describe, expect, test } from "vitest";
import type { AppendResult } from "./appender.ts";
import { Appender } from "./appender.ts";
import type { AppendAnswer, Clock, Journal, LastAnswer, StoredCommit } from "./ports.ts";

const OURS = new Uint8Array([1, 2, 3]);
const GUARD = 10;

/** Time that jumps to the next timer. */
class JumpingClock implements Clock {
  now = 0;
  private timers: { at: number; run: () => void }[] = [];
  monotonicMs(): number {
    return this.now;
  }
  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.now + delayMs, run };
    this.timers.push(timer);
    return () => { this.timers = this.timers.filter((other) => other !== timer); };
  }
  jump(): boolean {
    const next = this.timers.sort((a, b) => a.at - b.at).shift();
    if (next === undefined) return false;
    this.now = next.at;
    next.run();
    return true;
  }
}

interface Script {
  readonly appends: readonly AppendAnswer[];
  /** The last one is given for ever. */
  readonly lasts?: readonly LastAnswer[];
  /** What each append must be guarded by; the last one for ever. */
  readonly guards?: readonly number[];
}

const last = (version: number, bytes: Uint8Array = new Uint8Array([9])): LastAnswer => ({ kind: "last", commit: { version, bytes } });
const doubt = (cause: "conflict" | "timeout" | "full" | "unavailable"): AppendAnswer => ({ kind: "doubt", cause });

function run({ appends, lasts = [], guards = [GUARD] }: Script): { result: AppendResult | undefined; sent: Uint8Array[]; looks: number; blocked: (string | undefined)[]; tookMs: number } {
  const clock = new JumpingClock();
  const sent: Uint8Array[] = [];
  const blocked: (string | undefined)[] = [];
  let looks = 0;
  let result: AppendResult | undefined;
  const unused = (): never => { throw new Error("not asked for"); };
  const journal: Journal = {
    append: (bytes, expected, done) => {
      expect(expected).toBe(guards[Math.min(sent.length, guards.length - 1)]);
      sent.push(bytes.slice());
      const answer = appends[sent.length - 1];
      if (answer !== undefined) done(answer);
    },
    last: (done) => {
      const answer = lasts[Math.min(looks++, lasts.length - 1)];
      if (answer !== undefined) done(answer);
    },
    read: unused, get: unused, purge: unused, size: unused,
  };
  new Appender(journal, clock, (cause) => blocked.push(cause)).append(OURS, GUARD, (answer) => { result = answer; });
  for (let i = 0; i < 1_000 && result === undefined && clock.jump();) i++;
  return { result, sent, looks, blocked, tookMs: clock.now };
}

describe("an append", () => {
  test("that is stored is stored", () => {
    expect(run({ appends: [{ kind: "stored", version: 11 }] })).toMatchObject({ result: { kind: "stored", version: 11 }, looks: 0 });
  });

  test.each(["too-large", "no-stream", "denied"] as const)("that cannot be stored (%s) stops with that name", (cause) => {
    expect(run({ appends: [{ kind: "stop", cause }] }).result).toEqual({ kind: "stopped", cause });
  });

  test.each(["conflict", "timeout", "unavailable"] as const)("in doubt (%s) whose bytes are the last commit is stored", (cause) => {
    expect(run({ appends: [doubt(cause)], lasts: [last(12, OURS)] }).result).toEqual({ kind: "stored", version: 12 });
  });

  test("in doubt that is not there goes again with the same bytes", () => {
    const { result, sent } = run({ appends: [doubt("timeout"), doubt("full"), { kind: "stored", version: 13 }], lasts: [last(GUARD)] });
    expect(result).toEqual({ kind: "stored", version: 13 });
    expect(sent).toEqual([OURS, OURS, OURS]);
  });

  test("the first of a history that is not there goes again too", () => {
    const clock = new JumpingClock();
    let calls = 0;
    let result: AppendResult | undefined;
    const unused = (): never => { throw new Error("not asked for"); };
    const journal: Journal = {
      append: (_bytes, _expected, done) => done(calls++ === 0 ? doubt("timeout") : { kind: "stored", version: 4 }),
      last: (done) => done({ kind: "last", commit: undefined }), read: unused, get: unused, purge: unused, size: unused,
    };
    new Appender(journal, clock, () => undefined).append(OURS, 0, (answer) => { result = answer; });
    clock.jump();
    expect(result).toEqual({ kind: "stored", version: 4 });
  });

  test("another host's commit behind the guard is a fence, whatever epoch and number it has", () => {
    const theirs = OURS.slice();
    theirs[2] = 4;
    for (const cause of ["conflict", "timeout"] as const) {
      expect(run({ appends: [doubt(cause)], lasts: [last(11, theirs)] }).result).toEqual({ kind: "fenced" });
    }
  });

  test("a look that finds an older commit proves nothing: a deposed leader answers so", () => {
    const { result } = run({ appends: [doubt("timeout")], lasts: [last(GUARD - 1), last(GUARD - 1), last(11, OURS)] });
    expect(result).toEqual({ kind: "stored", version: 11 });
  });

  test("an older commit for half a minute is a rewound journal", () => {
    const { result, tookMs, sent } = run({ appends: [doubt("timeout")], lasts: [last(GUARD - 1)] });
    expect(result).toEqual({ kind: "rewound" });
    expect(tookMs).toBeGreaterThan(30_000);
    expect(sent).toHaveLength(1);
  });

  test("what stands behind the last commit and is none fences nobody: the same bytes go behind it", () => {
    const behind: LastAnswer = { kind: "last", commit: { version: GUARD, bytes: new Uint8Array([9]) }, tail: 14 };
    const script = { appends: [doubt("conflict"), { kind: "stored", version: 15 }] as const, lasts: [behind], guards: [GUARD, 14] };
    expect(run(script)).toMatchObject({ result: { kind: "stored", version: 15 }, sent: [OURS, OURS] });
  });

  test("what stands behind an older or a newer commit proves nothing: it is rewound, or fenced, all the same", () => {
    const over = (version: number): LastAnswer => ({ kind: "last", commit: { version, bytes: new Uint8Array([9]) }, tail: 14 });
    expect(run({ appends: [doubt("conflict")], lasts: [over(GUARD - 1)] }).result).toEqual({ kind: "rewound" });
    expect(run({ appends: [doubt("conflict")], lasts: [over(12)] }).result).toEqual({ kind: "fenced" });
  });

  test("a look that cannot be had is repeated", () => {
    const { result, looks } = run({ appends: [doubt("timeout")], lasts: [{ kind: "unavailable" }, { kind: "unavailable" }, last(11, OURS)] });
    expect(result).toEqual({ kind: "stored", version: 11 });
    expect(looks).toBe(3);
  });

  test("a look at a stream that is gone stops", () => {
    expect(run({ appends: [doubt("timeout")], lasts: [{ kind: "stop", cause: "no-stream" }] }).result).toEqual({ kind: "stopped", cause: "no-stream" });
  });

  test("says why it is blocked, and that it no longer is", () => {
    const { blocked } = run({ appends: [doubt("full"), { kind: "stored", version: 11 }], lasts: [last(GUARD)] });
    expect(blocked).toEqual(["full", undefined]);
  });

  test("of a closed appender tells nobody", () => {
    let answer: ((answer: AppendAnswer) => void) | undefined;
    const unused = (): never => { throw new Error("not asked for"); };
    const journal: Journal = { append: (_bytes, _expected, done) => { answer = done; }, last: unused, read: unused, get: unused, purge: unused, size: unused };
    const appender = new Appender(journal, new JumpingClock(), () => undefined);
    const results: AppendResult[] = [];
    appender.append(OURS, GUARD, (result) => results.push(result));
    appender.close();
    answer!({ kind: "stored", version: 11 });
    expect(results).toEqual([]);
  });
});

describe("any interleaving of two writers", () => {
  test("leaves one history, and tells each writer the truth about its own commit", () => {
    for (let order = 0; order < 64; order++) {
      const stored: StoredCommit[] = [];
      const clock = new JumpingClock();
      const results: (AppendResult | undefined)[] = [undefined, undefined];
      const pending: (() => void)[] = [];
      const journal = (writer: number): Journal => {
        const unused = (): never => { throw new Error("not asked for"); };
        return {
          append: (bytes, expected, done) => {
            const isLost = ((order >> (writer * 3)) & 1) === 1;
            pending.push(() => {
              const isFirst = (stored.at(-1)?.version ?? 0) === expected;
              if (isFirst) stored.push({ version: expected + 1, bytes: bytes.slice() });
              if (isLost && clock.now < 1_000) clock.after(5, () => done(doubt("timeout")));
              else done(isFirst ? { kind: "stored", version: expected + 1 } : doubt("conflict"));
            });
          },
          last: (done) => pending.push(() => done({ kind: "last", commit: stored.at(-1) })),
          read: unused, get: unused, purge: unused, size: unused,
        };
      };
      for (const writer of [0, 1]) new Appender(journal(writer), clock, () => undefined).append(new Uint8Array([writer]), 0, (answer) => { results[writer] = answer; });
      for (let i = 0; i < 500 && results.includes(undefined); i++) {
        const pick = pending.splice((order >> (i % 6)) & 1 ? pending.length - 1 : 0, 1)[0];
        if (pick !== undefined) pick();
        else clock.jump();
      }
      expect(stored).toHaveLength(1);
      const winner = stored[0]!.bytes[0]!;
      expect(results[winner]).toEqual({ kind: "stored", version: 1 });
      expect(results[1 - winner]).toEqual({ kind: "fenced" });
    }
  });
});

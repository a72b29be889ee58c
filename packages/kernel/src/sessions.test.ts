/** A session knows a repeat, and forgets only what cannot be asked for any more. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KERNEL_LIMITS } from "./limits.ts";
import type { SessionAnswer, Sessions } from "./sessions.ts";
import { advance, lookUp, record, sessionBirth, sessionKey } from "./sessions.ts";

const KEY = sessionKey("alice", "k-12345678");
const BIRTH = 1_000;

const ask = (sessions: Sessions, number: number, at = BIRTH, limits = KERNEL_LIMITS): SessionAnswer["kind"] => lookUp(sessions, KEY, BIRTH, number, at, limits).kind;

function advanced(sessions: Sessions, from: number, to: number, options: { firstUnanswered?: number; notAfter?: number; at?: number; session?: string } = {}): Sessions {
  const { firstUnanswered = 0, notAfter = BIRTH + 60_000, at = BIRTH, session = KEY } = options;
  advance(sessions, { type: "SessionAdvanced", session, from, to, firstUnanswered, notAfter }, at);
  return sessions;
}

describe("ids", () => {
  test.each([["loyw3v28-AbCd-_12", 1_700_000_000_000], ["0-abcdefgh", 0]])("%s was born at %i", (id, birth) => {
    expect(sessionBirth(id)).toBe(birth);
  });

  test.each(["", "abc", "abc-short", "ABC-12345678", "abc-1234567!", `abc-${"x".repeat(65)}`, "123456789012-abcdefgh"])("%s is no session id", (id) => {
    expect(sessionBirth(id)).toBeUndefined();
  });
});

describe("repeats", () => {
  test("numbers that were decided are recorded, others are new", () => {
    const sessions = advanced(new Map(), 3, 5);
    expect([2, 3, 5, 6].map((number) => ask(sessions, number))).toEqual(["new", "recorded", "recorded", "new"]);
  });

  test("an outcome beside accepted is given again", () => {
    const sessions = advanced(new Map(), 0, 2);
    record(sessions, { session: KEY, number: 1 }, { kind: "rejected", code: "c", message: "m" }, BIRTH);
    expect(lookUp(sessions, KEY, BIRTH, 1, BIRTH, KERNEL_LIMITS)).toEqual({ kind: "recorded", outcome: { kind: "rejected", code: "c", message: "m" } });
    expect(lookUp(sessions, KEY, BIRTH, 2, BIRTH, KERNEL_LIMITS)).toEqual({ kind: "recorded", outcome: { kind: "accepted" } });
  });

  test("what the client has said it knows is dropped", () => {
    const sessions = advanced(new Map(), 0, 9);
    advanced(sessions, 10, 10, { firstUnanswered: 8 });
    expect([7, 8, 10, 11].map((number) => ask(sessions, number))).toEqual(["dropped", "recorded", "recorded", "new"]);
  });

  test("whatever order ranges come in, exactly the decided numbers are known", () => {
    const range = fc.tuple(fc.nat(60), fc.nat(6)).map(([from, length]) => [from, from + length] as const);
    fc.assert(fc.property(fc.array(range, { maxLength: 30 }), fc.nat(40), (ranges, firstUnanswered) => {
      const sessions: Sessions = new Map();
      const decided = new Set<number>();
      for (const [from, to] of ranges) {
        advanced(sessions, from, to);
        for (let i = from; i <= to; i++) decided.add(i);
      }
      if (ranges.length > 0) advanced(sessions, 100, 100, { firstUnanswered });
      for (let i = 0; i < 80; i++) {
        const expected = ranges.length > 0 && i < firstUnanswered ? "dropped" : decided.has(i) ? "recorded" : "new";
        expect(ask(sessions, i), `number ${i}`).toBe(expected);
      }
    }), { numRuns: 300, seed: 1 });
  });
});

describe("forgetting", () => {
  test("a session is forgotten when another is made after its last notAfter, and not before", () => {
    const sessions = advanced(new Map(), 0, 0, { notAfter: 5_000 });
    advanced(sessions, 0, 0, { session: "bob/one", at: 5_000, notAfter: 90_000 });
    expect(ask(sessions, 0, 5_000)).toBe("recorded");
    advanced(sessions, 0, 0, { session: "bob/two", at: 5_001, notAfter: 90_000 });
    expect(ask(sessions, 0, 5_001)).toBe("new");
  });

  test("an unknown session is new while young, and unknown when old", () => {
    expect(ask(new Map(), 0, BIRTH + KERNEL_LIMITS.sessionKeepMs)).toBe("new");
    expect(ask(new Map(), 0, BIRTH + KERNEL_LIMITS.sessionKeepMs + 1)).toBe("unknown-session");
  });

  test("a full table refuses new sessions, and takes them when an old one has expired", () => {
    const limits = { ...KERNEL_LIMITS, sessionsMax: 2 };
    const sessions: Sessions = new Map();
    advanced(sessions, 0, 0, { session: "a/1", notAfter: 5_000 });
    advanced(sessions, 0, 0, { session: "a/2", notAfter: 9_000 });
    expect(ask(sessions, 0, 4_000, limits)).toBe("too-many-sessions");
    expect(ask(sessions, 0, 5_001, limits)).toBe("new");
  });

  test("a parked command of a session nobody knew stays known as long as it could be sent again", () => {
    const sessions: Sessions = new Map();
    record(sessions, { session: KEY, number: 4 }, { kind: "rejected", code: "kernel/parked", message: "m" }, BIRTH);
    advanced(sessions, 0, 0, { session: "bob/other", at: BIRTH + 60_000 });
    expect(ask(sessions, 4, BIRTH + 60_000)).toBe("recorded");
  });
});

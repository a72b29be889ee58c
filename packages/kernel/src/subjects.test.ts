/** Names of subjects, and unique ids. */
import { describe, expect, test } from "vitest";
import { Fault } from "./faults.ts";
import { clusterOf, isToken, senderOf, subjectsOf, token } from "./subjects.ts";
import { UlidSource, ulidOf } from "./ulid.ts";

describe("subjects", () => {
  test.each(["", "a.b", "a b", "*", ">", "a/b", "ü", "x".repeat(129), "a\r\nb"])("%j is no token", (text) => {
    expect(isToken(text)).toBe(false);
    expect(() => token("cluster", text)).toThrow(Fault);
  });

  test("every subject starts with its cluster, so that clusters joined by a leaf node stay apart", () => {
    const subjects = subjectsOf("eu-1");
    const all = [subjects.command("k", "a", "submit", "p"), subjects.inbox("k", "a", "actor", "p"), subjects.journal("k", "a"), subjects.query("k", "a", "operate", "p"),
      subjects.watch("k", "a", "p"), subjects.hello("p", "i", "a"), subjects.hellosTo("a"), subjects.hellos, subjects.ping("p", "i", "a"), subjects.heartbeat("p", "i"), subjects.heartbeats, subjects.probe("p", "i"), subjects.across("far", "x"), subjects.allAcross, subjects.feed("k", "t", "a/b"), subjects.blob("p", "d", 0), subjects.mark("k", "a")];
    for (const subject of all) expect(subject.startsWith("ls.eu-1.")).toBe(true);
    for (const subject of all) expect(clusterOf(subject)).toBe("eu-1");
    expect(["_INBOX.alice.x", "$JS.API.INFO", "x", ""].map(clusterOf)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("role and principal are read from the subject", () => {
    const subjects = subjectsOf("c");
    expect(senderOf(subjects.command("k", "a", "submit", "alice"))).toEqual({ role: "submit", principal: "alice" });
    expect(senderOf(subjects.inbox("k", "a", "peer", "far"))).toEqual({ role: "peer", principal: "far" });
  });

  test.each(["ls.c.cm.k.a.root.alice", "ls.c.cm.k.a.submit", "ls.c.cm.k.a.submit.alice.x", "x"])("%s names no sender", (subject) => {
    expect(senderOf(subject)).toBeUndefined();
  });
});

describe("ulids", () => {
  test("made in order, they sort in that order, also within a millisecond and when the clock goes back", () => {
    const source = new UlidSource(() => 0.999_999);
    const ids = [5, 5, 5, 6, 4, 4, 7].map((ms) => source.next(1_700_000_000_000 + ms));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("are 26 characters without look-alikes", () => {
    expect(ulidOf(1_700_000_000_000, [2 ** 34, 2 ** 24, 2 ** 19])).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(new UlidSource(() => 0.5).next(1_700_000_000_000)).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  });

  test("of different places differ", () => {
    const ids = new Set<string>();
    for (let a = 0; a < 20; a++) for (let b = 0; b < 20; b++) for (let c = 0; c < 5; c++) ids.add(ulidOf(1, [a, b, c]));
    expect(ids.size).toBe(2_000);
  });
});

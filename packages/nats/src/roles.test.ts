import { GUEST_BLOBS, IMPORTED_BLOBS, ROLES, subjectsOf } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { covers, deniedFromHub, permissionsOf, ROLE_NAMES } from "./roles.ts";

describe("a permission covers", () => {
  it.each([
    ["a.b", "a.b", true],
    ["a.*", "a.b", true],
    ["a.*", "a.*", true],
    ["a.>", "a.b.c", true],
    ["a.>", "a.>", true],
    [">", "a", true],
    ["a.*", "a.>", false],
    ["a.*", "a.b.c", false],
    ["a.>", "a", false],
    ["a.b", "a.*", false],
    ["a.b.c", "a.b", false],
  ])("%s, asked for %s: %s", (permission, wanted, is) => {
    expect(covers(permission, wanted)).toBe(is);
  });
});

describe("the table of roles", () => {
  const all = ROLE_NAMES.map((role) => ({ role, ...permissionsOf([role], "main", "alice") }));

  it("lets everybody listen to its own answers only", () => {
    for (const { subscribe } of all) expect(subscribe.filter((subject) => subject.startsWith("_INBOX"))).toEqual(["_INBOX.alice.>"]);
  });

  it("lets nobody but hosts write histories, marks, snapshots, dispatches, results and public events", () => {
    for (const { role, publish } of all) {
      const written = ["jr", "mk", "sn", "wk", "re", "ev"].filter((what) => publish.some((given) => covers(given, `ls.main.${what}.a.b.c`)));
      expect(written).toEqual(role === "host" ? ["jr", "mk", "sn", "wk", "re", "ev"] : []);
    }
  });

  it("lets nobody but hosts create a consumer, which delivers wherever its creator says", () => {
    for (const { role, publish } of all) if (role !== "host") expect(publish.filter((subject) => subject.includes("CONSUMER"))).toEqual([]);
  });

  it("gives nobody a whole API and no role that of creating consumers without a filter", () => {
    for (const { publish } of all) {
      expect(publish.some((given) => covers(given, "$JS.API.STREAM.DELETE.LS_main_JOURNAL"))).toBe(false);
      expect(publish.some((given) => covers(given, "$JS.API.CONSUMER.CREATE.LS_main_JOURNAL.c"))).toBe(false);
      expect(publish.some((given) => covers(given, "$JS.API.CONSUMER.DURABLE.CREATE.LS_main_JOURNAL.c"))).toBe(false);
    }
  });

  it("binds commands and inbox messages to the user's own name", () => {
    for (const { publish } of all) {
      const foreign = ["submit", "outcome", "operate", "actor", "hello"].filter((role) => publish.some((given) => covers(given, `ls.main.in.k.a.${role}.bob`) || covers(given, `ls.main.cm.k.a.${role}.bob`)));
      expect(foreign).toEqual([]);
    }
  });

  it("lets nobody but hosts and workers answer, who are asked", () => {
    for (const { role, publish } of all) expect(publish.some((given) => covers(given, "_INBOX.bob.x"))).toBe(role === "host" || role === "worker");
  });

  it("lets nobody but hosts store payloads under the names that routers keep them under, and nobody be called so", () => {
    for (const keeper of [GUEST_BLOBS, IMPORTED_BLOBS]) {
      const writers = all.filter(({ publish }) => publish.some((given) => covers(given, `ls.main.bl.${keeper}.d.0`))).map(({ role }) => role);
      expect(writers).toEqual(["host"]);
      expect(() => permissionsOf(["submitter"], "main", keeper)).toThrow(/routers keep payloads/);
    }
  });

  it("gives another cluster no right in this one's streams", () => {
    const { publish } = permissionsOf(["peer"], "main", "west");
    expect(publish.filter((given) => given.startsWith("$JS") || given.includes(".bl."))).toEqual([]);
  });

  it("adds up the roles of one user", () => {
    const both = permissionsOf(["submitter", "worker"], "main", "alice");
    expect(both.publish).toContain("ls.main.cm.*.*.submit.alice");
    expect(both.publish).toContain("ls.main.cm.*.*.outcome.alice");
    expect(new Set(both.publish).size).toBe(both.publish.length);
  });
});

describe("what a hub may not send into the cluster of a leaf node", () => {
  const denied = deniedFromHub("main");
  const isDenied = (subject: string): boolean => denied.some((given) => covers(given, subject));

  it("is every subject there is but those of peers", () => {
    const { cluster, prefix, ...made } = subjectsOf("main");
    const subjects = Object.entries(made).filter(([name]) => !["command", "inbox", "commands", "inboxes", "blobDoor", "across", "allAcross"].includes(name));
    expect(subjects.map(([name]) => name)).toContain("journal");
    for (const [name, make] of subjects) expect([name, isDenied(typeof make === "function" ? (make as (...tokens: string[]) => string)("a", "b", "c", "d") : make)]).toEqual([name, true]);
    expect([`${prefix}cm.k.a.operate.b`, `${prefix}in.k.a.submit.b`].map(isDenied)).toEqual([true, true]);
    for (const role of ROLES) {
      for (const way of ["command", "inbox"] as const) expect([role, isDenied(subjectsOf(cluster)[way]("k", "a", role, "hub"))]).toEqual([role, role !== "peer"]);
    }
    expect(isDenied(subjectsOf(cluster).across("hub", "x.1"))).toBe(false);
  });
});

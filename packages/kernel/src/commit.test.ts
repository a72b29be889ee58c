/** The wire form of a commit and of the kernel's own events. */
import { describe, expect, test } from "vitest";
import { encode } from "./codec.ts";
import type { CommitHeader } from "./commit.ts";
import { COMMIT_FORMAT, decodeCommit, sealCommit } from "./commit.ts";
import { Defect } from "./faults.ts";
import type { KernelEvent } from "./kernel-event.ts";
import { decodeKernelEvent, encodeKernelEvent } from "./kernel-event.ts";
import { ValueRun } from "./value-run.ts";

const header: CommitHeader = {
  format: COMMIT_FORMAT, host: "i1-1", epoch: 3, number: 77, at: 1_700_000_000_123, previous: new Uint8Array(32).fill(9),
  inbox: [{ stream: "LS_t_INBOX", created: "2026-01-01", sequence: 5, index: 2 }], outboxAcked: [["far.router.main", 12]],
};

describe("a commit", () => {
  test.each([0, 1, 15, 16, 70_000])("of %i events comes back as it was", (count) => {
    const run = new ValueRun();
    for (let i = 0; i < count; i++) run.push([16, i, "text"]);
    const commit = decodeCommit(sealCommit(header, run));
    expect(commit).toMatchObject({ ...header });
    expect(commit.events).toHaveLength(count);
    expect(commit.events.at(-1)).toEqual(count === 0 ? undefined : [16, count - 1, "text"]);
  });

  test.each([
    ["another format", encode([2, "h", 1, 1, 1, new Uint8Array(0), [], [], []])],
    ["too few fields", encode([1, "h"])],
    ["a map", encode({ format: 1 })],
  ])("with %s is a defect", (_name, bytes) => {
    expect(() => decodeCommit(bytes)).toThrow(Defect);
  });
});

describe("events of the kernel", () => {
  const events: readonly KernelEvent[] = [
    { type: "Opened", instance: "i1", view: 0, software: "1" },
    { type: "SessionAdvanced", session: "a/b", from: 1, to: 2, firstUnanswered: 0, notAfter: 9 },
    { type: "CommandAnswered", source: { kind: "session", session: "a/b", number: 4 }, answer: { x: 1 } },
    { type: "CommandRejected", source: { kind: "inbox", stream: "S", sequence: 4, index: 0 }, code: "c", message: "m", detail: undefined },
    { type: "CommandRejected", source: { kind: "inbox", stream: "S", sequence: 4, index: 0 }, code: "c", message: "m", detail: { field: "f" } },
    { type: "CommandRejected", source: { kind: "session", session: "s", number: 4 }, code: "c", message: "m", detail: undefined, stored: { sequence: 7, names: ["a", "b"] } },
    { type: "CommandParked", source: { kind: "direct", principal: "alice" }, reason: "r" },
    { type: "CommandParked", source: { kind: "inbox", stream: "S", sequence: 4, index: 0 }, reason: "r", stored: { sequence: 4, names: ["a"] } },
    { type: "MessageReceived", sender: "s", number: 3 },
    { type: "LinkBroken", sender: "s", expected: 3, got: 5 },
    { type: "TimeStepped", from: 1, to: 2 },
    { type: "RewindAccepted", number: 8, reason: "restored" },
  ];

  test.each(events)("$type comes back as it was", (event) => {
    expect(decodeKernelEvent(encodeKernelEvent(event))).toEqual(event);
  });

  test("an unknown code is a defect", () => {
    expect(() => decodeKernelEvent([15])).toThrow(Defect);
  });
});

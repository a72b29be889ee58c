import type { JobQueueEvent } from "@longshore/job-queue";
import { HANDED_BACK } from "@longshore/job-queue";
import { describe, expect, it } from "vitest";
import type { OffloadEvent } from "./events.ts";
import { brokenRoundTrips, judgeRoundTrips } from "./round-trip-check.ts";
import { digestOf, INPUT } from "./testing/mini-host.ts";

const [A, B] = [digestOf("a"), digestOf("b")];
const blob = (digest: string) => ({ name: "x", principal: "p", digest, bytes: 1 });
const travel = { id: "main.j", topic: "t", input: INPUT, blobs: [blob(A)], options: {} };
const outcome = { end: "succeeded", result: null, blobs: [blob(B)], reason: null, error: null } as const;
const started = (trip: number): OffloadEvent => ({ type: "TripStarted", trip, cluster: "far", shard: "main", job: 1, attempt: 1, ...travel });
const accepted = (guest: number): OffloadEvent => ({ type: "GuestAccepted", guest, origin: "home", trip: 1, ...travel });

const ORIGIN: readonly OffloadEvent[] = [
  started(1), { type: "InputStaged", trip: 1 }, { type: "TripDispatched", trip: 1 }, { type: "TripAccepted", trip: 1 }, { type: "TripReturned", trip: 1, outcome },
  { type: "OutputImported", trip: 1 }, { type: "TripEnded", trip: 1, how: "returned", reason: null },
];
const WORKER: readonly OffloadEvent[] = [
  accepted(1), { type: "InputVerified", guest: 1 }, { type: "GuestEnded", guest: 1, outcome }, { type: "OutputStaged", guest: 1 }, { type: "GuestReturned", guest: 1, outcome },
  { type: "GuestReleased", guest: 1, removeAt: 0 }, { type: "PayloadReleased", guest: 1, digests: [A, B] }, { type: "PayloadRemoved", digests: [A, B] },
];
const QUEUE: readonly JobQueueEvent[] = [
  { type: "InstanceJoined", member: 1, instance: "@far", incarnation: "route", principal: "(offload-router)", processors: 1, pools: [] },
  { type: "AttemptStarted", job: 1, attempt: 1, member: 1, pool: 0 },
  { type: "JobEnded", job: 1, state: "succeeded", attempt: 1, result: undefined, reason: undefined, error: undefined },
];

interface World {
  readonly origin?: readonly OffloadEvent[];
  readonly worker?: readonly OffloadEvent[];
  readonly queue?: readonly JobQueueEvent[];
}

const found = ({ origin = ORIGIN, worker = WORKER, queue = QUEUE }: World): string =>
  brokenRoundTrips([{ cluster: "home", router: origin, queues: { main: queue } }, { cluster: "far", router: worker, queues: {} }], { atRest: true }).join("\n");

/** One event taken out, or more put in behind it. */
const without = (events: readonly OffloadEvent[], type: OffloadEvent["type"]): readonly OffloadEvent[] => events.filter((event) => event.type !== type);
const behind = (events: readonly OffloadEvent[], type: OffloadEvent["type"], ...more: readonly OffloadEvent[]): readonly OffloadEvent[] =>
  events.flatMap((event) => (event.type === type ? [event, ...more] : [event]));

const ENDED: OffloadEvent = { type: "TripEnded", trip: 1, how: "returned", reason: null };
const RETURNED: OffloadEvent = { type: "GuestReturned", guest: 1, outcome };

describe("P12 a round trip", () => {
  it("that keeps the promise is not blamed", () => expect(found({})).toBe(""));

  it.each<readonly [string, World]>([
    ["after its end", { origin: [...ORIGIN, ENDED] }],
    ["before its inputs are staged", { origin: without(ORIGIN, "InputStaged") }],
    ["before its outputs are imported", { origin: without(ORIGIN, "OutputImported") }],
    ["was never dispatched", { origin: without(ORIGIN, "TripDispatched") }],
    ["without an outcome", { origin: without(without(ORIGIN, "TripReturned"), "OutputImported") }],
    ["returns twice", { origin: behind(ORIGIN, "TripReturned", { type: "TripReturned", trip: 1, outcome }) }],
    ["while it is on trip 1", { origin: behind(ORIGIN, "TripDispatched", started(2)) }],
    ["which never started", { origin: ORIGIN.slice(1) }],
    ["trip 1 has not ended", { origin: ORIGIN.slice(0, -1), queue: [] }],
    ["taken in twice", { worker: [accepted(2), ...WORKER] }],
    ["guest 1 returns twice", { worker: behind(WORKER, "GuestReturned", RETURNED) }],
    ["released before it has returned", { worker: without(WORKER, "GuestReturned") }],
    ["with another outcome", { worker: behind(without(WORKER, "GuestReturned"), "OutputStaged", { type: "GuestReturned", guest: 1, outcome: { ...outcome, end: "error" } }) }],
    ["after its payload was released", { worker: [...WORKER, RETURNED] }],
    ["leaves blob", { worker: behind(without(WORKER, "PayloadReleased"), "GuestReleased", { type: "PayloadReleased", guest: 1, digests: [A] }) }],
    ["was never removed", { worker: without(WORKER, "PayloadRemoved") }],
    ["was never released", { worker: WORKER.slice(0, 5) }],
    ["while guest 2 needs it", { worker: behind(WORKER, "GuestReturned", { type: "GuestAccepted", guest: 2, origin: "off", trip: 1, ...travel }) }],
    ["relies on blob", { worker: behind(WORKER, "PayloadReleased", { type: "GuestAccepted", guest: 2, origin: "off", trip: 1, ...travel }, { type: "InputVerified", guest: 2 }) }],
    ["still needs trip 1", { origin: ORIGIN.slice(0, -1), queue: [] }],
    ["never dispatched", { origin: [] , queue: [] }],
    ["ends as succeeded, and its trip 1 as error", { origin: [...ORIGIN.slice(0, -1), { type: "TripEnded", trip: 1, how: "failed", reason: null }] }],
    ["is given back while it runs", { queue: [...QUEUE.slice(0, 2), { type: "JobEnded", job: 1, state: "dropped", attempt: 1, result: undefined, reason: HANDED_BACK, error: undefined }] }],
    ["and its trip (none) as nothing", { origin: [], worker: [] }],
  ])("is blamed: … %s", (text, world) => expect(found(world)).toContain(text));

  it("that is on its way is not at rest, and not blamed before", () => {
    const halves = [{ cluster: "home", router: ORIGIN.slice(0, 3), queues: {} }, { cluster: "far", router: WORKER.slice(0, 2), queues: {} }];
    expect(brokenRoundTrips(halves)).toEqual([]);
    expect(brokenRoundTrips(halves, { atRest: true })).toHaveLength(2);
  });

  it("that was given up lets its guest go by a late return", () => {
    const origin: readonly OffloadEvent[] = [...ORIGIN.slice(0, 4), { type: "TripEnded", trip: 1, how: "reclaimed", reason: null }, { type: "LateReturnRefused", cluster: "far", trip: 1, end: "succeeded" }];
    expect(found({ origin, queue: QUEUE.slice(0, 2) })).toBe("");
  });

  const alone = (router: readonly OffloadEvent[]) => [{ cluster: "home", router, queues: {} }];
  const both = (origin: readonly OffloadEvent[], worker: readonly OffloadEvent[], upTo?: number) => [
    { cluster: "home", router: origin, queues: {} }, { cluster: "far", router: worker, queues: {}, ...(upTo === undefined ? {} : { upTo }) },
  ];

  it("is not held against a cluster whose histories were not given, and that one is named", () => {
    expect(judgeRoundTrips(alone(ORIGIN))).toMatchObject({ violations: [], missing: ["far"], trips: 1, guests: 0 });
    expect(judgeRoundTrips([{ cluster: "far", router: WORKER, queues: {} }])).toMatchObject({ violations: [], missing: ["home"], guests: 1 });
  });

  it("is open, not blamed, where the other history may only end earlier", () => {
    for (const histories of [both([], WORKER), both(ORIGIN.slice(0, 2), WORKER.slice(0, 2)), both(ORIGIN.slice(0, -1), WORKER), both(ORIGIN, []), both(ORIGIN, WORKER.slice(0, 3))]) {
      expect(brokenRoundTrips(histories)).not.toEqual([]);
      const { violations, open } = judgeRoundTrips(histories, { isCut: true });
      expect([violations, open > 0]).toEqual([[], true]);
    }
    expect(judgeRoundTrips([{ cluster: "home", router: ORIGIN.slice(0, -1), queues: { main: QUEUE } }], { isCut: true })).toMatchObject({ violations: [], open: 1 });
    const other: OffloadEvent = { type: "GuestReturned", guest: 1, outcome: { ...outcome, end: "error" } };
    expect(judgeRoundTrips(both(ORIGIN, [...WORKER.slice(0, 4), other]), { isCut: true }).violations).toHaveLength(1);
  });

  it("is held against what was known before the others were read to their ends, and says at which event it is broken", () => {
    expect(judgeRoundTrips(both(ORIGIN.slice(0, -1), WORKER, 5)).violations).toEqual([]);
    expect(judgeRoundTrips(both(ORIGIN.slice(0, -1), WORKER)).violations).toEqual([{ cluster: "far", shard: undefined, event: 6, text: "guest 1 is released while home still needs trip 1" }]);
  });
});

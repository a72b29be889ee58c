import type { TripView } from "longshore";
import { expect, test } from "vitest";
import { findingOfTrips } from "./offload-findings.ts";

const trip = (fields: Partial<TripView>): TripView => ({
  trip: 7, cluster: "west", shard: "main", job: 1, id: "main.j", topic: "t", attempt: 1, phase: "accepted", startedAt: 0, heardAgoMs: 0, report: {}, trouble: null, stop: null, how: null, reason: null, ...fields,
});
const trouble = { step: "stage", kind: "missing", message: "gone", failures: 3, at: 0, retryAt: 0 } as const;

test("OFF-ADM-06 a job that is stuck on its way is an alert with its reason; one that only runs for long is none", () => {
  expect(findingOfTrips([])).toMatchObject({ ok: true, found: "none" });
  expect(findingOfTrips([trip({ heardAgoMs: 86_400_000 }), trip({ phase: "offered", heardAgoMs: 1_000 }), trip({ phase: "staging", trouble: { ...trouble, failures: 1 } })])).toMatchObject({ ok: true, found: "3 jobs, none stuck on the way" });
  expect(findingOfTrips([trip({}), trip({ phase: "staging", trouble })])).toMatchObject({ ok: false, found: "1 job stuck on the way, the first: main.j to west: its inputs cannot be read here (missing): gone", remedy: expect.stringContaining("longshore offload show 7") });
  expect(findingOfTrips([trip({ phase: "offered", heardAgoMs: 180_000 })])).toMatchObject({ ok: false, found: expect.stringContaining("on its way to west, heard 3 m ago") });
  expect(findingOfTrips([trip({ heardAgoMs: 180_000, report: { trouble: "no answer" } })])).toMatchObject({ ok: false });
});

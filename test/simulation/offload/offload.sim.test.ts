/** The committed seeds of every failure found, and fresh ones, as many as LONGSHORE_SIM_SEEDS says; and proof that they reach the hard places. */
import { readFileSync } from "node:fs";
import { Marks } from "@longshore/testkit/simulation";
import { expect, it } from "vitest";
import { describeRun, runSeeds } from "./main.ts";
import { run } from "./simulate.ts";

const count = Number(process.env["LONGSHORE_SIM_SEEDS"] ?? 1_000);

const found = JSON.parse(readFileSync(new URL("seeds.json", import.meta.url), "utf8")) as readonly { readonly seed: number; readonly found: string }[];

it.each(found)("P12: seed $seed stays mended: $found", ({ seed }) => {
  const result = run(seed);
  expect(result.violations, describeRun(result)).toEqual([]);
});

/** Between chunks the test runner gets its turn; a long silence would count as a crash. */
const CHUNK = 20;

/** What a few hundred seeds must have met; fewer cannot be asked for all of it. */
const HARD_PLACES = [
  "TripEnded returned", "TripEnded refused", "TripEnded handed-back", "TripEnded reclaimed", "TripEnded stopped", "TripEnded failed", "TripEnded dropped", "LateReturnRefused", "OfferRefused",
  "stage: missing", "stage: corrupt", "fetch: corrupt", "fetch: unreachable", "import: unreachable", "import: corrupt", "remove: done", "a message comes a second time", "a publish is lost",
  "an acknowledgement is lost", "a host crashes", "a link is cut", "a job is stopped", "a job is removed", "HandoverDeclined",
  "GuestMoved", "GuestUnserved", "hand back: done", "hand back: it runs", "hand back: it is taken", "hand back: it is over", "a report is left out", "a report is kept aside", "what was kept aside follows", "swept: of ann", "swept: of wendy",
] as const;

it(`P2 to P6, P8, P12: ${count} seeds of two and three clusters bring every job home once, and leave nothing behind`, async () => {
  const failures: string[] = [];
  const marks = new Marks();
  let trips = 0;
  for (let from = 1; from <= count && failures.length < 20; from += CHUNK) {
    const summary = runSeeds({ count: Math.min(CHUNK, count - from + 1), from, failuresMax: 20, onFailure: (text) => failures.push(text) });
    marks.addAll(summary.marks);
    trips += summary.trips;
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  process.stdout.write(`${count} seeds, ${trips} round trips\n`);
  expect(failures).toEqual([]);
  expect(trips).toBeGreaterThan(count);
  if (count >= 200) expect(HARD_PLACES.filter((mark) => !marks.counts.has(mark))).toEqual([]);
});

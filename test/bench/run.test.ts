import { describe, expect, it } from "vitest";
import { Ledger } from "./load.ts";
import { toMarkdown } from "./report.ts";
import { combined, type Run } from "./run.ts";
import type { Size } from "./scenario.ts";

const size: Size = { jobs: 1_000, seconds: 5, inFlight: 500, clients: 8, backlog: 100, rate: 500, samples: 50 };
const machine = { cpu: "a processor", cores: 2, memoryBytes: 2 ** 34, node: "v20", fileSystem: "ext4", fsyncMs: 0.1, loadAverage: 0 };

const runOf = (startedAt: string, figures: Readonly<Record<string, readonly number[]>>, busy = 0): Run => ({
  size,
  parts: [{ startedAt, minutes: 1, machine, rounds: 2 }],
  contenders: Object.keys(figures).map((name) => ({ name, system: name, durability: "fsync", tuning: "none", concurrency: 1, software: "s" })),
  series: Object.entries(figures).map(([contender, values]) => ({
    scenario: "e2e-1k", contender, startedAt, othersBusy: values.map(() => busy),
    outcomes: values.map((value) => ({ software: "s", figures: { "e2e-1k": value } })),
  })),
});

const lineOf = (run: Run, beginning: string): string | undefined => toMarkdown(run).split("\n").find((line) => line.startsWith(beginning));

describe("runs put together", () => {
  const old = runOf("2026-01-01T00:00:00Z", { "longshore-always": [100, 100], "bullmq-always": [50, 10] });

  it("show a contender's newest figures, and the others' old ones beside them", () => {
    const run = combined([old, runOf("2026-01-02T00:00:00Z", { "longshore-always": [300, 300] })]);
    expect(lineOf(run, "| end to end, 1 KiB (jobs/s)")).toBe("| end to end, 1 KiB (jobs/s) | 300 (300 – 300) | 30 (10 – 50) |");
    expect(run.parts.map(({ startedAt }) => startedAt)).toEqual(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]);
    expect(lineOf(run, "| end to end, 1 KiB | ")).toBe("| end to end, 1 KiB | 10.00× |");
  });

  it("compare round by round what was measured in turns", () => {
    expect(lineOf(old, "| end to end, 1 KiB | ")).toBe("| end to end, 1 KiB | 6.00× |");
  });

  it("leave out a run of which nothing is shown", () => {
    const both = combined([old, runOf("2026-01-02T00:00:00Z", { "longshore-always": [1, 1], "bullmq-always": [1, 1] })]);
    expect(both.parts).toHaveLength(1);
  });

  it("must be of one size", () => {
    expect(() => combined([old, { ...old, size: { ...size, inFlight: 100 } }])).toThrow("another inFlight (100, not 500)");
    expect(() => combined([])).toThrow("--combine");
  });
});

describe("the report", () => {
  it("marks what was measured under load, and only that", () => {
    expect(toMarkdown(runOf("2026-01-01T00:00:00Z", { "longshore-always": [100] }))).not.toContain("†");
    const loaded = toMarkdown(runOf("2026-01-01T00:00:00Z", { "longshore-always": [100] }, 0.5));
    expect(loaded).toContain("not to be quoted:** 1 of 1");
    expect(loaded).toContain("| 100† |");
  });

  it("gives no figure to whom a round failed, and says why", () => {
    const run = runOf("2026-01-01T00:00:00Z", { "longshore-always": [100, 100], "bullmq-always": [50, 50] });
    const failed = { ...run, series: run.series.map((series) => (series.contender === "bullmq-always" ? { ...series, outcomes: [...series.outcomes.slice(1), { failed: "3 lost" }] } : series)) };
    expect(lineOf(failed, "| end to end, 1 KiB (jobs/s)")).toBe("| end to end, 1 KiB (jobs/s) | 100 (100 – 100) | no result |");
    expect(toMarkdown(failed)).toContain("- bullmq-always, e2e-1k, round 2: 3 lost");
  });
});

describe("the ledger", () => {
  it("finds what was lost, run twice, or never added", () => {
    const ledger = new Ledger(4);
    ledger.expect(0, 3);
    for (const seq of [0, 1, 1, 3]) ledger.mark(seq);
    expect(ledger.fault()).toBe("1 lost, 1 run more than once, 1 never added");
  });

  it("is content with what ran once and what still waits", () => {
    const ledger = new Ledger(3);
    ledger.expect(0, 3);
    ledger.mark(1);
    expect(ledger.fault(2)).toBeUndefined();
    expect(ledger.fault(1)).toBe("1 lost, 0 run more than once, 0 never added");
  });
});

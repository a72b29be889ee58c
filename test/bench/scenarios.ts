/**
 * What is measured. Each scenario gets a system started afresh, warms it up, holds the clock only over
 * what its name says, and then proves by ledger that no job was lost and none ran twice.
 */
import type { Scenario, Size } from "./scenario.ts";
import { backlog } from "./scenarios/backlog.ts";
import { latency } from "./scenarios/latency.ts";
import { recovery } from "./scenarios/recovery.ts";
import { adding, bulkAndDrain, endToEnd, endToEndByClients } from "./scenarios/throughput.ts";

export function scenarios(size: Size): readonly Scenario[] {
  return [
    adding(size),
    bulkAndDrain,
    endToEnd("e2e-100b", "end to end, 100 B", 100, true),
    endToEnd("e2e-1k", "end to end, 1 KiB", 1024),
    endToEnd("e2e-16k", "end to end, 16 KiB", 16 * 1024),
    endToEndByClients(size),
    latency(size),
    backlog(size.backlog),
    recovery("recovery-small", Math.ceil(size.backlog / 10)),
    recovery("recovery-large", size.backlog),
  ];
}

/**
 * The JobQueue host as a process of its own, for the benchmark; its one argument is a `HostStart` as JSON.
 *
 * On its control port it answers each line with one line of JSON: what `longshore-control.ts` asks.
 */
import { createServer } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { collectLessOften, startJobQueue } from "@longshore/cli";
import type { HostStanding, HostStart, Pauses, Question } from "./longshore-control.ts";

const start = JSON.parse(process.argv[2] ?? "{}") as HostStart;
const loop = monitorEventLoopDelay({ resolution: 1 });
/** What the timer waits by itself. */
const RESOLUTION_NS = 1e6;
const standing: { -readonly [Field in keyof HostStanding]: HostStanding[Field] } = { isStandby: false, snapshots: 0 };

const answers: Readonly<Record<Question, () => unknown>> = {
  standing: () => standing,
  heap() {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
  pauses() {
    const beyond = (nanoseconds: number): number => Math.max(0, nanoseconds - RESOLUTION_NS) / 1e6;
    const pauses: Pauses = { p99Ms: beyond(loop.percentile(99)), maxMs: beyond(loop.max) };
    loop.reset();
    // Not before somebody asks: its timer fires a thousand times a second.
    loop.enable();
    return pauses;
  },
};

createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.on("data", (data) => socket.end(`${JSON.stringify(answers[data.toString().trim() as Question]())}\n`));
}).listen(start.control, "127.0.0.1");

// As the `longshore` command does.
collectLessOften();
const beginMs = Date.now();
const service = await startJobQueue({
  connection: { principal: "host", servers: start.url },
  stateDir: start.directory,
  ...(start.snapshotEveryCommits === undefined ? {} : { snapshotEveryCommits: start.snapshotEveryCommits }),
  onStandby: () => { standing.isStandby = true; },
  telemetry(event, fields) {
    if (event === "snapshot.made" && fields["ok"] === true) standing.snapshots += 1;
    console.error(event, JSON.stringify(fields));
  },
});
standing.servingAt = Date.now();
standing.recoveryMs = standing.servingAt - beginMs;
process.on("SIGTERM", () => void service.close().then(() => process.exit()));
console.log(`serving epoch ${service.epoch}`);
const { kind } = await service.stopped;
if (kind !== "closed") process.exit(1);

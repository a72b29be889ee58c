/** A process with a worker: the real loop, and handlers that do what their job's input says. */
import { encode } from "@longshore/kernel";
import type { WorkerEntry } from "@longshore/testkit/promises";
import type { SimProcess } from "@longshore/testkit/simulation";
import { Random, SimWire } from "@longshore/testkit/simulation";
import type { Attempt, AttemptEnd } from "longshore/internal";
import { CLIENT_LIMITS, Epochs, WORKER_LIMITS, WorkerLoop } from "longshore/internal";
import { decodeBehaviour } from "./behaviour.ts";
import type { Cluster } from "./cluster.ts";
import { CLUSTER, KIND, SHARD } from "./cluster.ts";
import type { Config } from "./config.ts";

type Entry = { -readonly [Key in keyof WorkerEntry]: WorkerEntry[Key] };

/** How long a handler that heeds its signal takes to stop, at most. */
const HEED_MS = 200;

export class WorkerProcess {
  readonly process: SimProcess;
  private readonly cluster: Cluster;
  private readonly pools: Config["pools"][number];
  private readonly random: Random;
  private loop: WorkerLoop | undefined;
  private readonly onDeath: (process: string) => void;
  /** Executions that go on, with what was written down at their start. */
  private readonly running = new Map<Attempt, Entry>();

  constructor(cluster: Cluster, name: string, pools: Config["pools"][number], onDeath: (process: string) => void) {
    this.cluster = cluster;
    this.process = cluster.process(name);
    this.pools = pools;
    this.random = new Random(cluster.config.seed, `worker ${name}`);
    this.onDeath = onDeath;
  }

  start(): void {
    if (this.process.isUp) return;
    const { cluster, process, random } = this;
    process.start();
    const link = cluster.server.connect(process);
    const ports = { wire: new SimWire(link), clock: process, random: () => random.next(), wallMs: () => cluster.serverMs };
    const place = { cluster: CLUSTER, kind: KIND, actor: SHARD, principal: process.name };
    const identity = { instance: process.name, incarnation: `${process.name}-${process.life}`, processors: 4 };
    this.loop = new WorkerLoop(ports, place, identity, { ...CLIENT_LIMITS, ...WORKER_LIMITS, helloEveryMs: cluster.config.helloEveryMs }, new Epochs(), {
      fault: (code) => cluster.marks.hit(`a worker complains: ${code}`),
    });
    for (const { topics, slots } of this.pools) this.loop.addPool({ topics, slots, start: (attempt) => this.execute(attempt) });
  }

  kill(): void {
    for (const [attempt] of this.running) this.end(attempt, "killed");
    this.loop = undefined;
    this.process.kill();
    this.cluster.server.closed(this.process);
  }

  /** Its handlers stand still with it: nobody can ask them to stop. */
  pause(): void {
    this.process.pause();
    for (const entry of this.running.values()) entry.excused = true;
  }

  /** Closes as a program does that is asked to end. */
  drain(done: () => void): void {
    if (this.loop === undefined || this.process.isPaused) return done();
    this.cluster.marks.hit("a worker drains");
    this.loop.close(WORKER_LIMITS.drainMs, done);
  }

  private execute(attempt: Attempt): void {
    const { cluster, process } = this;
    const input = attempt.input as Uint8Array;
    const behaviour = decodeBehaviour(input);
    const entry: Entry = {
      at: cluster.nowMs, incarnation: `${process.name}-${process.life}`, phase: "start", job: attempt.job, attempt: attempt.number,
      exclusive: attempt.isExclusive, excused: behaviour.kind === "deaf",
    };
    cluster.workers.push(entry);
    this.running.set(attempt, entry);
    cluster.note(process.name, `runs ${attempt.job}/${attempt.number} (${behaviour.kind})`);
    const finish = (end: AttemptEnd): void => {
      if (!this.running.has(attempt)) return;
      this.end(attempt, end.kind, end.kind === "succeeded" ? (end.result as Uint8Array) : undefined);
      attempt.end(end);
    };
    // Asked to end before it began: then it does not begin, deaf or not.
    if (attempt.abortCause !== undefined) return finish(endAsTold(attempt));
    if (behaviour.kind !== "deaf") attempt.onAbort = () => this.heed(attempt, finish);
    if (behaviour.kind === "hangs") return;
    if (behaviour.kind === "chats") this.chat(attempt);
    process.after(behaviour.ms, () => this.conclude(attempt, behaviour, finish));
  }

  private conclude(attempt: Attempt, behaviour: ReturnType<typeof decodeBehaviour>, finish: (end: AttemptEnd) => void): void {
    if (!this.running.has(attempt)) return;
    const { failures } = attempt.options;
    switch (behaviour.kind) {
      case "flaky":
        if (failures < behaviour.times) return finish({ kind: "failed", error: { name: "Error", message: "flaky" }, ...(this.random.chance(0.3) && { retryInMs: this.random.int(0, 500) }) });
        break;
      case "snoozes":
        if (attempt.number <= behaviour.times) return finish({ kind: "snoozed", delayMs: this.random.int(1, 2_000) });
        break;
      case "refuses": return finish({ kind: "canceled", reason: "the handler will not" });
      case "deadly":
        if (attempt.number <= behaviour.times) {
          this.cluster.marks.hit("a handler kills its process");
          return this.onDeath(this.process.name);
        }
        break;
      case "succeeds": case "chats": case "deaf": case "hangs":
        break;
    }
    finish({ kind: "succeeded", result: encode([attempt.job, attempt.number, this.process.name]) });
  }

  /** A handler that heeds its signal ends soon. */
  private heed(attempt: Attempt, finish: (end: AttemptEnd) => void): void {
    this.cluster.marks.hit(`an attempt is told to end: ${attempt.abortCause}`);
    this.cluster.note(this.process.name, `${attempt.job}/${attempt.number} is told to end: ${attempt.abortCause}`);
    this.process.after(this.random.next() * HEED_MS, () => finish(endAsTold(attempt)));
  }

  private chat(attempt: Attempt): void {
    attempt.progress(0.5, "half");
    attempt.log("a line");
    attempt.setProperty("seen", attempt.number);
    attempt.extend();
  }

  private end(attempt: Attempt, outcome: string, result?: Uint8Array): void {
    const { cluster } = this;
    const { incarnation, job, attempt: number, exclusive } = this.running.get(attempt)!;
    this.running.delete(attempt);
    cluster.workers.push({ at: cluster.nowMs, incarnation, phase: "end", job, attempt: number, outcome, exclusive: exclusive === true, ...(result && { result: result.slice() }) });
    cluster.note(this.process.name, `${job}/${number}: ${outcome}`);
  }
}

/** What the library makes of a handler that throws because it was told to end. */
function endAsTold({ abortCause, abortMessage }: Attempt): AttemptEnd {
  if (abortCause === "stop") return { kind: "canceled", reason: abortMessage };
  return abortCause === "host-silent" ? { kind: "released" } : { kind: "failed", error: { name: "AbortError", message: abortMessage } };
}

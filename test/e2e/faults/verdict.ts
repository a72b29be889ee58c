/**
 * What a scenario came to: the promises over the whole journal and the logs of clients and workers, and beside them, in
 * words of its own, that every add that was resolved has exactly one end and that the ordered queue ended in order.
 */
import { createHash } from "node:crypto";
import { type JobQueueEvent, jobQueue } from "@longshore/job-queue";
import { type Commit, decodeCommit, decodeKernelEvent, decodeTrusted, encode, FIRST_ACTOR_CODE, type Hash, type KernelEvent, type StoredCommit } from "@longshore/kernel";
import { journalOf, snapshotsOf } from "@longshore/nats";
import { Audit, type ClientEntry, checkReplay, Findings, type WorkerEntry } from "@longshore/testkit/promises";
import { onTestFinished } from "vitest";
import { isDurable, type Load, ORDERED_QUEUE, type Task } from "./load.ts";
import { PLACE, type World } from "./world.ts";

const sha256: Hash = (bytes) => createHash("sha256").update(bytes).digest();
const actor = jobQueue({ cluster: PLACE.cluster, shard: PLACE.actor });

interface Job {
  readonly number: number;
  readonly id: string;
  readonly key: string;
  readonly queue: string;
  ends: number;
}

/** Every commit, kept as it is written: the journal itself may forget the oldest. */
export class Tape {
  readonly commits: StoredCommit[] = [];
  private readonly world: World;
  private reading: Promise<void> = Promise.resolve();

  constructor(world: World) {
    this.world = world;
  }

  get bytes(): number {
    return this.commits.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  lastHash(): Uint8Array {
    return sha256(this.commits.at(-1)?.bytes ?? new Uint8Array(0));
  }

  /** Reads all the time, until the test is over. */
  follow(): void {
    let isOver = false;
    const go = async (): Promise<void> => {
      while (!isOver) {
        await this.read().catch(() => undefined);
        await new Promise((next) => setTimeout(next, 50));
      }
    };
    const following = go();
    onTestFinished(() => {
      isOver = true;
      return following;
    });
  }

  /** Reads what was written since. */
  read(): Promise<void> {
    this.reading = this.reading.catch(() => undefined).then(() => this.readOn());
    return this.reading;
  }

  private readOn(): Promise<void> {
    return new Promise((resolve, reject) => {
      journalOf(this.world.connection, PLACE).read(this.commits.at(-1)?.version ?? 0, (commit) => this.commits.push(commit), (answer) => {
        if (answer.kind === "end") resolve();
        else reject(new Error(`the journal cannot be read: ${answer.kind}`));
      });
    });
  }

  decoded(): readonly Commit[] {
    return this.commits.map(({ bytes }) => decodeCommit(bytes));
  }

  eventsByEpoch(): readonly { readonly epoch: number; readonly event: JobQueueEvent }[] {
    return this.decoded().flatMap(({ epoch, events, format }) =>
      events.filter((wire) => (wire[0] as number) >= FIRST_ACTOR_CODE).map((wire) => ({ epoch, event: actor.events.decode(wire, format) })));
  }

  events(): readonly JobQueueEvent[] {
    return this.eventsByEpoch().map(({ event }) => event);
  }

  kernelEvents(): readonly KernelEvent[] {
    return this.decoded().flatMap(({ events }) => events.filter((wire) => (wire[0] as number) < FIRST_ACTOR_CODE).map((wire) => decodeKernelEvent(wire)));
  }
}

export interface Verdict {
  /** What is wrong, one line each. */
  readonly wrong: readonly string[];
  readonly resolved: number;
  readonly ended: number;
  /** Hosts that have written, one after the other. */
  readonly epochs: number;
}

/** Judges at rest: nothing is on its way any more. */
export async function judge(world: World, loads: readonly Load[], tape: Tape = new Tape(world)): Promise<Verdict> {
  await tape.read();
  const jobs = jobsIn(tape);
  const byKey = new Map<string, Job>();
  const wrong: string[] = [];
  for (const job of jobs) {
    if (byKey.has(job.key)) wrong.push(`${job.key} was accepted twice, as ${byKey.get(job.key)?.id} and ${job.id}`);
    byKey.set(job.key, job);
    if (job.ends !== 1) wrong.push(`job ${job.id} (${job.key}) has ended ${job.ends} times`);
  }
  for (const load of loads) wrong.push(...lost(load, byKey), ...load.troubles);
  wrong.push(...outOfOrder(tape, jobs));
  wrong.push(...(await broken(world, loads, tape, byKey)));
  const resolved = loads.reduce((sum, load) => sum + load.resolved, 0);
  return { wrong, resolved, ended: jobs.filter(({ ends }) => ends > 0).length, epochs: new Set(tape.decoded().map(({ epoch }) => epoch)).size };
}

function jobsIn(tape: Tape): readonly Job[] {
  const jobs = new Map<number, Job>();
  for (const event of tape.events()) {
    if (event.type === "JobAccepted") {
      const task = event.input instanceof Uint8Array ? (decodeTrusted(event.input) as Partial<Task> | null) : null;
      jobs.set(event.job, { number: event.job, id: event.id, key: task?.key ?? event.id, queue: event.queue, ends: 0 });
    } else if (event.type === "JobEnded") jobs.get(event.job)!.ends++;
  }
  return [...jobs.values()];
}

function* lost(load: Load, byKey: ReadonlyMap<string, Job>): Generator<string> {
  for (const { key, outcome, code } of load.adds) {
    if (outcome === "open") yield `the add of ${key} was never settled`;
    if (isDurable(outcome) && !byKey.has(key)) yield `the add of ${key} was resolved (${outcome}), and the journal does not have it`;
    if (outcome === "failed" && byKey.has(key)) yield `the add of ${key} failed with ${code}, and it was accepted`;
  }
}

/** One client added them one after the other, so there is one right order for being accepted and for ending. */
function* outOfOrder(tape: Tape, jobs: readonly Job[]): Generator<string> {
  const ordered = jobs.filter(({ queue }) => queue === ORDERED_QUEUE);
  const added = ordered.map(({ key }) => Number(key.replace(/^\D+/, "")));
  const late = added.findIndex((operation, i) => operation < (added[i - 1] ?? 0));
  if (late >= 0) yield `${ordered[late]?.key} was added before ${ordered[late - 1]?.key} and accepted after it`;
  const numbers = new Set(ordered.map(({ number }) => number));
  const ends = tape.events().flatMap((event) => (event.type === "JobEnded" && numbers.has(event.job) ? [event.job] : []));
  const early = ends.findIndex((job, i) => job < (ends[i - 1] ?? 0));
  if (early >= 0) yield `job ${ends[early]} of the ordered queue has ended after job ${ends[early - 1]}`;
}

async function broken(world: World, loads: readonly Load[], tape: Tape, byKey: ReadonlyMap<string, Job>): Promise<readonly string[]> {
  const audit = new Audit({ shard: PLACE.actor, hash: sha256, withLogs: true });
  for (const commit of tape.commits) audit.add(commit);
  const clients = loads.flatMap((load) => clientEntries(load, byKey)).sort((a, b) => a.at - b.at);
  const results = loads.flatMap((load) => load.results);
  const report = audit.finish({ logs: { clients, results, workers: workerEntries(world, byKey) }, atRest: Date.now() });
  const findings = new Findings();
  const snapshot = await new Promise<Parameters<typeof checkReplay>[3][number] | undefined>((resolve) => snapshotsOf(world.connection, PLACE).latest(resolve));
  checkReplay(actor, sha256, tape.commits, snapshot === undefined ? [] : [snapshot], findings);
  return [...report.violations, ...findings.violations].map(({ promise, position, text }) => `${promise} at commit ${position.commit}: ${text}`);
}

function clientEntries({ adds }: Load, byKey: ReadonlyMap<string, Job>): readonly ClientEntry[] {
  return adds.flatMap(({ key, operation, invokedMs, toldMs, outcome, id: toldId }) => {
    const id = byKey.get(key)?.id ?? toldId?.slice(toldId.indexOf(".") + 1) ?? key;
    const entry = { client: "load", operation, verb: "add", id } as const;
    const phase = isDurable(outcome) ? "ok" : outcome === "failed" ? "fail" : "info";
    return [{ ...entry, at: invokedMs, phase: "invoke" as const }, { ...entry, at: toldMs ?? Number.POSITIVE_INFINITY, phase } as const];
  });
}

function workerEntries(world: World, byKey: ReadonlyMap<string, Job>): readonly WorkerEntry[] {
  const numbers = new Map([...byKey.values()].map(({ id, number }) => [`${PLACE.actor}.${id}`, number]));
  return world.workers.flatMap((worker) => worker.lines()).sort((a, b) => a.at - b.at).map(({ job, ...line }) => ({
    ...line, job: numbers.get(job) ?? 0, ...(line.outcome === "succeeded" && { result: encode({ job, attempt: line.attempt }) }),
  }));
}

/** One cluster: its router, its queue, a worker, and a mover of bytes. */
import type { Job, JobQueueActor, JobQueueCommand, JobQueueEvent, JobQueueRejection, NamedBlobWire, QueueState } from "@longshore/job-queue";
import { jobById, jobQueue, OUTCOME, runningOf, writeWantedQueue } from "@longshore/job-queue";
import { encode } from "@longshore/kernel";
import type { Move, OffloadCommand, OffloadEvent, OffloadRejection, OffloadRouterActor, OffloadState } from "@longshore/offload-router";
import { GUEST_BLOBS, OFFLOAD_ACTOR, OFFLOAD_KIND, offloadRouter } from "@longshore/offload-router";
import type { Random } from "@longshore/testkit/simulation";
import type { BlobStores } from "./blobs.ts";
import type { Config } from "./config.ts";
import type { SimActorHooks } from "./sim-actor.ts";
import { SimActor } from "./sim-actor.ts";

export const SHARD = "main";
const FRONT = "front";
export const TOPIC = "media/thumbnail";
const WORKER = "wendy";
/** In a history of hours these are two. */
const SWEPT_AFTER_MS = 4_000;

/** A planted bug. */
export interface Mutation {
  readonly router?: (actor: OffloadRouterActor, cluster: string) => OffloadRouterActor;
  readonly queue?: (actor: JobQueueActor) => JobQueueActor;
}

type SimQueue = SimActor<QueueState, JobQueueCommand, JobQueueEvent, JobQueueRejection>;

export class SimCluster {
  readonly name: string;
  readonly router: SimActor<OffloadState, OffloadCommand, OffloadEvent, OffloadRejection>;
  readonly queue: SimQueue;
  /** The shard that guests come to first, where the queue does not live there. */
  private readonly front: SimQueue | undefined;
  private readonly blobs: BlobStores;
  private readonly random: Random;
  private readonly hooks: SimActorHooks;
  private readonly works: boolean;
  private readonly hasFiles: boolean;
  private move: Move | undefined;
  private outputs = 0;
  private incarnation = 0;
  takesTopic = true;

  constructor(name: string, index: number, config: Config, blobs: BlobStores, random: Random, hooks: SimActorHooks, mutation: Mutation) {
    const { failedKeepMs, triesMax, unservedMs, outbox } = config;
    this.name = name;
    this.blobs = blobs;
    this.random = random;
    this.hooks = hooks;
    this.works = config.working[index]!;
    const actor = offloadRouter({ cluster: name, limits: { reclaimAfterMs: 60_000, stopGraceMs: 5_000, refusedDelayMs: 500, retryMs: 100, retryMaxMs: 2_000, triesMax, failedKeepMs, unservedMs } });
    this.router = new SimActor({ cluster: name, kind: OFFLOAD_KIND, actor: OFFLOAD_ACTOR }, mutation.router?.(actor, name) ?? actor, hooks, outbox);
    const queue = jobQueue({ cluster: name, shard: SHARD });
    this.queue = new SimActor({ cluster: name, kind: "job-queue", actor: SHARD }, this.marked(mutation.queue?.(queue) ?? queue), hooks, outbox);
    this.hasFiles = config.families.includes("files");
    this.front = config.families.includes("shards") ? new SimActor({ cluster: name, kind: "job-queue", actor: FRONT }, jobQueue({ cluster: name, shard: FRONT }), hooks, outbox) : undefined;
    this.front?.direct("want", { queue: "media", revision: 1, value: writeWantedQueue({ config: { topics: ["media/*"], shard: SHARD }, since: undefined, former: [] }) }, "hello", "host", 1);
    this.queue.direct("configure", { queue: "media", topics: ["media/*"], retries: 2, retryDelayMs: 100, type: config.isOrdered ? "ordered" : "unordered", offload: config.policies[index]! }, "operate", "ann", 1);
  }

  get actors(): readonly unknown[] {
    return [this.router, this.queue, ...(this.front === undefined ? [] : [this.front])];
  }

  /** Which way it goes when a job is asked back: all of them must be met. */
  private marked(actor: JobQueueActor): JobQueueActor {
    return {
      ...actor,
      decide: (state, command, at) => {
        const decision = actor.decide(state, command, at);
        if (command.type === "HandBackJob") {
          const job = jobById(state, command.id);
          this.hooks.mark(`hand back: ${(decision.events ?? []).length > 0 ? "done" : job?.isActive === true ? "it runs" : job?.isQueued === true ? "it is taken" : "it is over"}`);
        }
        return decision;
      },
    };
  }

  /** The worker starts, under another incarnation each time. */
  join(at: number): void {
    if (!this.works) return;
    const pools = this.takesTopic ? [{ topics: ["media/*"], slots: 2 }] : [];
    this.queue.direct("join", { instance: `${this.name}-worker`, incarnation: `i${++this.incarnation}`, processors: 2, pools }, "hello", WORKER, at);
  }

  /** Levels, said again and again: what this cluster takes, and what the others do. */
  announce(others: readonly SimCluster[], at: number): void {
    const pools = this.takesTopic && this.works ? [{ topics: ["media/*"], slots: 2 }] : [];
    this.queue.direct("topics", { instance: `${this.name}-worker`, incarnation: `i${this.incarnation}`, pools }, "hello", WORKER, at);
    this.router.direct("own", { topics: this.takesTopic && this.works ? ["media/*"] : [], shards: this.front === undefined ? [SHARD] : [FRONT, SHARD] }, "hello", "host", at);
    for (const other of others) this.router.direct("route", { cluster: other.name, pools: other.takesTopic && other.works ? [{ topics: ["media/*"], slots: 2 }] : [] }, "hello", "host", at);
  }

  /** Takes a move up, or finishes the one it has taken up: in between anything may happen. */
  moveBytes(at: number, isLinked: (other: string) => boolean, corruption: number, fails: boolean): boolean {
    if (!this.router.isUp) return false;
    if (this.move === undefined) {
      const work = this.router.actor.query(this.router.state, { ask: "work" }, { role: "operate", principal: "host" }, at) as readonly Move[];
      this.move = work.length === 0 ? undefined : this.random.pick(work);
      return this.move !== undefined;
    }
    const { move } = this;
    this.move = undefined;
    this.blobs.at = at;
    const failure = this.blobs.move(this.name, move, isLinked(move.cluster), this.random, { corruption });
    this.hooks.mark(`${move.step}: ${failure?.kind ?? "done"}`);
    const item = move.step === "remove"
      ? { digests: move.digests }
      : { step: move.step, [move.step === "stage" || move.step === "import" ? "trip" : "guest"]: move.number, ...(failure !== undefined && { failure }) };
    this.router.direct(move.step === "remove" ? "removed" : "moved", item, "hello", "host", at, fails);
    return true;
  }

  /** Removes what was put long ago and nobody names. */
  sweep(at: number): void {
    if (!this.router.isUp || !this.queue.isUp) return;
    for (const { principal, digest } of this.blobs.olderThan(this.name, at - SWEPT_AFTER_MS)) {
      const question = { ask: "named", blobs: [[principal, digest]] };
      const sender = { role: "operate", principal: "host" } as const;
      const [byQueue] = this.queue.actor.query(this.queue.state, question, sender, at) as readonly boolean[];
      const [byRouter] = this.router.actor.query(this.router.state, question, sender, at) as readonly boolean[];
      if (byQueue === true || byRouter === true) continue;
      this.hooks.mark(`swept: of ${principal}`);
      this.blobs.remove(this.name, principal, digest);
    }
  }

  /** The host is gone, and with it what its mover was at. */
  crash(): void {
    this.router.crash();
    this.move = undefined;
  }

  /** One word of a worker about one of its attempts; false when it runs none. */
  work(at: number, fails: number): boolean {
    if (!this.queue.isUp) return false;
    this.blobs.at = at;
    const member = this.queue.state.instances.get(`${this.name}-worker`)?.member;
    const jobs = member === undefined ? [] : runningOf(member);
    if (jobs.length === 0) return false;
    const job = this.random.pick(jobs);
    const { number, attempt } = job;
    for (const digest of job.extra?.guest === undefined ? [] : inputsOf(job)) {
      if (!this.blobs.isGood(this.name, GUEST_BLOBS, digest)) this.hooks.alarm(`P12 a consumer in ${this.name} starts without its input ${digest.slice(0, 6)}`);
    }
    const say = (verb: string, ...words: readonly unknown[]): unknown => this.queue.direct(verb, [number, attempt, ...words], "outcome", WORKER, at);
    if (job.stopRequested) say("outcome", OUTCOME.canceled, "stop");
    else if (this.random.chance(fails)) say("outcome", ...this.random.pick<readonly unknown[]>([[OUTCOME.failed, { name: "E", message: "broke" }, null, this.files()], [OUTCOME.canceled, "never"], [OUTCOME.released], [OUTCOME.snoozed, 200]]));
    else if (this.random.chance(0.3)) say("progress", this.random.next(), "some");
    else if (this.random.chance(0.1)) say("log", ["a line"]);
    else say("outcome", OUTCOME.succeeded, this.result(), null, this.files());
    return true;
  }

  /** Small results travel inside, large ones are blobs of the worker. */
  private result(): unknown {
    return this.random.chance(0.4) ? encode("done") : [WORKER, this.output(), 9];
  }

  private files(): readonly NamedBlobWire[] {
    const count = this.hasFiles ? this.random.int(0, 2) : 0;
    return Array.from({ length: count }, (_, i) => [`out${i}`, WORKER, this.output(), 9] as const);
  }

  private output(): string {
    const digest = digestFor(`${this.name}${this.random.chance(0.3) ? "same" : ++this.outputs}`);
    this.blobs.put(this.name, WORKER, digest);
    return digest;
  }
}

/** Digests of everything that an attempt of it reads from the store. */
function inputsOf({ input, extra }: Job): readonly string[] {
  return [...(input instanceof Uint8Array ? [] : [input.digest]), ...(extra?.inputs ?? []).map(([, , digest]) => digest)];
}

/** Any text, as something that looks like a digest. */
export const digestFor = (text: string): string => Buffer.from(text).toString("hex").padEnd(64, "0").slice(0, 64);

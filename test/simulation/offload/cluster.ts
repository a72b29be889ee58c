/** One cluster: its router, its queue, a worker, and a mover of bytes. */
import type { JobQueueCommand, JobQueueEvent, JobQueueRejection, QueueState } from "@longshore/job-queue";
import { jobQueue, OUTCOME, runningOf } from "@longshore/job-queue";
import { encode } from "@longshore/kernel";
import type { Move, OffloadCommand, OffloadEvent, OffloadRejection, OffloadRouterActor, OffloadState } from "@longshore/offload-router";
import { GUEST_BLOBS, OFFLOAD_ACTOR, OFFLOAD_KIND, offloadRouter } from "@longshore/offload-router";
import type { Random } from "@longshore/testkit/simulation";
import type { BlobStores } from "./blobs.ts";
import type { Config } from "./config.ts";
import type { SimActorHooks } from "./sim-actor.ts";
import { SimActor } from "./sim-actor.ts";

export const SHARD = "main";
export const TOPIC = "media/thumbnail";
const WORKER = "wendy";

/** A planted bug. */
export interface Mutation {
  readonly router?: (actor: OffloadRouterActor) => OffloadRouterActor;
}

export class SimCluster {
  readonly name: string;
  readonly router: SimActor<OffloadState, OffloadCommand, OffloadEvent, OffloadRejection>;
  readonly queue: SimActor<QueueState, JobQueueCommand, JobQueueEvent, JobQueueRejection>;
  private readonly blobs: BlobStores;
  private readonly random: Random;
  private readonly hooks: SimActorHooks;
  private readonly works: boolean;
  private move: Move | undefined;
  private outputs = 0;
  private incarnation = 0;
  takesTopic = true;

  constructor(name: string, index: number, config: Config, blobs: BlobStores, random: Random, hooks: SimActorHooks, mutation: Mutation) {
    const { failedKeepMs, triesMax } = config;
    this.name = name;
    this.blobs = blobs;
    this.random = random;
    this.hooks = hooks;
    this.works = config.working[index]!;
    const actor = offloadRouter({ cluster: name, limits: { reclaimAfterMs: 60_000, stopGraceMs: 5_000, refusedDelayMs: 500, retryMs: 100, retryMaxMs: 2_000, triesMax, failedKeepMs } });
    this.router = new SimActor({ cluster: name, kind: OFFLOAD_KIND, actor: OFFLOAD_ACTOR }, mutation.router?.(actor) ?? actor, hooks);
    this.queue = new SimActor({ cluster: name, kind: "job-queue", actor: SHARD }, jobQueue({ cluster: name, shard: SHARD }), hooks);
    this.queue.direct("configure", { queue: "media", topics: ["media/*"], retries: 2, retryDelayMs: 100, type: config.isOrdered ? "ordered" : "unordered", offload: config.policies[index]! }, "operate", "ann", 1);
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
    this.router.direct("own", { topics: this.takesTopic && this.works ? ["media/*"] : [], shards: [SHARD] }, "hello", "host", at);
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
    const failure = this.blobs.move(this.name, move, isLinked(move.cluster), this.random, { corruption });
    this.hooks.mark(`${move.step}: ${failure?.kind ?? "done"}`);
    const item = move.step === "remove"
      ? { digests: move.digests }
      : { step: move.step, [move.step === "stage" || move.step === "import" ? "trip" : "guest"]: move.number, ...(failure !== undefined && { failure }) };
    this.router.direct(move.step === "remove" ? "removed" : "moved", item, "hello", "host", at, fails);
    return true;
  }

  /** The host is gone, and with it what its mover was at. */
  crash(): void {
    this.router.crash();
    this.move = undefined;
  }

  /** One word of a worker about one of its attempts; false when it runs none. */
  work(at: number, fails: number): boolean {
    if (!this.queue.isUp) return false;
    const member = this.queue.state.instances.get(`${this.name}-worker`)?.member;
    const jobs = member === undefined ? [] : runningOf(member);
    if (jobs.length === 0) return false;
    const job = this.random.pick(jobs);
    const { input, number, attempt } = job;
    if (!(input instanceof Uint8Array) && job.extra?.guest !== undefined && !this.blobs.isGood(this.name, GUEST_BLOBS, input.digest)) {
      this.hooks.alarm(`P12 a consumer in ${this.name} starts without its input ${input.digest.slice(0, 6)}`);
    }
    const say = (verb: string, ...words: readonly unknown[]): unknown => this.queue.direct(verb, [number, attempt, ...words], "outcome", WORKER, at);
    if (job.stopRequested) say("outcome", OUTCOME.canceled, "stop");
    else if (this.random.chance(fails)) say("outcome", ...this.random.pick<readonly unknown[]>([[OUTCOME.failed, { name: "E", message: "broke" }], [OUTCOME.canceled, "never"], [OUTCOME.released], [OUTCOME.snoozed, 200]]));
    else if (this.random.chance(0.3)) say("progress", 0.5, "half");
    else say("outcome", OUTCOME.succeeded, this.result());
    return true;
  }

  /** Small results travel inside, large ones are blobs of the worker. */
  private result(): unknown {
    if (this.random.chance(0.4)) return encode("done");
    const digest = digestFor(`${this.name}${this.random.chance(0.3) ? "same" : ++this.outputs}`);
    this.blobs.put(this.name, WORKER, digest);
    return [WORKER, digest, 9];
  }
}

/** Any text, as something that looks like a digest. */
export const digestFor = (text: string): string => Buffer.from(text).toString("hex").padEnd(64, "0").slice(0, 64);

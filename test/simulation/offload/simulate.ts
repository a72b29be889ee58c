/**
 * One run: clusters with a router and a queue each, a time of trouble, a time to heal, and the verdict.
 *
 * Chance comes from named streams of the seed and nothing else decides an order, so a run repeats to the byte.
 */
import type { JobQueueEvent, NamedBlobWire } from "@longshore/job-queue";
import { addressKey, encode } from "@longshore/kernel";
import { brokenRoundTrips, GUEST_BLOBS } from "@longshore/offload-router";
import { Findings, LifeCheck } from "@longshore/testkit/promises";
import { Marks, Random } from "@longshore/testkit/simulation";
import { BlobStores } from "./blobs.ts";
import type { Mutation } from "./cluster.ts";
import { digestFor, SHARD, SimCluster, TOPIC } from "./cluster.ts";
import type { Config, Family } from "./config.ts";
import { drawConfig } from "./config.ts";
import type { Parcel, SimActor } from "./sim-actor.ts";

export interface OffloadRun {
  readonly config: Config;
  readonly violations: readonly string[];
  readonly marks: Marks;
  readonly trace: readonly string[];
  readonly traceHash: string;
  readonly trips: number;
}

type AnyActor = SimActor<never, never, never, never>;

const HEAL_ROUNDS_MAX = 4_000;
const QUIET_ROUNDS = 25;

export const run = (seed: number, mutation: Mutation = {}): OffloadRun => new World(drawConfig(seed, new Random(seed, "config")), mutation).run();

class World {
  private readonly config: Config;
  private readonly random: Random;
  private readonly clusters: readonly SimCluster[];
  private readonly actors: readonly AnyActor[];
  private readonly byAddress: ReadonlyMap<string, AnyActor>;
  private readonly blobs = new BlobStores();
  private readonly marks = new Marks();
  private readonly alarms: string[] = [];
  private readonly trace: string[] = [];
  private readonly cuts = new Map<string, number>();
  /** Copies of publishes that come late. */
  private readonly late: { readonly to: AnyActor; readonly parcel: Parcel }[] = [];
  private at = 1_000;
  private added = 0;
  private isHealing = false;

  constructor(config: Config, mutation: Mutation) {
    this.config = config;
    this.random = new Random(config.seed, "world");
    const hooks = { alarm: (text: string) => void this.alarms.push(text), mark: (text: string) => this.marks.hit(text), told: () => undefined };
    this.clusters = config.clusters.map((name, i) => new SimCluster(name, i, config, this.blobs, this.random, hooks, mutation));
    this.actors = this.clusters.flatMap(({ actors }) => actors as readonly AnyActor[]);
    this.byAddress = new Map(this.actors.map((actor) => [addressKey(actor.address), actor]));
    for (const cluster of this.clusters) cluster.join(this.at);
    this.announceAll();
  }

  private has(family: Family): boolean {
    return !this.isHealing && this.config.families.includes(family);
  }

  run(): OffloadRun {
    try {
      for (let step = 0; step < this.config.steps; step++) this.step();
      this.heal();
    } catch (error) {
      this.alarms.push(`a defect: ${error instanceof Error ? error.message : String(error)}`);
    }
    const queues = this.clusters.map(({ queue }) => [...queue.history()]);
    const histories = this.clusters.map(({ name, router }, i) =>
      ({ cluster: name, router: [...router.history()].map(([event]) => event), queues: { [SHARD]: queues[i]!.map(([event]) => event) } }));
    const violations = [...this.alarms, ...brokenRoundTrips(histories, { atRest: true }).map((text) => `P12 ${text}`), ...this.queueViolations(queues), ...this.leftovers()];
    const losesBytes = this.config.families.includes("missing") || this.config.families.includes("corrupt");
    for (const { cluster, router } of histories) {
      for (const event of router) if (!losesBytes && event.type === "TripEnded" && event.how === "failed") violations.push(`P12 ${cluster}: trip ${event.trip} lost its payload although all bytes were there`);
    }
    const trips = histories.reduce((sum, { router }) => sum + router.filter(({ type }) => type === "TripStarted").length, 0);
    for (const { router } of histories) for (const event of router) this.marks.hit(event.type === "TripEnded" ? `TripEnded ${event.how}` : event.type);
    return { config: this.config, violations, marks: this.marks, trace: this.trace, traceHash: this.actors.map(({ hash }) => hash).join("\n") + this.trace.length, trips };
  }

  private note(text: string): void {
    this.trace.push(`${this.at} ${text}`);
  }

  private step(): void {
    const { random } = this;
    const cluster = random.pick(this.clusters);
    const actor = random.pick(this.actors);
    this.goOn(cluster);
    const torn = this.has("torn-commits") && random.chance(0.05);
    const roll = random.next();
    if (roll < 0.3) actor.commit(this.at, random.int(0, 3), random.pick([1, 2, 1_000]), torn);
    else if (roll < 0.6) this.deliver(actor);
    else if (roll < 0.72) cluster.moveBytes(this.at, (other) => this.isLinked(cluster.name, other), this.has("corrupt") ? 0.2 : 0, torn);
    else if (roll < 0.82) cluster.work(this.at, this.has("handlers") ? 0.3 : 0);
    else if (roll < 0.88) this.add(random.chance(0.8) ? this.clusters[0]! : cluster);
    else this.trouble(cluster, actor);
    this.deliverLate();
  }

  /** Time passes, and what comes with it. */
  private goOn(cluster: SimCluster): void {
    const { random } = this;
    this.at += random.chance(0.02) ? random.int(500, 3_000) : random.int(0, 60);
    if (this.has("unserved") && random.chance(0.004)) this.leaveAlone(random.pick(this.clusters));
    if (this.has("sweeps") && random.chance(0.03)) cluster.sweep(this.at);
    if (this.has("silence") && random.chance(0.002)) this.at += 70_000;
  }

  private trouble(cluster: SimCluster, actor: AnyActor): void {
    const { random } = this;
    const kind = random.int(0, 8);
    if (!actor.isUp && random.chance(0.7)) return this.recover(actor);
    if (kind === 0 && this.has("crashes")) return this.crash(cluster, actor);
    if (kind === 1 && this.has("cuts")) return this.cut();
    if (kind === 2 && this.has("operators")) return this.operate(cluster);
    if (kind === 3 && this.has("drain")) return this.drain(cluster);
    if (kind === 4 && this.has("topics")) {
      cluster.takesTopic = !cluster.takesTopic || (cluster === this.clusters.at(-1) && !this.has("unserved"));
      return this.announceAll();
    }
    if (kind === 5 && this.has("crashes") && random.chance(0.3)) return cluster.join(this.at);
    if (kind === 6) return actor.takeSnapshot();
    if (kind === 7) this.announceAll();
  }

  /** Its consumers are gone, for longer than anybody waits for them to come back. */
  private leaveAlone(cluster: SimCluster): void {
    cluster.takesTopic = false;
    // The others may hear of it later.
    if (this.random.chance(0.5)) this.announceAll();
    else cluster.announce([], this.at);
    this.at += this.random.pick([100, 1_000, 5_000]);
  }

  private crash(cluster: SimCluster, actor: AnyActor): void {
    if (!actor.isUp) return;
    this.note(`crash ${addressKey(actor.address)}`);
    this.marks.hit("a host crashes");
    if (actor === (cluster.router as unknown)) cluster.crash();
    else actor.crash();
  }

  private recover(actor: AnyActor): void {
    if (actor.isUp) return;
    this.note(`recover ${addressKey(actor.address)}`);
    actor.recover(this.random.chance(0.5));
  }

  private cut(): void {
    const [a, b] = [this.random.pick(this.config.clusters), this.random.pick(this.config.clusters)];
    if (a === b) return;
    this.marks.hit("a link is cut");
    const forMs = this.has("hours") && this.random.chance(0.3) ? 3 * 3_600_000 : this.random.pick([300, 3_000, 80_000]);
    this.note(`cut ${a} ${b} for ${forMs}`);
    for (const key of [`${a} ${b}`, `${b} ${a}`]) this.cuts.set(key, this.at + forMs);
  }

  private isLinked(a: string, b: string): boolean {
    return a === b || this.isHealing || (this.cuts.get(`${a} ${b}`) ?? 0) <= this.at;
  }

  private operate(cluster: SimCluster): void {
    const { random } = this;
    const trips = [...cluster.router.state.trips.keys()];
    const jobs = [...cluster.queue.state.jobs.from(0)].filter((job) => !job.isEnded && job.extra?.guest === undefined);
    if (!cluster.router.isUp || !cluster.queue.isUp) return;
    const way = random.int(0, 2);
    if (way === 0 && trips.length > 0) {
      cluster.router.direct("reclaim", { trip: random.pick(trips) }, "operate", "ann", this.at);
      return;
    }
    if (jobs.length === 0) return;
    this.marks.hit(way === 1 ? "a job is stopped" : "a job is removed");
    cluster.queue.direct(way === 1 ? "stop" : "remove", { id: `${SHARD}.${random.pick(jobs).id}` }, "operate", "ann", this.at);
  }

  private drain(cluster: SimCluster): void {
    const other = this.random.pick([...cluster.router.state.routes.values()]);
    cluster.router.direct(other.isDrained ? "resume" : "drain", { cluster: other.cluster }, "operate", "ann", this.at);
  }

  private announceAll(): void {
    for (const cluster of this.clusters) cluster.announce(this.clusters.filter((other) => other !== cluster && this.isLinked(cluster.name, other.name)), this.at);
  }

  private add(cluster: SimCluster): void {
    if (this.added >= this.config.jobs || this.isHealing) return;
    this.blobs.at = this.at;
    const number = ++this.added;
    const isLarge = this.random.chance(0.5);
    const digest = digestFor(this.random.chance(0.4) ? "same" : `in${number}`);
    const fate = this.has("missing") && this.random.chance(0.15) ? "missing" : this.has("corrupt") && this.random.chance(0.1) ? "corrupt" : "good";
    if (isLarge && !this.blobs.isGood(cluster.name, "ann", digest) && fate !== "missing") this.blobs.put(cluster.name, "ann", digest, fate);
    cluster.queue.direct("submit", [`j${number}`, TOPIC, isLarge ? ["ann", digest, 9] : encode(number), { retries: this.random.int(0, 2), inputs: this.files(cluster, number, fate) }], "submit", "ann", this.at);
  }

  private files(cluster: SimCluster, job: number, fate: "good" | "corrupt" | "missing"): readonly NamedBlobWire[] {
    const count = this.has("files") ? this.random.int(0, 3) : 0;
    return Array.from({ length: count }, (_, i) => {
      const digest = digestFor(this.random.chance(0.3) ? "same" : `file${job}-${i}`);
      if (!this.blobs.isGood(cluster.name, "ann", digest) && fate !== "missing") this.blobs.put(cluster.name, "ann", digest, fate);
      return [`in${i}`, "ann", digest, 9] as const;
    });
  }

  private deliver(from: AnyActor): void {
    const { receivers } = from;
    if (receivers.length === 0) return;
    const address = this.random.pick(receivers);
    const receiver = addressKey(address);
    const to = this.byAddress.get(receiver);
    const parcel = from.parcelFor(receiver, this.random.pick([1, 2, 100]));
    if (to === undefined || parcel === undefined || !this.isLinked(from.address.cluster, address.cluster)) return;
    if (this.has("loss") && this.random.chance(0.15)) return this.marks.hit("a publish is lost");
    to.inbox.push(parcel);
    if (this.has("doubles") && this.random.chance(0.15)) this.late.push({ to, parcel });
    if (this.has("loss") && this.random.chance(0.15)) return this.marks.hit("an acknowledgement is lost");
    from.acknowledged(receiver, parcel.first + parcel.bodies.length - 1);
  }

  private deliverLate(): void {
    if (this.late.length === 0 || !this.random.chance(0.1)) return;
    const [{ to, parcel }] = this.late.splice(this.random.int(0, this.late.length - 1), 1) as [(typeof this.late)[number]];
    to.inbox.push(parcel);
  }

  /** Everything works again: whatever is on its way must come to its end. */
  private heal(): void {
    this.isHealing = true;
    for (const actor of this.actors) this.recover(actor);
    for (const cluster of this.clusters) {
      cluster.takesTopic = !this.isLeftForGood(cluster);
      cluster.join(this.at);
      for (const route of cluster.router.state.routes.values()) cluster.router.direct("resume", { cluster: route.cluster }, "operate", "ann", this.at);
    }
    let quiet = 0;
    for (let round = 0; round < HEAL_ROUNDS_MAX && quiet < QUIET_ROUNDS; round++) {
      // An ordered queue whose worker may still be running something waits for 20 s.
      this.at += quiet > 3 ? 1_500 : 250;
      if (round % 8 === 0) this.announceAll();
      const isBusy = this.roundTrip();
      quiet = isBusy ? 0 : quiet + 1;
    }
    if (quiet < QUIET_ROUNDS) this.alarms.push("the world does not come to rest");
  }

  /** A cluster that nobody works in any more, but others do, and it may ask them. */
  private isLeftForGood(cluster: SimCluster): boolean {
    const index = this.clusters.indexOf(cluster);
    return this.config.families.includes("unserved") && index < this.clusters.length - 1 && !cluster.takesTopic && this.config.policies[index]!.when !== "never";
  }

  private roundTrip(): boolean {
    let isBusy = false;
    for (const cluster of this.clusters) {
      isBusy = cluster.moveBytes(this.at, () => true, 0, false) || isBusy;
      isBusy = cluster.work(this.at, 0) || isBusy;
    }
    for (const actor of this.actors) {
      if (!actor.isQuiet(this.at)) isBusy = true;
      actor.commit(this.at, 100, 1_000, false);
      for (let left = 10; left > 0; left--) this.deliver(actor);
    }
    return isBusy;
  }

  /** P2 to P6 of every queue, and that every job has ended. */
  private queueViolations(histories: readonly (readonly (readonly [event: JobQueueEvent, at: number])[])[]): readonly string[] {
    return this.clusters.flatMap(({ name, queue, router }, i) => {
      const findings = new Findings();
      const check = new LifeCheck(findings);
      for (const [event, at] of histories[i]!) check.event(event, at);
      const open = [...queue.state.jobs.from(0)].filter((job) => !job.isEnded && this.mayEnd(name)).map((job) => `P2 ${name}: job ${job.number} is ${job.state} for ever`);
      const stuck = router.state.trips.size + router.state.guests.size;
      return [...findings.violations.map(({ promise, text }) => `${promise} ${name}: ${text}`), ...open, ...(stuck > 0 ? [`P12 ${name}: ${stuck} trips and guests are left`] : [])];
    });
  }

  /** Somebody works here, or may do so for it. */
  private mayEnd(name: string): boolean {
    const index = this.config.clusters.indexOf(name);
    return this.config.working[index]! || this.config.policies[index]!.when !== "never";
  }

  /** No guest's payload is left anywhere. */
  private leftovers(): readonly string[] {
    return this.config.clusters.flatMap((name) => this.blobs.under(name, GUEST_BLOBS).map((digest) => `P12 ${name}: blob ${digest.slice(0, 12)} of a guest is left behind`));
  }
}

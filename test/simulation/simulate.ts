/**
 * One run: a world made from a seed, a time of trouble, a time to heal, and the verdict.
 *
 * What makes a run repeat to the byte: one clock with one heap; chance from named streams of the seed; parts that are step
 * machines on ports, so that no promise, timer or I/O of Node decides an order; and state in maps that keep their order.
 */

import type { Link, Weather } from "@longshore/testkit/simulation";
import { calm, type Marks, Random, SimWire } from "@longshore/testkit/simulation";
import { ClientProcess } from "./client-process.ts";
import type { Mutation } from "./cluster.ts";
import { Cluster, KIND, SHARD, SUBJECTS } from "./cluster.ts";
import type { Config } from "./config.ts";
import { drawConfig, drawLater, NOTHING_LATER } from "./config.ts";
import { HostProcess } from "./host-process.ts";
import { withPlacements } from "./placements.ts";
import type { Action } from "./plan.ts";
import { drawPlan } from "./plan.ts";
import { poisonOf } from "./poison.ts";
import type { Verdict } from "./verdict.ts";
import { judge } from "./verdict.ts";
import { WorkerProcess } from "./worker-process.ts";

export interface Scenario {
  readonly config: Config;
  readonly plan: readonly Action[];
}

export interface RunOptions {
  readonly mutation?: Mutation;
  readonly keepsTrace?: boolean;
}

export interface Run extends Verdict {
  readonly marks: Marks;
  readonly steps: number;
  readonly jobs: number;
  readonly commits: number;
  readonly virtualMs: number;
  readonly traceHash: string;
  readonly trace: readonly string[] | undefined;
}

/** After the trouble: how long nothing may begin or end before the world counts as stuck. Longer than any wait that is due. */
const STUCK_AFTER_MS = 120_000;
const LOOK_EVERY_MS = 500;
const STEPS_MAX = 400_000;

/** `world` 1 and 2: without what the world has learned since, as seeds were run that were kept then. */
export function scenarioOf(seed: number, world: 1 | 2 | 3 = 3): Scenario {
  const scenario = drawn(seed, world);
  return world < 3 ? scenario : withPlacements(scenario);
}

function drawn(seed: number, world: 1 | 2 | 3): Scenario {
  const config = drawConfig(seed, new Random(seed, "config"), world === 1 ? NOTHING_LATER : drawLater(new Random(seed, "later")));
  return { config, plan: drawPlan(config, new Random(seed, "plan"), new Random(seed, "later plan")) };
}

export const run = (scenario: Scenario, options: RunOptions = {}): Run => new Simulation(scenario, options).run();

class Simulation {
  private readonly cluster: Cluster;
  private readonly plan: readonly Action[];
  private readonly hosts: HostProcess[];
  private readonly clients: ClientProcess[];
  private readonly workers: WorkerProcess[];
  private readonly random: Random;
  private readonly mallory: SimWire;
  private isHealing = false;

  constructor({ config, plan }: Scenario, { mutation = {}, keepsTrace = false }: RunOptions) {
    const cluster = new Cluster(config, mutation, keepsTrace);
    this.cluster = cluster;
    this.plan = plan;
    this.random = new Random(config.seed, "world");
    const added: string[] = [];
    const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);
    this.hosts = names("h", config.hosts).map((name) => new HostProcess(cluster, name));
    this.clients = names("c", config.clients).map((name) => new ClientProcess(cluster, name, added));
    this.workers = names("w", config.workers).map((name, i) => new WorkerProcess(cluster, name, config.pools[i]!, (dead) => this.crash(dead, this.random.log(5, 2_000))));
    const mallory = cluster.process("mallory");
    mallory.start();
    this.mallory = new SimWire(cluster.server.connect(mallory));
  }

  run(): Run {
    const { cluster } = this;
    const { clock, config } = cluster;
    for (const part of [...this.hosts, ...this.clients, ...this.workers]) clock.after(this.random.next() * 20, () => this.revive(part));
    for (const action of this.plan) clock.after(action.atMs, () => this.act(action));
    this.advanceTo(config.troubleMs);
    if (config.isRewound) return this.verdict(this.rewind());
    this.heal();
    let [movedMs, moves] = [clock.monotonicMs(), 0];
    for (let round = 1; clock.monotonicMs() - movedMs < STUCK_AFTER_MS && !this.isAtRest(); round++) {
      if (!this.advanceTo(clock.monotonicMs() + LOOK_EVERY_MS)) break;
      if (cluster.workers.length !== moves) [movedMs, moves] = [clock.monotonicMs(), cluster.workers.length];
      // An order that was on its way for long may have suspended a queue again.
      if (round % 20 === 0) this.resumeQueues();
    }
    return this.verdict(undefined);
  }

  private verdict(writtenSince: number | undefined): Run {
    const { cluster } = this;
    const serving = this.hosts.find(({ host }) => host?.isServing === true);
    const verdict = judge(cluster, serving?.host, this.clients, writtenSince);
    return {
      ...verdict, marks: cluster.marks, steps: cluster.clock.stepCount, jobs: cluster.clients.filter(({ verb, phase }) => verb === "add" && phase === "invoke").length,
      commits: cluster.commits.length, virtualMs: cluster.nowMs, traceHash: cluster.trace.hash, trace: cluster.trace.lines,
    };
  }

  /** False when something runs in circles. */
  private advanceTo(ms: number): boolean {
    const { clock, alarms } = this.cluster;
    for (let next = clock.nextMs; next !== undefined && next <= ms; next = clock.nextMs) {
      if (clock.stepCount > STEPS_MAX) {
        alarms.push(`the world does not come to rest: more than ${STEPS_MAX} steps`);
        return false;
      }
      clock.step();
    }
    clock.advance(Math.max(0, ms - clock.monotonicMs()));
    return true;
  }

  /** All jobs have ended, everybody knows what became of what they asked for. */
  private isAtRest(): boolean {
    const serving = this.hosts.filter(({ host }) => host?.isServing === true);
    const state = serving[0]?.host?.current.state;
    return serving.length === 1 && state !== undefined && state.queued === 0 && state.active === 0 && state.operations.size === 0
      && this.clients.every((client) => client.isIdle) && this.cluster.inboxStream.bytes === 0;
  }

  private revive(part: HostProcess | ClientProcess | WorkerProcess): void {
    if (part instanceof HostProcess) part.start(false);
    else part.start();
  }

  private part(name: string): HostProcess | ClientProcess | WorkerProcess {
    return [...this.hosts, ...this.clients, ...this.workers].find(({ process }) => process.name === name)!;
  }

  private act(action: Action): void {
    const { cluster } = this;
    if (cluster.trace.isKept && action.kind !== "add") cluster.note("plan", JSON.stringify(action));
    switch (action.kind) {
      case "add": return this.client(action.client, (client) => client.add(action));
      case "stop": case "retry": case "remove": return this.client(action.client, (client) => client.order(action.kind, action.back));
      case "stopAll": case "retryAll": case "removeAll": return this.client(action.client, (client) => client.operate(action.kind, { topic: action.topic }));
      case "suspend": case "resume": return this.client(action.client, (client) => client.operate(action.kind, { queue: action.queue }));
      case "configure": return this.configure(action);
      case "poison": return this.poison(action);
      case "crash": return this.crash(action.process, action.forMs);
      case "pause": return this.pause(action.process, action.forMs);
      case "cut": return this.cut(action.process, action.forMs);
      case "drain": return this.drain(action.process, action.forMs);
      case "takeover": return this.takeOver(action.process);
      case "weather": return this.change(action.change, action.forMs);
      case "step":
        cluster.serverOffsetMs += action.byMs;
        cluster.isStepped = true;
        return;
    }
  }

  private client(index: number, run: (client: ClientProcess) => void): void {
    const client = this.clients[index]!;
    client.process.run(client.process.life, () => run(client));
  }

  private configure({ client: index, queue, maxParallel }: Extract<Action, { kind: "configure" | "suspend" | "resume" }>): void {
    const given = this.cluster.config.queues.find((one) => one.queue === queue);
    if (given === undefined) return;
    this.client(index, (client) => client.operate("configure", { queue, ...given.config, ...(maxParallel > 0 && { maxParallel }) }));
  }

  private poison({ way, what }: Extract<Action, { kind: "poison" }>): void {
    const data = poisonOf(what);
    if (way === "inbox") this.mallory.store(SUBJECTS.inbox(KIND, SHARD, "submit", "mallory"), data, () => undefined);
    else this.mallory.request(SUBJECTS.command(KIND, SHARD, "submit", "mallory"), data, 5_000, () => undefined);
  }

  private crash(name: string, forMs: number): void {
    const part = this.part(name);
    if (!part.process.isUp) return;
    this.cluster.marks.hit(`a ${kindOf(part)} crashes`);
    part.kill();
    this.cluster.clock.after(forMs, () => this.revive(part));
  }

  private pause(name: string, forMs: number): void {
    const part = this.part(name);
    const { process } = part;
    if (!process.isUp || process.isPaused) return;
    this.cluster.marks.hit(`a ${kindOf(part)} stands still`);
    if (part instanceof WorkerProcess) part.pause();
    else process.pause();
    this.cluster.clock.after(forMs, () => process.resume());
  }

  private cut(name: string, forMs: number): void {
    const links = this.linksOf(name);
    this.cluster.marks.hit("a connection is cut");
    for (const link of links) this.cluster.server.cut(link);
    this.cluster.clock.after(forMs, () => {
      for (const link of links) this.cluster.server.mend(link);
    });
  }

  private linksOf(name: string): readonly Link[] {
    return [...this.cluster.server.links].filter((link) => link.process.name === name);
  }

  private drain(name: string, forMs: number): void {
    const part = this.part(name);
    if (!(part instanceof WorkerProcess) || !part.process.isUp) return;
    const { life } = part.process;
    part.drain(() => {
      if (part.process.life !== life || !part.process.isUp) return;
      this.cluster.clock.after(0, () => {
        if (part.process.life === life) part.kill();
      });
      this.cluster.clock.after(forMs, () => this.revive(part));
    });
  }

  private takeOver(name: string): void {
    const part = this.part(name) as HostProcess;
    if (part.process.isUp && part.host !== undefined) return;
    this.cluster.marks.hit("a host takes over by order");
    if (part.process.isUp) part.kill();
    part.start(true);
  }

  private change(change: Partial<Weather>, forMs: number): void {
    if (this.isHealing) return;
    const { cluster } = this;
    const { weather, server } = cluster;
    const before = Object.fromEntries(Object.keys(change).map((key) => [key, this.calm[key as keyof Weather]]));
    Object.assign(weather, change);
    if (change.deposed === true) server.depose();
    if (change.outage === true) for (const link of server.links) server.cut(link);
    this.streamsFull(weather.full);
    cluster.clock.after(forMs, () => {
      Object.assign(weather, before);
      if (change.outage === true) for (const link of server.links) server.mend(link);
      this.streamsFull(weather.full);
    });
  }

  private get calm(): Weather {
    const { latencyMs, jitterMs } = this.cluster.config;
    return calm(latencyMs, jitterMs);
  }

  private streamsFull(isFull: boolean): void {
    for (const stream of this.cluster.server.streams) stream.setFull(isFull);
  }

  /** The trouble is over: everything is mended, everybody is started, every queue is resumed. */
  private heal(): void {
    const { cluster } = this;
    this.isHealing = true;
    cluster.note("plan", "heal");
    Object.assign(cluster.weather, this.calm, { jitterMs: Math.min(cluster.config.jitterMs, 2) });
    this.streamsFull(false);
    for (const link of cluster.server.links) cluster.server.mend(link);
    for (const part of [...this.hosts, ...this.clients, ...this.workers]) {
      part.process.resume();
      this.revive(part);
    }
    this.resumeQueues();
  }

  private resumeQueues(): void {
    const state = this.hosts.find(({ host }) => host?.isServing === true)?.host?.current.state;
    for (const queue of ["main", ...this.cluster.config.queues.map((one) => one.queue)]) {
      if (state === undefined || state.queues.get(queue)?.isSuspended === true) this.client(0, (client) => client.operate("resume", { queue }));
    }
  }

  /** The store loses what it had confirmed, below what was seen elsewhere; the number of commits there were then. */
  private rewind(): number | undefined {
    const { cluster, hosts } = this;
    for (const host of hosts) host.kill();
    this.advanceTo(cluster.nowMs + 25_000);
    for (const host of hosts) host.kill();
    const { mark } = cluster;
    const kept = mark === undefined ? undefined : cluster.commits[mark.number - 1 - this.random.int(1, Math.max(1, mark.number - 2))];
    if (kept === undefined || mark === undefined || mark.number < 3) return undefined;
    this.heal();
    cluster.journalStream.rewindTo(kept.version);
    cluster.marks.hit("a journal is rewound");
    const before = cluster.commits.length;
    this.advanceTo(cluster.nowMs + 60_000);
    return before;
  }
}

const kindOf = (part: HostProcess | ClientProcess | WorkerProcess): string =>
  part instanceof HostProcess ? "host" : part instanceof ClientProcess ? "client" : "worker";

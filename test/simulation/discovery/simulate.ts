/**
 * One run: instances come and go and are troubled, then nothing is wrong any more, and all of them must agree again.
 *
 * As in the simulation of the job queue one clock with one heap, chance from named streams of the seed, and parts that are
 * step machines on ports make a run repeat to the byte.
 */
import type { Gap, Weather } from "@longshore/testkit/simulation";
import { calm, gapOf, type Marks, Random } from "@longshore/testkit/simulation";
import type { Episode, Mutation } from "./cluster.ts";
import { Cluster } from "./cluster.ts";
import type { Config } from "./config.ts";
import { drawConfig, namesOf } from "./config.ts";
import { InstanceProcess } from "./instance-process.ts";
import type { Action } from "./plan.ts";
import { drawPlan } from "./plan.ts";
import type { Verdict } from "./verdict.ts";
import { judge } from "./verdict.ts";

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
  readonly virtualMs: number;
  /** From the end of the trouble until all agree; undefined when they did not in time. */
  readonly settledMs: number | undefined;
  readonly traceHash: string;
  readonly trace: readonly string[] | undefined;
}

/** INV-16: within this time after the last fault all connected instances have the same current view … */
const SETTLED_WITHIN_MS = 45_000;
/** … and keep it. */
const STEADY_MS = 6_000;
const LOOK_EVERY_MS = 250;
const STEPS_MAX = 400_000;
/** An incarnation that was given up, and runs, has no current view for longer than this. */
const DELUDED_MAX_MS = 13_000;

export function scenarioOf(seed: number): Scenario {
  const config = drawConfig(seed, new Random(seed, "discovery config"));
  return { config, plan: drawPlan(config, new Random(seed, "discovery plan")) };
}

export const run = (scenario: Scenario, options: RunOptions = {}): Run => new Simulation(scenario, options).run();

class Simulation {
  private readonly cluster: Cluster;
  private readonly plan: readonly Action[];
  private readonly instances: readonly InstanceProcess[];
  /** How many keep a process from its connection, and two processes from each other. */
  private readonly cuts = new Map<string, number>();
  private isHealed = false;

  constructor({ config, plan }: Scenario, { mutation = {}, keepsTrace = false }: RunOptions) {
    this.cluster = new Cluster(config, mutation, keepsTrace);
    this.plan = plan;
    this.instances = namesOf(config).map((name, index) => new InstanceProcess(this.cluster, name, index < config.hosts));
  }

  run(): Run {
    const { cluster } = this;
    const { clock, config, alarms } = cluster;
    for (const action of this.plan) clock.after(action.atMs, () => this.act(action));
    this.advanceTo(config.troubleMs + 1_000);
    this.heal();
    const healedMs = cluster.nowMs;
    const settledMs = this.settle();
    if (settledMs === undefined) alarms.push(`INV-16: ${SETTLED_WITHIN_MS} ms after the last fault ${this.describe()}`);
    const verdict = judge(cluster, healedMs);
    return { ...verdict, settledMs, marks: cluster.marks, steps: clock.stepCount, virtualMs: cluster.nowMs, traceHash: cluster.trace.hash, trace: cluster.trace.lines };
  }

  /** Milliseconds from now until all agree on a view that they keep; undefined when that takes too long. */
  private settle(): number | undefined {
    const { cluster } = this;
    const fromMs = cluster.nowMs;
    let [view, sinceMs]: [number | undefined, number] = [undefined, fromMs];
    while (cluster.nowMs - fromMs < SETTLED_WITHIN_MS + STEADY_MS && this.advanceTo(cluster.nowMs + LOOK_EVERY_MS)) {
      this.lookForDeluded();
      const now = this.isSettled ? this.settledView : undefined;
      if (now !== view) [view, sinceMs] = [now, cluster.nowMs];
      if (view !== undefined && cluster.nowMs - sinceMs >= STEADY_MS) return sinceMs - fromMs;
    }
    return undefined;
  }

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

  /** Everybody has the same current view, of exactly those who are here. */
  private get isSettled(): boolean {
    const instances = this.instances.filter(({ isLost }) => !isLost);
    const view = this.settledView;
    // Most looks end here.
    if (!instances.every(({ life, isUp, isLeaving }) => isUp && !isLeaving && life?.isCurrent === true && life.view === view)) return false;
    const here = instances.map(({ life }) => life!.incarnation).sort().join();
    return instances.every(({ life }) => [...life!.members].sort().join() === here);
  }

  private get settledView(): number | undefined {
    return this.instances.find(({ isLost }) => !isLost)!.life?.view;
  }

  private describe(): string {
    return this.instances.map(({ name, life, isUp }) =>
      `${name} ${!isUp || life === undefined ? "is down" : `sees ${life.view}${life.isCurrent ? "" : ` (${life.listening.topology.doubts.join(" ")})`} [${life.members.join(" ")}]`}`).join(", ");
  }

  private lookForDeluded(): void {
    const { cluster } = this;
    for (const { life, process } of this.instances) {
      const givenUpMs = life === undefined ? undefined : cluster.givenUp.get(life.incarnation);
      if (life === undefined || givenUpMs === undefined || !life.isCurrent || process.isPaused) continue;
      const forMs = cluster.nowMs - Math.max(givenUpMs, process.resumedMs);
      if (forMs > DELUDED_MAX_MS) cluster.alarms.push(`INV-10: ${life.incarnation} has a current view ${forMs} ms after it was given up`);
    }
  }

  private find(name: string): InstanceProcess {
    return this.instances.find((one) => (name === "host" ? one.host?.isServing === true : one.name === name)) ?? this.instances[0]!;
  }

  private act(action: Action): void {
    const { cluster } = this;
    if (cluster.trace.isKept) cluster.note("plan", JSON.stringify(action));
    switch (action.kind) {
      case "start": return this.find(action.instance).start();
      case "crash": case "power": return this.crash(this.find(action.instance), action.kind, action.forMs);
      case "lose": return this.lose(this.find(action.instance), action.as);
      case "pause": return this.pause(this.find(action.instance), action.forMs);
      case "leave": return this.leave(this.find(action.instance), action.forMs);
      case "cut": case "drop": return this.cut(this.find(action.instance), action.kind, action.forMs);
      case "apart": return this.part(action);
      case "listeners": return this.slow(this.find(action.instance), action.takeMs, action.forMs);
      case "properties": return this.alive(this.find(action.instance), (one) => one.announce({ said: action.value }));
      case "lead": return this.alive(this.find(action.instance), (one) => one.lead(action.value));
      case "ask": return this.alive(this.find(action.instance), (one) => one.askForView());
      case "weather": return this.change(action.change, action.forMs);
      case "step":
        cluster.serverOffsetMs += action.byMs;
        cluster.begin("the server's clock is set").toMs = cluster.nowMs;
        return;
    }
  }

  private alive(one: InstanceProcess, run: (one: InstanceProcess) => void): void {
    one.process.run(one.process.life, () => run(one));
  }

  private until(forMs: number, end: () => void): void {
    this.cluster.clock.after(forMs, () => {
      if (!this.isHealed) end();
    });
  }

  private during(episode: Episode, forMs: number, end: () => void): void {
    this.until(forMs, () => {
      episode.toMs = this.cluster.nowMs;
      end();
    });
  }

  private crash(one: InstanceProcess, as: "crash" | "power", forMs: number): void {
    if (!one.isUp) return;
    this.cluster.marks.hit(one.host === undefined ? `a member crashes: ${as}` : `the host crashes: ${as}`);
    one.kill(as);
    this.until(forMs, () => one.start());
  }

  private lose(one: InstanceProcess, as: "crash" | "power"): void {
    this.cluster.marks.hit(one.host === undefined ? "an instance ends for good" : "the host ends for good");
    one.kill(as);
    one.isLost = true;
  }

  private pause(one: InstanceProcess, forMs: number): void {
    const { process, host } = one;
    if (!process.isUp || process.isPaused) return;
    const episode = this.cluster.begin(host === undefined ? "a member stands still" : "the host stands still", one.name);
    process.pause();
    if (this.cluster.config.isMeasured && one.life !== undefined) Object.assign(one.life.record, { hungMs: this.cluster.nowMs, wasHost: host !== undefined });
    const { life } = process;
    this.during(episode, forMs, () => {
      if (process.life === life) process.resume();
    });
  }

  private leave(one: InstanceProcess, forMs: number): void {
    if (!one.isUp) return;
    this.alive(one, () => one.leave());
    const again = (): void => this.until(250, () => (one.isUp && one.isLeaving ? again() : one.start()));
    this.until(forMs, again);
  }

  private cut(one: InstanceProcess, kind: "cut" | "drop", forMs: number): void {
    const { server } = this.cluster;
    const episode = this.cluster.begin(`a connection is lost: ${kind}`, one.name);
    this.cuts.set(one.name, (this.cuts.get(one.name) ?? 0) + 1);
    for (const link of one.links) {
      server.cut(link);
      if (kind === "drop") link.isConnected = link.isKnown = false;
    }
    this.during(episode, forMs, () => {
      this.cuts.set(one.name, this.cuts.get(one.name)! - 1);
      this.mend();
    });
  }

  /** Connects whom nothing keeps from the server. */
  private mend(): void {
    const { server, weather } = this.cluster;
    if (weather.outage) return;
    for (const one of this.instances) if ((this.cuts.get(one.name) ?? 0) === 0) for (const link of one.links) server.mend(link);
  }

  private part({ instances, isOneWay, isNoticed, forMs }: Extract<Action, { kind: "apart" }>): void {
    const { gaps } = this.cluster.server;
    const others = this.instances.map(({ name }) => name).filter((name) => !instances.includes(name));
    const gap: Gap = isNoticed ? "forgotten" : "silent";
    const pairs = instances.flatMap((one) => others.flatMap((other) => [gapOf(one, other), ...(isOneWay ? [] : [gapOf(other, one)])]));
    if (pairs.length === 0) return;
    const episode = this.cluster.begin(isNoticed ? "instances are parted, and it is noticed" : "instances are parted");
    for (const pair of pairs) gaps.set(pair, gap);
    this.during(episode, forMs, () => {
      for (const pair of pairs) gaps.delete(pair);
    });
  }

  private slow(one: InstanceProcess, takeMs: number, forMs: number): void {
    one.takesMs = takeMs;
    const episode = this.cluster.begin("listeners are slow", one.name);
    this.until(forMs + takeMs, () => {
      episode.toMs = this.cluster.nowMs;
    });
    this.until(forMs, () => {
      one.takesMs = 0;
    });
  }

  private change(change: Partial<Weather>, forMs: number): void {
    const { weather, server, config } = this.cluster;
    const usual = calm(config.latencyMs, config.jitterMs);
    const before = Object.fromEntries(Object.keys(change).map((key) => [key, usual[key as keyof Weather]]));
    const episode = this.cluster.begin(`weather: ${Object.keys(change).join(" ")}`);
    Object.assign(weather, change);
    if (change.deposed === true) server.depose();
    if (change.outage === true) this.loseServer();
    for (const stream of server.streams) stream.setFull(weather.full);
    this.during(episode, forMs, () => {
      Object.assign(weather, before);
      for (const stream of server.streams) stream.setFull(weather.full);
      if (change.outage === true) this.mend();
    });
  }

  /** Its end of every connection closes. */
  private loseServer(): void {
    for (const one of this.instances) {
      for (const link of one.links) {
        this.cluster.server.cut(link);
        link.isConnected = link.isKnown = false;
      }
    }
  }

  /** The trouble is over: everything is mended, everybody is started and goes on. */
  private heal(): void {
    const { cluster } = this;
    const { config, weather, server } = cluster;
    this.isHealed = true;
    cluster.note("plan", "heal");
    Object.assign(weather, calm(config.latencyMs, Math.min(config.jitterMs, 2)));
    for (const stream of server.streams) stream.setFull(false);
    server.gaps.clear();
    this.cuts.clear();
    this.mend();
    for (const one of this.instances) {
      one.takesMs = 0;
      one.process.resume();
      one.life?.listening.hurry();
      one.start();
    }
    for (const episode of cluster.episodes) episode.toMs = Math.min(episode.toMs, cluster.nowMs);
    // One that was on its way out is started again when it is gone.
    const again = (): void => void cluster.clock.after(500, () => {
      for (const one of this.instances) one.start();
      again();
    });
    again();
  }
}

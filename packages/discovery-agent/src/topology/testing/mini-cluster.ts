/**
 * A few instances that follow one topology history, each at its own pace, and what may befall them. The coordinator is the test:
 * it proposes who is wanted, and activates what all its members have acknowledged.
 */
import type { ClusterView, MemberRecord, RemoteClusterView } from "../../vocabulary.ts";
import { checkDelivery, type DeliveryViolation } from "../invariants.ts";
import type { TopologyFacts } from "../topology.ts";
import { Diary, type Listener, type Mutation } from "./diary.ts";
import { cluster, member, remoteCluster } from "./models.ts";
import { TestClock } from "./test-clock.ts";

/** One thing that happens; `node` and `which` choose among those there are. */
export interface Step {
  readonly kind: (typeof STEP_KINDS)[number];
  readonly node: number;
  readonly which: number;
}

export const STEP_KINDS = [
  "follow", "catchUp", "propose", "leave", "join", "restart", "cutOff", "heal", "bind", "unbind", "return", "say", "remote", "wait", "unrenewed", "stop", "round", "supersede",
] as const;

export interface ClusterMutation extends Mutation {
  /** How a coordinator orders a view; rightly, survivors first. */
  readonly order?: (survivors: readonly string[], newcomers: readonly string[]) => readonly string[];
}

interface Node {
  readonly name: string;
  readonly generation: number;
  readonly diary: Diary;
  readonly bound: Listener[];
  /** All it ever had; those that are unbound may have something in hand. */
  readonly listeners: Listener[];
  position: number;
  isWanted: boolean;
  isCutOff: boolean;
}

/** Instances of other clusters; some are listed twice, and one is ours. */
const REMOTES: readonly (readonly RemoteClusterView[])[] = [
  [], [remoteCluster("two", 1, ["x", "y"])], [remoteCluster("two", 2, [member("x", { properties: { p: "1" } }), "y"])],
  [remoteCluster("two", 3, ["y", "n1"]), remoteCluster("three", 1, ["x", "y"])], [remoteCluster("one", 9, ["w"])],
];

export class MiniCluster {
  readonly clock: TestClock = new TestClock();
  readonly activated: ClusterView[] = [];
  private readonly mutation: ClusterMutation;
  private readonly history: TopologyFacts[] = [{ view: undefined, proposal: undefined, remote: [] }];
  private readonly nodes: Node[] = [];
  private readonly records = new Map<string, MemberRecord>();
  private acks = new Set<string>();
  private number = 0;
  private stamp = 0;
  private names = 0;

  constructor(mutation: ClusterMutation = {}) {
    this.mutation = mutation;
    for (let node = 0; node < 3; node++) this.start(`n${this.names++}`, 1);
    this.propose();
  }

  /** The first view, of three, before anything else. */
  agree(): this {
    for (const node of this.nodes) this.catchUp(node);
    for (const node of this.nodes) this.catchUp(node);
    return this;
  }

  run(steps: readonly Step[]): this {
    for (const step of steps) {
      this.step(step);
      for (const { diary } of this.nodes) diary.look();
    }
    return this;
  }

  /** All faults end: what is wanted is agreed on and told everywhere. */
  calm(): this {
    for (const node of this.nodes) {
      this.heal(node);
      node.diary.topology.clear("unrenewed");
      for (const listener of node.listeners) listener.isSlow = false;
    }
    this.propose();
    for (let round = 0; round < 10; round++) {
      for (const node of this.nodes) {
        for (const listener of node.listeners) while (listener.isBusy) listener.release();
        this.catchUp(node);
        this.deliverAck(node);
      }
      this.clock.advance(1_000);
    }
    return this;
  }

  violations(): readonly DeliveryViolation[] {
    return checkDelivery(this.nodes.map(({ diary }) => diary.log), this.activated);
  }

  /** SA8: who is wanted and not settled on the last view; whoever is not wanted and trusts a view. */
  unsettled(): readonly string[] {
    const last = this.activated.at(-1)!;
    return this.nodes.flatMap(({ diary, isWanted, bound }) => {
      const { topology, incarnation } = diary;
      if (!isWanted) return topology.view().isCurrent ? [`${incarnation} trusts a view although it is gone`] : [];
      const view = topology.view();
      const wrong = view.isCurrent && view.localCluster.number === last.number && view === topology.lastAnnouncedView() ? [] : [`${incarnation} is not settled: ${topology.doubts.join(" ")}`];
      return [...wrong, ...bound.filter(({ events }) => events.at(-1)?.newView !== view).map(({ name }) => `${name} heard ${events(name, bound)}`)];
    });
  }

  private step({ kind, node: at, which }: Step): void {
    const node = this.nodes[at % this.nodes.length]!;
    const listener = node.bound[which % Math.max(1, node.bound.length)];
    switch (kind) {
      case "follow": return this.follow(node);
      case "catchUp": return this.catchUp(node);
      case "propose": return this.propose();
      case "leave": return void (node.isWanted = false);
      case "join": return this.nodes.length < 7 ? this.start(`n${this.names++}`, 1) : undefined;
      case "restart": return this.restart(node);
      case "cutOff": node.isCutOff = true; return node.diary.topology.raise("disconnected");
      case "heal": return this.heal(node);
      case "bind": return this.bind(node, which);
      case "unbind": return listener === undefined ? undefined : this.unbind(node, listener);
      case "return": return node.listeners[which % Math.max(1, node.listeners.length)]?.release();
      case "say": return this.say(node, which);
      case "remote": return this.push({ remote: REMOTES[which % REMOTES.length]! });
      case "wait": return this.clock.advance(which * 100);
      case "unrenewed": return which % 2 === 0 ? node.diary.topology.raise("unrenewed") : node.diary.topology.clear("unrenewed");
      case "supersede": return this.push({ proposal: undefined });
      case "round": return this.round();
      case "stop": return this.stopAndStart(node, which);
    }
  }

  /** Whoever is not cut off reads on, and returns from one event. */
  private round(): void {
    for (const node of this.nodes) {
      this.catchUp(node);
      for (const listener of node.listeners) listener.release();
      this.deliverAck(node);
    }
  }

  private start(name: string, generation: number): void {
    const self = member(name, { incarnation: `${name}.${generation}` });
    const { incarnation } = self;
    this.records.set(incarnation, self);
    const diary = new Diary({
      self, cluster: "main", clock: this.clock, stamp: () => this.stamp++, mutation: this.mutation,
      // Every other instance waits before CHANGED, and folds early.
      ...(this.records.size % 2 === 0 ? { minEventDelayMs: 300, queuedMax: 2 } : {}),
      acked: () => this.deliverAck(node),
    });
    const node: Node = { name, generation, diary, bound: [], listeners: [], position: 0, isWanted: true, isCutOff: false };
    this.nodes.push(node);
    diary.topology.start();
    this.bind(node, 1);
  }

  private restart(node: Node): void {
    const isNewest = this.nodes.every(({ name, generation }) => name !== node.name || generation <= node.generation);
    if (!isNewest || this.nodes.length >= 10) return;
    node.isWanted = false;
    this.start(node.name, node.generation + 1);
  }

  private stopAndStart(node: Node, which: number): void {
    if (which % 4 !== 0 || node.diary.topology.doubts.includes("stopped")) return;
    const left = node.bound.splice(0);
    node.diary.stop(left, () => {
      node.diary.topology.start();
      this.bind(node, which);
    });
  }

  private propose(): void {
    const wanted = this.nodes.filter(({ isWanted }) => isWanted).map(({ diary }) => diary.incarnation);
    if (wanted.length === 0) return;
    const known = this.history.at(-1)!.view?.members.map(({ incarnation }) => incarnation) ?? [];
    const survivors = known.filter((incarnation) => wanted.includes(incarnation));
    const newcomers = wanted.filter((incarnation) => !known.includes(incarnation));
    const order = this.mutation.order?.(survivors, newcomers) ?? [...survivors, ...newcomers];
    this.acks = new Set();
    this.push({ proposal: { number: ++this.number, members: order.map((incarnation) => this.records.get(incarnation)!) } });
  }

  private deliverAck(node: Node): void {
    const { diary } = node;
    const proposal = this.history.at(-1)!.proposal;
    const acked = this.mutation.acksUnheard === true ? diary.acks.at(-1) : diary.topology.owedAck;
    if (node.isCutOff || proposal === undefined || proposal.number !== acked || proposal.number <= (this.history.at(-1)!.view?.number ?? 0)) return;
    this.acks.add(diary.incarnation);
    if (!proposal.members.every(({ incarnation }) => this.acks.has(incarnation))) return;
    const view = cluster(proposal.number, proposal.members.map(({ incarnation }) => this.records.get(incarnation)!));
    this.activated.push(view);
    this.push({ view });
  }

  private say({ diary: { incarnation } }: Node, which: number): void {
    const record = this.records.get(incarnation)!;
    this.records.set(incarnation, { ...record, properties: { p: `${which % 3}` }, propertiesVersion: record.propertiesVersion + 1 });
    const { view } = this.history.at(-1)!;
    if (view !== undefined) this.push({ view: { ...view, members: view.members.map((each) => this.records.get(each.incarnation)!) } });
  }

  private push(facts: Partial<TopologyFacts>): void {
    this.history.push({ ...this.history.at(-1)!, ...facts });
  }

  private follow(node: Node): void {
    if (node.isCutOff || node.position >= this.history.length - 1) return;
    node.diary.read(this.history[++node.position]!);
  }

  private catchUp(node: Node): void {
    if (node.isCutOff) return;
    node.position = this.history.length - 1;
    node.diary.read(this.history[node.position]!);
  }

  private heal(node: Node): void {
    node.isCutOff = false;
    node.diary.topology.clear("disconnected");
    this.deliverAck(node);
  }

  private bind(node: Node, which: number): void {
    if (node.listeners.length >= 6) return;
    const listener = node.diary.listener({ isSlow: which % 2 === 0 });
    node.bound.push(listener);
    node.listeners.push(listener);
    node.diary.bind(listener, which % 3 === 0 ? { barrier: false } : {});
  }

  private unbind(node: Node, listener: Listener): void {
    node.bound.splice(node.bound.indexOf(listener), 1);
    node.diary.unbind(listener);
  }
}

const events = (name: string, listeners: readonly Listener[]): string => listeners.find((listener) => listener.name === name)?.heard.slice(-3).join(", ") ?? "";

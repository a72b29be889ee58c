/**
 * A cluster in memory on a virtual clock: a host of the history, and processes with member, detector and listeners.
 *
 * A process may crash (its server knows no listener any more), hang (it is there and does nothing), or lose its connection;
 * the history may be unwritable. All of it through the ports, so the parts under test are those that run outside.
 */
import type { DiscoveryEvent, DiscoveryState, Doubt, MemberEnd, TopologyEvent } from "@longshore/discovery-agent";
import { announcer, Detector, DISCOVERY_ACTOR, DISCOVERY_KIND, discoveryAgent, Member, outages, Topology, violationsIn } from "@longshore/discovery-agent";
import type { Clock, Journal, Wire } from "@longshore/kernel";
import { History, Host, invariant } from "@longshore/kernel";
import { MemoryServer, sha256, VirtualClock } from "@longshore/testkit";

/** What a process does waits while it hangs. */
class Gate {
  isShut = false;
  private waiting: (() => void)[] = [];

  pass(run: () => void): void {
    if (this.isShut) this.waiting.push(run);
    else run();
  }

  open(): void {
    this.isShut = false;
    for (const run of this.waiting.splice(0)) run();
  }
}

function gatedClock(clock: Clock, gate: Gate): Clock {
  return { monotonicMs: () => clock.monotonicMs(), after: (delayMs, run) => clock.after(delayMs, () => gate.pass(run)) };
}

function gatedWire(wire: Wire, gate: Gate): Wire {
  return {
    publish: (subject, data) => wire.publish(subject, data),
    request: (subject, data, timeoutMs, done) => wire.request(subject, data, timeoutMs, (answer) => gate.pass(() => done(answer))),
    subscribe: (subject, onMessage) => wire.subscribe(subject, (message) => gate.pass(() => onMessage(message))),
    store: (subject, data, done) => wire.store(subject, data, done),
    onReconnect: (handler) => wire.onReconnect(() => gate.pass(handler)),
    get connected() { return wire.connected; },
    maxPayloadBytes: wire.maxPayloadBytes,
  };
}

export class Process {
  readonly instance: string;
  readonly incarnation: string;
  readonly events: TopologyEvent[] = [];
  readonly ends: MemberEnd[] = [];
  readonly topology: Topology;
  readonly member: Member;
  readonly detector: Detector;
  readonly wire: ReturnType<MemoryServer["wire"]>;
  /** Listeners return from CHANGING when this says so. */
  listensSlowly = false;
  private readonly gate = new Gate();
  private returns: (() => void)[] = [];

  constructor(server: MemoryServer, instance: string, incarnation: string, isReady: boolean) {
    this.instance = instance;
    this.incarnation = incarnation;
    this.wire = server.wire("ann");
    const ports = { wire: gatedWire(this.wire, this.gate), clock: gatedClock(server.clock, this.gate) };
    const { cluster } = server;
    const place = { cluster, principal: "ann", instance, incarnation };
    const announcement = { properties: {}, topics: [], slots: 1, kinds: [], endpoints: [], software: "x", leaderPriority: 0, isReady };
    this.topology = new Topology({
      self: { ...place, ...announcement, joinedView: 0, propertiesVersion: 1 }, cluster, clock: ports.clock,
      onAckOwed: () => this.member.ackOwed(), onFault: (cause) => { throw cause; },
    });
    this.topology.bind((event) => this.heard(event));
    this.detector = new Detector({
      ...place, view: () => this.view, isRenewed: () => this.member.isRenewed,
      accuse: (accused) => this.member.suspect(accused), withdraw: (who) => this.member.refute(who),
    }, ports);
    this.member = new Member({
      ...place, announcement, topology: this.topology, onEnded: (end) => void this.ends.push(end),
      onRead: ({ view, proposed }) => this.detector.observe([...(view?.members ?? []), ...(proposed?.members ?? [])]),
    }, ports);
    this.topology.start();
    this.member.start();
    this.detector.start();
  }

  get view(): number {
    return this.topology.view().localCluster.number;
  }

  get members(): readonly string[] {
    return this.topology.view().localCluster.instances.map(({ instance }) => instance);
  }

  get isCurrent(): boolean {
    return this.topology.view().isCurrent;
  }

  get doubts(): readonly Doubt[] {
    return this.topology.doubts;
  }

  get heardTypes(): readonly string[] {
    return this.events.map(({ type }) => type);
  }

  /** SIGKILL. */
  crash(): void {
    this.gate.isShut = true;
    this.wire.disconnect();
    this.member.stop();
    this.detector.stop();
  }

  /** SIGSTOP and SIGCONT. */
  hang(): void {
    this.gate.isShut = true;
  }

  goOn(): void {
    this.gate.open();
  }

  listenersReturn(): void {
    for (const done of this.returns.splice(0)) done();
  }

  private heard(event: TopologyEvent): undefined | Promise<void> {
    this.events.push(event);
    if (!this.listensSlowly || event.type !== "TOPOLOGY_CHANGING") return undefined;
    return new Promise<void>((resolve) => void this.returns.push(resolve));
  }
}

/** A journal that can be made to wait. */
class StallingJournal implements Journal {
  isStalled = false;
  private readonly inner: Journal;
  private waiting: (() => void)[] = [];

  constructor(inner: Journal) {
    this.inner = inner;
  }

  append(...parameters: Parameters<Journal["append"]>): void {
    if (this.isStalled) this.waiting.push(() => this.inner.append(...parameters));
    else this.inner.append(...parameters);
  }

  resume(): void {
    this.isStalled = false;
    for (const run of this.waiting.splice(0)) run();
  }

  last: Journal["last"] = (done) => this.inner.last(done);
  read: Journal["read"] = (after, onCommit, done) => this.inner.read(after, onCommit, done);
  get: Journal["get"] = (version, done) => this.inner.get(version, done);
  purge: Journal["purge"] = (below, done) => this.inner.purge(below, done);
  size: Journal["size"] = (done) => this.inner.size(done);
}

type DiscoveryHost = Host<DiscoveryState, never, DiscoveryEvent, never>;

export interface WorldOptions {
  readonly cluster?: string;
  /** Clusters that are told and heard. */
  readonly peers?: readonly string[];
  /** Of a world that this one is joined to. */
  readonly clock?: VirtualClock;
  /** Server time when the clock stands at 0. */
  readonly startedAt?: number;
}

export class World {
  readonly clock: VirtualClock;
  readonly server: MemoryServer;
  readonly journal: StallingJournal;
  readonly processes: Process[] = [];
  /** What hosts have reported, as `<event> <peer or code>`. */
  readonly reports: string[] = [];
  private readonly cluster: string;
  private readonly peers: readonly string[];
  private host: DiscoveryHost | undefined;
  private hosts = 0;

  constructor({ cluster = "test", peers = [], clock = new VirtualClock(), startedAt = 1_700_000_000_000 }: WorldOptions = {}) {
    this.clock = clock;
    this.cluster = cluster;
    this.peers = peers;
    this.server = new MemoryServer({ cluster, clock, startedAt });
    this.journal = new StallingJournal(this.server.journal(DISCOVERY_KIND, DISCOVERY_ACTOR));
    this.openHost();
    this.clock.advance(100);
  }

  openHost(): void {
    const incarnation = `host-${++this.hosts}`;
    const ports = { ...this.server.hostPorts(DISCOVERY_KIND, DISCOVERY_ACTOR, "host"), journal: this.journal };
    const { cluster, peers } = this;
    const told = announcer({ peers, telemetry: (event, { peer, code }) => void this.reports.push(`${event} ${String(code ?? peer)}`) });
    const options = { cluster, actor: DISCOVERY_ACTOR, instance: "h", principal: "host", incarnation, software: "test", attendants: [outages(), told] };
    const host = new Host(discoveryAgent({ cluster, peers }), ports, options);
    host.open();
    this.host = host as unknown as DiscoveryHost;
  }

  closeHost(): void {
    this.host?.close();
  }

  start(instance: string, incarnation = `${instance}-1`, isReady = true): Process {
    const process = new Process(this.server, instance, incarnation, isReady);
    this.processes.push(process);
    return process;
  }

  /** Processes of one view, all of them current. */
  form(...instances: readonly string[]): readonly Process[] {
    const started = instances.map((instance) => {
      const process = this.start(instance);
      this.clock.advance(10);
      return process;
    });
    invariant(this.until(() => started.every((process) => process.isCurrent && process.members.length === instances.length), 5_000) !== undefined, "no view");
    return started;
  }

  /** Milliseconds until the fact held; undefined when it did not within the bound. */
  until(fact: () => boolean, limitMs: number): number | undefined {
    const fromMs = this.clock.monotonicMs();
    return this.clock.runUntil(fact, limitMs) ? this.clock.monotonicMs() - fromMs : undefined;
  }

  get state(): DiscoveryState {
    return this.host!.current.state;
  }

  /** Everything that stands in the history, judged. */
  events(): readonly DiscoveryEvent[] {
    const events: DiscoveryEvent[] = [];
    const history = new History(discoveryAgent({ cluster: this.cluster }), sha256);
    this.server.journal(DISCOVERY_KIND, DISCOVERY_ACTOR).read(0, (stored) => void history.fold(stored, { actorEvent: (event) => void events.push(event) }), () => undefined);
    this.clock.advance(0);
    invariant(violationsIn(events).length === 0, JSON.stringify(violationsIn(events)));
    return events;
  }
}

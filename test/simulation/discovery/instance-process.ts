/** A simulated process that is an instance: it lives, comes back after it was given up, and hosts the history when it can. */
import type { Announcement, DiscoveryEvent, DiscoveryState, MemberEnd, Opening } from "@longshore/discovery-agent";
import { Candidate, DISCOVERY_ACTOR, DISCOVERY_KIND } from "@longshore/discovery-agent";
import type { StopReason } from "@longshore/kernel";
import { encode, Host } from "@longshore/kernel";
import type { Link, SimProcess } from "@longshore/testkit/simulation";
import { Random, SimWire } from "@longshore/testkit/simulation";
import type { Cluster } from "./cluster.ts";
import { CLUSTER, SUBJECTS } from "./cluster.ts";
import { Life } from "./life.ts";

export type DiscoveryHost = Host<DiscoveryState, never, DiscoveryEvent, never>;

export class InstanceProcess {
  readonly process: SimProcess;
  life: Life | undefined;
  host: DiscoveryHost | undefined;
  /** How long its listeners take, milliseconds. */
  takesMs = 0;
  isLeaving = false;
  /** It never starts again. */
  isLost = false;
  private readonly cluster: Cluster;
  private readonly random: Random;
  private readonly canHost: boolean;
  private candidate: Candidate | undefined;
  private incarnations = 0;
  private properties: Readonly<Record<string, string>> = {};

  constructor(cluster: Cluster, name: string, canHost: boolean) {
    this.cluster = cluster;
    this.canHost = canHost;
    this.process = cluster.process(name);
    this.random = new Random(cluster.config.seed, `instance ${name}`);
  }

  get name(): string {
    return this.process.name;
  }

  get isUp(): boolean {
    return this.process.isUp;
  }

  start(): void {
    if (this.isUp || this.isLost) return;
    this.process.start();
    this.isLeaving = false;
    const link = this.cluster.server.connect(this.process);
    const wire = new SimWire(link);
    this.live(wire);
    if (!this.canHost) return;
    this.candidate = new Candidate({ wire, clock: this.process }, {
      querySubject: SUBJECTS.query(DISCOVERY_KIND, DISCOVERY_ACTOR, "actor", this.name), rank: () => this.rank(), chance: () => this.random.next(),
      isAccused: (incarnation) => this.life?.accuses(incarnation) === true,
      open: (stopped) => this.open(link, stopped), telemetry: (event, fields) => void this.cluster.alarms.push(`${this.name}: ${event} ${JSON.stringify(fields)}`),
    });
    this.candidate.start();
  }

  /** `power`: its connection is not closed. */
  kill(as: "crash" | "power" | undefined): void {
    if (this.life !== undefined && this.life.record.toMs > this.cluster.nowMs) Object.assign(this.life.record, { toMs: this.cluster.nowMs, crashedAs: as, wasHost: this.host?.isServing === true });
    if (as === "power") for (const link of this.links) this.cluster.server.cut(link);
    this.process.kill();
    if (as !== "power") this.cluster.server.closed(this.process);
    this.life = this.host = this.candidate = undefined;
  }

  leave(): void {
    if (this.isLeaving || this.life === undefined) return;
    this.isLeaving = true;
    this.life.member.leave();
  }

  announce(properties: Readonly<Record<string, string>>): void {
    this.properties = properties;
    this.life?.member.change(this.announcement);
  }

  /** Says something that only the leader may say, in the view that it believes in. */
  lead(value: string): void {
    const { life, name } = this;
    const view = life?.answer?.view;
    if (life === undefined || view === undefined || view === null) return;
    const remote = { clusterId: "far", cluster: "far", number: Number(value), members: [{ instance: "x", incarnation: `${life.incarnation}_${view.number}`, principal: "far", joinedView: 1, propertiesVersion: 1, ...this.announcement }] };
    const item = { by: name, byIncarnation: life.incarnation, number: view.number, view: remote };
    for (const link of this.links) new SimWire(link).request(SUBJECTS.command(DISCOVERY_KIND, DISCOVERY_ACTOR, "hello", name), encode({ remote: [item] }), 2_000, () => undefined);
  }

  askForView(): void {
    for (const link of this.links) new SimWire(link).request(SUBJECTS.command(DISCOVERY_KIND, DISCOVERY_ACTOR, "operate", this.name), encode({ propose: [{}] }), 2_000, () => undefined);
  }

  get links(): readonly Link[] {
    return [...this.cluster.server.links].filter((link) => link.process === this.process && !link.isDead);
  }

  private get announcement(): Announcement {
    return { properties: this.properties, topics: [], slots: 0, kinds: this.canHost ? [DISCOVERY_KIND] : [], endpoints: [], software: "sim", leaderPriority: 0, isReady: true };
  }

  private live(wire: SimWire): void {
    const { cluster, name, process } = this;
    const incarnation = `${name}-${++this.incarnations}`;
    cluster.note(name, `lives as ${incarnation}`);
    this.life = new Life(cluster, {
      wire, clock: process, instance: name, incarnation, announcement: this.announcement, listeners: 1 + (this.incarnations + cluster.config.seed) % 3,
      takesMs: () => this.takesMs, onEnded: (end) => this.ended(end, wire),
    });
    this.life.start();
  }

  /** As the service does: given up by the others it comes back; as a duplicate the process ends, and is started again. */
  private ended(end: MemberEnd, wire: SimWire): void {
    const { cluster } = this;
    cluster.note(this.name, `ended: ${JSON.stringify(end)}`);
    cluster.marks.hit(`a member ends: ${end.kind}`);
    if (end.kind === "refused") cluster.alarms.push(`${this.name} is refused: ${end.message}`);
    if (end.kind === "evicted" && !this.isLeaving) return this.live(wire);
    const exit = (): void => {
      cluster.clock.after(0, () => this.kill(undefined));
      if (end.kind !== "left") cluster.clock.after(1_000 + this.random.next() * 1_000, () => this.start());
    };
    if (this.candidate === undefined) exit();
    else this.candidate.close(exit);
  }

  private open(link: Link, stopped: (reason: StopReason) => void): Opening {
    const { cluster, name } = this;
    const ports = cluster.hostPorts(link, (event) => {
      cluster.marks.hit(`telemetry: ${event}`);
      if (event === "door.failed") cluster.alarms.push(`host ${name}: ${event}`);
    });
    cluster.marks.hit("a host opens");
    const host = new Host(cluster.actor, ports, {
      cluster: CLUSTER, actor: DISCOVERY_ACTOR, instance: name, principal: name, incarnation: this.life?.incarnation ?? name, software: "sim",
      attendants: cluster.attendants(), onServing: () => cluster.note(name, `serves epoch ${host.current.kernel.epoch}`),
      onStopped: (reason) => {
        cluster.note(name, `stops: ${reason.kind}`);
        cluster.marks.hit(`a host stops: ${reason.kind}`);
        this.host = undefined;
        stopped(reason);
      },
    });
    this.host = host as unknown as DiscoveryHost;
    host.open();
    return { close: () => host.close() };
  }

  private rank(): number | undefined {
    const hosts = (this.life?.answer?.view?.members ?? []).filter(({ kinds, incarnation }) => kinds.includes(DISCOVERY_KIND) && this.life?.accuses(incarnation) !== true);
    const rank = hosts.findIndex(({ incarnation }) => incarnation === this.life?.incarnation);
    return rank < 0 ? undefined : rank;
  }
}

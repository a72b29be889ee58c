/**
 * An instance as a service: one process that belongs to the topology of its cluster.
 *
 * It announces itself, listens to the others, tells its listeners, and hosts the topology history where it can and nobody else
 * does. `longshore run` and `longshore up` start one beside whatever else they run; nothing else waits for it: jobs are worked
 * whether or not anybody hosts the topology.
 */
import type { Announcement, DiscoveryLimits, ListenOptions, MemberEnd, Opening, Topology, TopologyAnswer, TopologyHandler } from "@longshore/discovery-agent";
import { Candidate, DISCOVERY_ACTOR, DISCOVERY_KIND } from "@longshore/discovery-agent";
import type { Roster } from "@longshore/job-queue";
import type { Clock, Telemetry, Wire, WireAnswer } from "@longshore/kernel";
import { decodeUntrusted, encode, Fault, subjectsOf } from "@longshore/kernel";
import type { Connection, ConnectOptions } from "@longshore/nats";
import { connect, wireOf } from "@longshore/nats";
import { newIncarnation, nodeClock } from "../node-ports.ts";
import { requireStreams } from "../streams.ts";
import { openDiscoveryHost } from "./discovery-host.ts";
import { newInstanceId, type TakenId, takeInstanceId } from "./instance-id.ts";
import { Life, NOTHING_ANNOUNCED } from "./life.ts";
import { InstanceRoster } from "./roster.ts";

export interface InstanceOptions extends Partial<Omit<Announcement, "software">> {
  readonly connection: ConnectOptions;
  readonly cluster?: string;
  /** Persistent name; otherwise one kept in `stateDir`, otherwise a new one. */
  readonly instance?: string;
  readonly stateDir?: string;
  /** Other clusters that are told who is here, and heard, while this instance hosts the topology's history; give it to all that can. */
  readonly peers?: readonly string[];
  readonly limits?: Partial<DiscoveryLimits>;
  readonly telemetry?: Telemetry;
}

/** What happened to the topology, and who it says is there. */
export type TopologyWatcher = (answer: TopologyAnswer) => void;

export interface InstanceService {
  readonly instance: string;
  /** Of this process; another one when it was given up by the others and has come back. */
  readonly incarnation: string;
  /** What it knows now; another object after it has come back. */
  readonly topology: Topology;
  /** The last picture that was read; undefined before the first. */
  readonly answer: TopologyAnswer | undefined;
  /** It hosts the topology history. */
  readonly isHosting: boolean;
  /** What hosts in this process are told of the others. */
  readonly roster: Roster;
  /** Rejects when this instance can be no member any more: another process has its name, or was there first. */
  readonly refused: Promise<never>;
  listen(handler: TopologyHandler, options?: ListenOptions): void;
  unlisten(handler: TopologyHandler): void;
  /** Calls back with each newer picture, current or not. Returns a way to stop. */
  watch(watcher: TopologyWatcher): () => void;
  /** Says other words of itself from now on. */
  announce(change: Partial<Announcement>): void;
  /** The incarnation was a member of a view, and is none any more. */
  hasLeft(incarnation: string): boolean;
  /** Leaves the topology; whatever runs in this process runs on. Resolves when that was heard, or is waited for no longer. */
  leave(): Promise<void>;
  /** Leaves, hands the history over if it hosts it, and ends. Idempotent. */
  close(): Promise<void>;
}

const PROBE_WITHIN_MS = 500;

/**
 * Starts; resolves when it is known that no living process has the same name.
 *
 * @throws {Fault} `instance/duplicate` when one has, `nats/…` when NATS or its streams are not as they must be.
 */
export async function startInstance(options: InstanceOptions): Promise<InstanceService> {
  const { cluster = "main", stateDir } = options;
  const connection = await connect(options.connection);
  let taken: TakenId | undefined;
  try {
    const clusterId = await requireStreams(connection, cluster);
    if (options.instance === undefined && stateDir !== undefined) taken = await takeInstanceId(stateDir, clusterId);
    const instance = options.instance ?? taken?.instance ?? newInstanceId();
    await refuseDuplicate(wireOf(connection), cluster, connection.principal, instance);
    return new Service(connection, { cluster, clusterId, instance }, options, taken);
  } catch (error) {
    await taken?.release();
    await connection.close();
    throw error;
  }
}

/** Only a living process answers a probe; that of one that has died is answered by nobody. */
async function refuseDuplicate(wire: Wire, cluster: string, principal: string, instance: string): Promise<void> {
  const subject = subjectsOf(cluster).probe(principal, instance);
  const answer = await new Promise<WireAnswer>((done) => wire.request(subject, encode({}), PROBE_WITHIN_MS, done));
  if (answer.kind === "answer") throw duplicate(instance, String((decodeUntrusted(answer.data) as { readonly incarnation?: unknown } | null)?.incarnation));
}

const duplicate = (instance: string, living: string): Fault =>
  new Fault("instance/duplicate", `the instance "${instance}" is already here, as a living process (incarnation ${living})`, {
    retry: "never", remedy: "give each process a name of its own with --instance, or end the other one first",
  });

interface Place {
  readonly cluster: string;
  readonly clusterId: string;
  readonly instance: string;
}

class Service implements InstanceService {
  readonly instance: string;
  readonly refused: Promise<never>;
  readonly roster: InstanceRoster;
  answer: TopologyAnswer | undefined;
  private readonly connection: Connection;
  private readonly place: Place;
  private readonly options: InstanceOptions;
  private readonly taken: TakenId | undefined;
  private readonly telemetry: Telemetry;
  private readonly wire: Wire;
  private readonly clock: Clock = nodeClock;
  private readonly candidate: Candidate | undefined;
  private readonly listeners = new Map<TopologyHandler, ListenOptions>();
  private readonly watchers = new Set<TopologyWatcher>();
  private announcement: Announcement;
  private life: Life;
  private closing: Promise<void> | undefined;
  private refuse: (fault: Fault) => void = () => undefined;

  constructor(connection: Connection, place: Place, options: InstanceOptions, taken: TakenId | undefined) {
    this.connection = connection;
    this.place = place;
    this.instance = place.instance;
    this.options = options;
    this.taken = taken;
    this.telemetry = options.telemetry ?? ((): void => undefined);
    this.wire = wireOf(connection);
    this.roster = new InstanceRoster({ wire: this.wire, clock: this.clock }, { cluster: place.cluster, principal: connection.principal });
    this.watchers.add((answer) => this.roster.read(answer));
    const { connection: _, cluster: __, instance: ___, stateDir: ____, peers: _____, limits: ______, telemetry: _______, ...said } = options;
    this.announcement = { ...NOTHING_ANNOUNCED, ...said };
    this.refused = new Promise((_resolve, reject) => {
      this.refuse = reject;
    });
    // Whoever does not look has decided so.
    this.refused.catch(() => undefined);
    this.life = this.newLife();
    this.life.start();
    this.candidate = this.announcement.kinds.includes(DISCOVERY_KIND) ? this.newCandidate() : undefined;
    this.candidate?.start();
  }

  get incarnation(): string {
    return this.life.incarnation;
  }

  get topology(): Topology {
    return this.life.topology;
  }

  get isHosting(): boolean {
    return this.candidate?.isHosting === true;
  }

  listen(handler: TopologyHandler, options: ListenOptions = {}): void {
    if (this.life.topology.bind(handler, options)) this.listeners.set(handler, options);
  }

  unlisten(handler: TopologyHandler): void {
    this.listeners.delete(handler);
    this.life.topology.unbind(handler);
  }

  watch(watcher: TopologyWatcher): () => void {
    this.watchers.add(watcher);
    if (this.answer !== undefined) watcher(this.answer);
    return () => this.watchers.delete(watcher);
  }

  announce(change: Partial<Announcement>): void {
    this.announcement = { ...this.announcement, ...change };
    this.life.change(this.announcement);
  }

  hasLeft(incarnation: string): boolean {
    return this.roster.hasLeft(incarnation);
  }

  leave(): Promise<void> {
    return this.life.leave();
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private newLife(): Life {
    const { cluster, instance } = this.place;
    const { wire, clock, announcement, listeners } = this;
    return new Life({
      wire, clock, cluster, instance, announcement, listeners,
      principal: this.connection.principal, incarnation: newIncarnation(),
      onRead: (answer) => {
        this.answer = answer;
        for (const watcher of [...this.watchers]) watcher(answer);
      },
      onEnded: (end) => this.lifeEnded(end),
      onFault: (cause) => this.telemetry("topology.listener-failed", { instance, name: cause instanceof Error ? cause.name : "unknown" }),
    });
  }

  /** One that the others have given up comes back as another incarnation. */
  private lifeEnded(end: MemberEnd): void {
    const { instance } = this.place;
    if (end.kind === "left" || this.closing !== undefined) return;
    if (end.kind === "duplicate") return this.refuse(duplicate(instance, end.living));
    if (end.kind === "refused") return this.refuse(new Fault(end.code, end.message, { retry: "never", remedy: "give this instance another name with --instance" }));
    this.telemetry("instance.evicted", { instance, incarnation: this.life.incarnation });
    this.life = this.newLife();
    this.life.start();
  }

  private newCandidate(): Candidate {
    const { cluster } = this.place;
    return new Candidate({ wire: this.wire, clock: this.clock }, {
      querySubject: subjectsOf(cluster).query(DISCOVERY_KIND, DISCOVERY_ACTOR, "actor", this.connection.principal),
      rank: () => this.rank(),
      isAccused: (incarnation) => this.life.accuses(incarnation),
      chance: Math.random,
      open: (stopped) => this.open(stopped),
      telemetry: this.telemetry,
    });
  }

  private open(stopped: Parameters<typeof openDiscoveryHost>[2]): Opening {
    const { telemetry, connection } = this;
    const { stateDir, peers, limits } = this.options;
    const host = {
      ...this.place, connection, telemetry, peers: peers ?? [], incarnation: this.incarnation,
      ...(stateDir === undefined ? {} : { stateDir }), ...(limits === undefined ? {} : { limits }),
    };
    return openDiscoveryHost(host, (epoch) => telemetry("discovery.serving", { instance: this.instance, epoch }), stopped);
  }

  /** Place among the members that can host the history and against whom this instance holds nothing. */
  private rank(): number | undefined {
    const hosts = (this.answer?.view?.members ?? []).filter(({ kinds, incarnation }) => kinds.includes(DISCOVERY_KIND) && !this.life.accuses(incarnation));
    const rank = hosts.findIndex(({ incarnation }) => incarnation === this.incarnation);
    return rank < 0 ? undefined : rank;
  }

  private async end(): Promise<void> {
    await this.life.leave();
    await new Promise<void>((closed) => (this.candidate === undefined ? closed() : this.candidate.close(closed)));
    this.roster.close();
    await this.connection.close();
    await this.taken?.release();
  }
}

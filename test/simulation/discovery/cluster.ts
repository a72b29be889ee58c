/** The simulated cluster: one server with the history of its topology, and the log of everything that went wrong when. */
import type { DeliveryLog, DiscoveryAgentActor, DiscoveryEvent, DiscoveryState, Topology, TopologyEvent } from "@longshore/discovery-agent";
import { DISCOVERY_ACTOR, DISCOVERY_KIND, discoveryAgent, EVENT_CODES, outages } from "@longshore/discovery-agent";
import type { Attendant, HighWater, HostPorts, Journal, Snapshot, StoredCommit } from "@longshore/kernel";
import { decodeCommit, streamsOf, subjectsOf } from "@longshore/kernel";
import { MemoryStream, sha256, VirtualClock } from "@longshore/testkit";
import type { Link, Weather } from "@longshore/testkit/simulation";
import { calm, Marks, Random, SimInbox, SimJournal, SimProcess, SimServer, SimWire, Trace } from "@longshore/testkit/simulation";
import { keepersOf } from "../keepers.ts";
import type { Config } from "./config.ts";

export const CLUSTER = "sim";
export const SUBJECTS = subjectsOf(CLUSTER);
const NAMES = streamsOf(CLUSTER);
/** Codes of the events that end an incarnation. */
const ENDS: ReadonlySet<number> = new Set([EVENT_CODES.InstanceLeaving, EVENT_CODES.InstanceEvicted]);
const BEGAN_AT = 1_700_000_000_000;
/** Where listeners get stuck: as long as the trouble lasts. Milliseconds. */
const SHORT = { ackWarnMs: 1_500, ackDeadlineMs: 5_000, remoteKeepMs: 8_000 };

export type MemberTopology = Pick<Topology, "read" | "owedAck" | "raise" | "clear">;

/** Places where a planted bug may be put around the parts. Production code knows nothing of them. */
export interface Mutation {
  actor?(actor: DiscoveryAgentActor): DiscoveryAgentActor;
  journal?(journal: Journal, cluster: Cluster): Journal;
  attendants?(): readonly Attendant<DiscoveryState, DiscoveryEvent>[];
  /** What a listener is told instead. */
  tell?(event: TopologyEvent): readonly TopologyEvent[];
  /** What the member takes for its topology; `acked`: the acknowledgement goes out. */
  topology?(topology: MemberTopology, acked: (number: number) => void): MemberTopology;
}

/** Something that was wrong with one process, or with the world, from then until then, milliseconds. */
export interface Episode {
  readonly what: string;
  /** Undefined: everybody. */
  readonly process: string | undefined;
  readonly fromMs: number;
  toMs: number;
}

/** One incarnation, as it really was. */
export interface LifeRecord {
  readonly incarnation: string;
  readonly process: string;
  readonly fromMs: number;
  /** When it ended in whatever way. */
  toMs: number;
  /** It died without a word. */
  crashedAs: "crash" | "power" | undefined;
  /** It began to hang, in a world where that is measured. */
  hungMs: number | undefined;
  /** It hosted the history then. */
  wasHost: boolean;
  readonly log: DeliveryLog;
}

export class Cluster {
  readonly config: Config;
  readonly mutation: Mutation;
  readonly clock: VirtualClock;
  readonly weather: Weather;
  readonly marks: Marks = new Marks();
  readonly trace: Trace;
  readonly server: SimServer;
  readonly journalStream: MemoryStream;
  readonly actor: DiscoveryAgentActor;
  readonly commits: StoredCommit[] = [];
  /** World time when each was stored, milliseconds. */
  readonly storedMs: number[] = [];
  readonly snapshots: Snapshot[] = [];
  readonly episodes: Episode[] = [];
  readonly lives: LifeRecord[] = [];
  /** World time of each stamp of the logs of listeners. */
  readonly stamps: number[] = [];
  readonly alarms: string[] = [];
  /** World time when the history ended each incarnation, milliseconds. */
  readonly givenUp: Map<string, number> = new Map();
  mark: HighWater | undefined;
  serverOffsetMs = BEGAN_AT;

  constructor(config: Config, mutation: Mutation, keepsTrace: boolean) {
    this.config = config;
    this.mutation = mutation;
    const order = new Random(config.seed, "order");
    this.clock = new VirtualClock({ tie: () => order.next() });
    this.weather = calm(config.latencyMs, config.jitterMs);
    this.trace = new Trace(keepsTrace);
    this.server = new SimServer(this.clock, this.weather, new Random(config.seed, "net"), this.marks, this.trace);
    this.journalStream = new MemoryStream(NAMES.journal, [`${SUBJECTS.prefix}jr.>`]);
    this.server.streams.push(this.journalStream, new MemoryStream(NAMES.inbox, [`${SUBJECTS.prefix}in.>`]));
    const actor = discoveryAgent({ cluster: CLUSTER, limits: config.isStuck ? SHORT : {} });
    this.actor = mutation.actor?.(actor) ?? actor;
    this.journalStream.onStored((message) => {
      this.commits.push({ version: message.sequence, bytes: message.data });
      this.storedMs.push(this.nowMs);
      for (const [code, , incarnation] of decodeCommit(message.data).events) if (ENDS.has(code as number)) this.givenUp.set(incarnation as string, this.nowMs);
    });
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  get serverMs(): number {
    return Math.floor(this.nowMs + this.serverOffsetMs);
  }

  readonly stamp = (): number => this.stamps.push(this.nowMs) - 1;

  process(name: string): SimProcess {
    const random = new Random(this.config.seed, `clock ${name}`);
    const hasOddClock = this.config.families.includes("clocks");
    return new SimProcess(name, this.clock, { offsetMs: hasOddClock ? random.int(0, 1e9) : 0, rate: hasOddClock ? 0.97 + random.next() * 0.06 : 1 });
  }

  note(where: string, text: string): void {
    if (this.trace.isKept) this.trace.note(this.nowMs, where, text);
  }

  begin(what: string, process?: string): Episode {
    const episode: Episode = { what, process, fromMs: this.nowMs, toMs: Number.POSITIVE_INFINITY };
    this.episodes.push(episode);
    this.marks.hit(what);
    return episode;
  }

  attendants(): readonly Attendant<DiscoveryState, DiscoveryEvent>[] {
    return this.mutation.attendants?.() ?? [outages()];
  }

  hostPorts(link: Link, telemetry: (event: string) => void): HostPorts {
    const journal = new SimJournal(link, this.journalStream, SUBJECTS.journal(DISCOVERY_KIND, DISCOVERY_ACTOR));
    return {
      journal: this.mutation.journal?.(journal, this) ?? journal,
      inboxes: [new SimInbox(link, this.server.streams[1]!, SUBJECTS.inboxes(DISCOVERY_KIND, DISCOVERY_ACTOR))],
      wire: new SimWire(link), clock: link.process, hash: sha256, telemetry, ...keepersOf(link, this),
    };
  }
}

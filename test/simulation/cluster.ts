/** The simulated cluster: one server with its streams, and what every process gets of it. */

import type { JobQueueActor } from "@longshore/job-queue";
import { jobQueue } from "@longshore/job-queue";
import type { Hash, HighWater, HostPorts, Inbox, Journal, Snapshot, StoredCommit } from "@longshore/kernel";
import { streamsOf, subjectsOf } from "@longshore/kernel";
import { MemoryStream, sha256, VirtualClock } from "@longshore/testkit";
import type { ClientEntry, ResultEntry, WorkerEntry } from "@longshore/testkit/promises";
import type { Link, Weather } from "@longshore/testkit/simulation";
import { calm, Marks, Random, SimInbox, SimJournal, SimProcess, SimServer, SimWire, Trace } from "@longshore/testkit/simulation";
import type { Config } from "./config.ts";
import { keepersOf } from "./keepers.ts";
import { fragile } from "./poison.ts";

export const CLUSTER = "sim";
export const SHARD = "main";
export const KIND = "job-queue";
export const NAMES = streamsOf(CLUSTER);
export const SUBJECTS = subjectsOf(CLUSTER);
/** Server time when the world begins. */
const BEGAN_AT = 1_700_000_000_000;

/** Places where a planted bug may be put between a part and its ports. Production code knows nothing of them. */
export interface Mutation {
  journal?(journal: Journal, cluster: Cluster, process: SimProcess): Journal;
  inbox?(inbox: Inbox, cluster: Cluster, process: SimProcess): Inbox;
  actor?(actor: JobQueueActor, cluster: Cluster): JobQueueActor;
  ports?(ports: HostPorts, cluster: Cluster, process: SimProcess): HostPorts;
  /** The actor admits whatever comes. */
  readonly hasNoBounds?: boolean;
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
  readonly actor: JobQueueActor;
  /** Every commit that was ever stored, also what was purged since. */
  readonly commits: StoredCommit[] = [];
  /** The server's time when each was. */
  readonly storedAt: number[] = [];
  /** Somebody has set the server's clock. */
  isStepped = false;
  /** Every snapshot that was ever saved. */
  readonly snapshots: Snapshot[] = [];
  readonly clients: ClientEntry[] = [];
  readonly results: ResultEntry[] = [];
  readonly workers: WorkerEntry[] = [];
  /** What must never be said: by hosts that stop for another reason than being overtaken, by parts that throw. */
  readonly alarms: string[] = [];
  readonly processes: Map<string, SimProcess> = new Map();
  /** Hashes by the bytes they were made of: every process and every oracle hashes the same commits. */
  private readonly hashes = new WeakMap<Uint8Array, Uint8Array>();
  mark: HighWater | undefined;
  serverOffsetMs = BEGAN_AT;
  private readonly net: Random;

  constructor(config: Config, mutation: Mutation, keepsTrace: boolean) {
    this.config = config;
    this.mutation = mutation;
    const order = new Random(config.seed, "order");
    this.clock = new VirtualClock({ tie: () => order.next() });
    this.weather = calm(config.latencyMs, config.jitterMs);
    this.trace = new Trace(keepsTrace);
    this.net = new Random(config.seed, "net");
    this.server = new SimServer(this.clock, this.weather, this.net, this.marks, this.trace);
    this.journalStream = new MemoryStream(NAMES.journal, [`${SUBJECTS.prefix}jr.>`]);
    const ways = ["submit", "outcome", "operate"].map((role) => `${SUBJECTS.prefix}in.*.*.${role}.*`);
    this.server.streams.push(this.journalStream, new MemoryStream(NAMES.inbox, ways, { limits: { messagesMax: 400 } }));
    const actor = jobQueue({ cluster: CLUSTER, shard: SHARD, limits: mutation.hasNoBounds === true ? {} : config.queueLimits });
    const shown = config.isFragile ? fragile(actor) : actor;
    this.actor = mutation.actor?.(shown, this) ?? shown;
    this.journalStream.onStored((message) => {
      this.commits.push({ version: message.sequence, bytes: message.data });
      this.storedAt.push(this.serverMs);
    });
  }

  readonly hash: Hash = (bytes) => {
    let hash = this.hashes.get(bytes);
    if (hash === undefined) {
      hash = sha256(bytes);
      this.hashes.set(bytes, hash);
    }
    return hash;
  };

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** The server's time. */
  get serverMs(): number {
    return Math.floor(this.nowMs + this.serverOffsetMs);
  }

  process(name: string): SimProcess {
    let process = this.processes.get(name);
    if (process === undefined) {
      const random = new Random(this.config.seed, `clock ${name}`);
      const hasOddClock = this.config.families.includes("clocks");
      const clock = { offsetMs: hasOddClock ? random.int(0, 1e9) : 0, rate: hasOddClock ? 0.95 + random.next() * 0.1 : 1 };
      process = new SimProcess(name, this.clock, clock);
      this.processes.set(name, process);
    }
    return process;
  }

  get inboxStream(): MemoryStream {
    return this.server.streams[1]!;
  }

  note(where: string, text: string): void {
    if (this.trace.isKept) this.trace.note(this.nowMs, where, text);
  }

  hostPorts(link: Link, alarm: (event: string) => void): HostPorts {
    const { process } = link;
    const journal = new SimJournal(link, this.journalStream, SUBJECTS.journal(KIND, SHARD));
    const inbox = new SimInbox(link, this.inboxStream, SUBJECTS.inboxes(KIND, SHARD));
    const { mutation } = this;
    const ports: HostPorts = {
      journal: mutation.journal?.(journal, this, process) ?? journal,
      inboxes: [mutation.inbox?.(inbox, this, process) ?? inbox],
      wire: new SimWire(link), clock: process, hash: this.hash,
      ...keepersOf(link, this),
      telemetry: (event) => alarm(event),
    };
    return mutation.ports?.(ports, this, process) ?? ports;
  }
}

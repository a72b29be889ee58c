/**
 * One NATS server of one cluster, in memory: its streams, its bus, and every port on them.
 *
 *     const server = new MemoryServer({ cluster: "test", clock });
 *     const host = new Host(actor, server.hostPorts("job-queue", "main", "host"), options);
 *     const wire = server.wire("alice");
 */

import type { Clock, HostPorts, Telemetry } from "@longshore/kernel";
import { streamsOf, subjectsOf } from "@longshore/kernel";
import { MemoryBlobs } from "./blobs.ts";
import type { MemoryWire } from "./bus.ts";
import { MemoryBus, MemoryLink } from "./bus.ts";
import type { MayRead } from "./carrier.ts";
import { MemoryCarrier } from "./carrier.ts";
import type { Defer } from "./defer.ts";
import { deferOn } from "./defer.ts";
import { sha256 } from "./hash.ts";
import { MemoryInbox } from "./inbox.ts";
import { MemoryJournal } from "./journal.ts";
import { MemoryMarks, MemoryServerTime, MemorySnapshots } from "./keepers.ts";
import type { StreamLimits } from "./stream.ts";
import { MemoryStream } from "./stream.ts";
import { MemoryWanted } from "./wanted.ts";

export interface MemoryServerOptions {
  readonly cluster: string;
  readonly clock: Clock;
  /** How answers come later; absent: by the clock, at the same instant. */
  readonly defer?: Defer;
  /** Server time when the clock stands at 0, milliseconds of UTC. */
  readonly startedAt?: number;
  readonly maxPayloadBytes?: number;
  readonly inboxLimits?: Partial<StreamLimits>;
}

export class MemoryServer {
  readonly cluster: string;
  readonly clock: Clock;
  readonly bus: MemoryBus;
  readonly journalStream: MemoryStream;
  readonly serverTime: MemoryServerTime;
  readonly blobs: MemoryBlobs;
  readonly wanted: MemoryWanted;
  readonly telemetry: { readonly event: string; readonly fields: Readonly<Record<string, string | number | boolean>> }[] = [];
  private readonly defer: Defer;
  private readonly marks = new Map<string, MemoryMarks>();
  private readonly snapshots = new Map<string, MemorySnapshots>();
  private readonly neighbors = new Map<string, { readonly server: MemoryServer; readonly link: MemoryLink }>();
  private mayRead: MayRead | undefined;
  private generation = 1;

  constructor(options: MemoryServerOptions) {
    this.cluster = options.cluster;
    this.clock = options.clock;
    this.defer = options.defer ?? deferOn(options.clock);
    this.bus = new MemoryBus(options.clock, this.defer, options.maxPayloadBytes);
    this.serverTime = new MemoryServerTime(options.clock, this.defer, options.startedAt);
    this.blobs = new MemoryBlobs(this.defer, () => this.serverTime.now());
    this.wanted = new MemoryWanted(this.defer);
    const names = streamsOf(options.cluster);
    this.journalStream = new MemoryStream(names.journal, [`ls.${options.cluster}.jr.>`], { limits: { messageBytesMax: this.bus.maxPayloadBytes } });
    const ways = ["submit", "outcome", "operate", "hello"].map((role) => `ls.${options.cluster}.in.*.*.${role}.*`);
    const peers = ["actor", "peer"].map((role) => `ls.${options.cluster}.in.*.*.${role}.*`);
    const limits = options.inboxLimits ?? {};
    for (const stream of [this.journalStream, new MemoryStream(names.inbox, ways, { limits }), new MemoryStream(names.peers, peers, { limits })]) {
      this.bus.streams.set(stream.name, stream);
    }
  }

  wire(principal: string): MemoryWire {
    return this.bus.wire(principal);
  }

  /** Joins two servers by a leaf node; both must run on one clock. */
  linkTo(other: MemoryServer): MemoryLink {
    const link = new MemoryLink();
    this.bus.reach(other.cluster, other.bus, link);
    other.bus.reach(this.cluster, this.bus, link);
    this.neighbors.set(other.cluster, { server: other, link });
    other.neighbors.set(this.cluster, { server: this, link });
    return link;
  }

  /** Lets other clusters read payloads until it is closed by what it returns. */
  openBlobDoor(mayRead: MayRead): () => void {
    this.mayRead = mayRead;
    return () => {
      if (this.mayRead === mayRead) this.mayRead = undefined;
    };
  }

  /** Of one process: what it left of broken tries is lost with it. */
  carrier(): MemoryCarrier {
    return new MemoryCarrier(this.cluster, this.blobs, this.defer, (cluster) => {
      const { server, link } = this.neighbors.get(cluster) ?? {};
      return server?.mayRead === undefined || link?.isUp !== true ? undefined : { blobs: server.blobs, mayRead: server.mayRead };
    });
  }

  stream(name: string): MemoryStream {
    const stream = this.bus.streams.get(name);
    if (stream === undefined) throw new Error(`there is no stream ${name}`);
    return stream;
  }

  /** Deletes a stream and makes it anew, with its sequences starting again. */
  recreate(name: string, subjects: readonly string[]): void {
    this.bus.streams.set(name, new MemoryStream(name, subjects, { created: `${name}@${++this.generation}` }));
  }

  journal(kind: string, actor: string): MemoryJournal {
    return new MemoryJournal(this.journalStream, subjectsOf(this.cluster).journal(kind, actor), this.defer);
  }

  /** Kind and name of every actor that has a history. */
  histories(done: (names: readonly (readonly [kind: string, actor: string])[]) => void): void {
    const names = this.journalStream.subjects.map((subject) => subject.split(".")).map(([, , , kind = "", actor = ""]) => [kind, actor] as const);
    this.defer(() => done(names));
  }

  inboxes(kind: string, actor: string): readonly MemoryInbox[] {
    const pattern = subjectsOf(this.cluster).inboxes(kind, actor);
    const names = streamsOf(this.cluster);
    return [names.inbox, names.peers].map((name) => new MemoryInbox(() => this.stream(name), pattern, this.defer));
  }

  marksOf(kind: string, actor: string): MemoryMarks {
    return keptIn(this.marks, `${kind}.${actor}`, () => new MemoryMarks(this.defer));
  }

  snapshotsOf(kind: string, actor: string): MemorySnapshots {
    return keptIn(this.snapshots, `${kind}.${actor}`, () => new MemorySnapshots(this.defer));
  }

  /** Everything a host needs, on a connection of its own. */
  hostPorts(kind: string, actor: string, principal: string, telemetry?: Telemetry): HostPorts {
    return {
      journal: this.journal(kind, actor),
      inboxes: this.inboxes(kind, actor),
      wire: this.wire(principal),
      clock: this.clock,
      serverTime: this.serverTime,
      marks: this.marksOf(kind, actor),
      snapshots: this.snapshotsOf(kind, actor),
      hash: sha256,
      telemetry: telemetry ?? ((event, fields) => void this.telemetry.push({ event, fields })),
    };
  }
}

function keptIn<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

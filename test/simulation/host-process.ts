/** A process that hosts the job queue, or waits until it may. */

import type { JobQueueCommand, JobQueueEvent, JobQueueRejection, QueueState } from "@longshore/job-queue";
import { presence, ranks, results } from "@longshore/job-queue";
import type { Attendant, HostPorts, StopReason, StoreAnswer, Wire, WireAnswer, WireMessage } from "@longshore/kernel";
import { decodeTrusted, Follower, Host, Retention, whenFree } from "@longshore/kernel";
import type { SimProcess } from "@longshore/testkit/simulation";
import { Random } from "@longshore/testkit/simulation";
import type { Cluster } from "./cluster.ts";
import { CLUSTER, KIND, SHARD, SUBJECTS } from "./cluster.ts";
import { SMALL_MAILBOX } from "./config.ts";
import { SimView } from "./placements.ts";

export type JobQueueHost = Host<QueueState, JobQueueCommand, JobQueueEvent, JobQueueRejection>;

export class HostProcess {
  readonly process: SimProcess;
  private readonly cluster: Cluster;
  private readonly random: Random;
  host: JobQueueHost | undefined;
  lastStop: StopReason | undefined;
  /** A person has to look; it is not started again. */
  isOut = false;

  constructor(cluster: Cluster, name: string) {
    this.cluster = cluster;
    this.process = cluster.process(name);
    this.random = new Random(cluster.config.seed, `host ${name}`);
  }

  /** `takeOver`: opens at once, whoever holds the history. */
  start(takeOver: boolean): void {
    if (this.process.isUp || this.isOut) return;
    const { cluster, process } = this;
    process.start();
    const link = cluster.server.connect(process);
    const ports = cluster.hostPorts(link, (event) => this.telemetry(event));
    if (cluster.config.snapshotEvery > 0) this.follow(ports);
    const open = (): void => this.open(ports, takeOver);
    if (takeOver) return open();
    whenFree(ports.wire, process, SUBJECTS.query(KIND, SHARD, "operate", process.name), () => cluster.marks.hit("a standby waits for a living host"), open);
  }

  kill(): void {
    this.host = undefined;
    this.process.kill();
    this.cluster.server.closed(this.process);
  }

  private open(ports: HostPorts, takeOver: boolean): void {
    const { cluster, process, random } = this;
    this.host = new Host(cluster.actor, this.marked(ports), {
      cluster: CLUSTER, actor: SHARD, instance: process.name, principal: "host", incarnation: `${process.name}-${process.life}`, software: "sim",
      limits: cluster.config.kernelLimits, takeOver, attendants: [presence({ shard: SHARD }), results({ shard: SHARD }), ...this.view()],
      onServing: () => {
        cluster.marks.hit("a host serves");
        cluster.note(process.name, `serves epoch ${this.host?.current.kernel.epoch}`);
      },
      onStopped: (reason) => this.stopped(reason),
    });
    const { host, process: { life } } = this;
    cluster.clock.after(random.next(), () => process.run(life, () => host.open()));
  }

  /** What tells the queue who leads, where one asks. */
  private view(): readonly Attendant<QueueState, JobQueueEvent>[] {
    const { config } = this.cluster;
    return config.queues.some((queue) => queue.config.placement === "leader") ? [ranks(new SimView(config, this.process))] : [];
  }

  /** Says what a host meets at its opening and how it answers. */
  private marked(ports: HostPorts): HostPorts {
    const { marks, journalStream, config } = this.cluster;
    return {
      ...ports,
      snapshots: {
        save: (snapshot, done) => ports.snapshots.save(snapshot, done),
        latest: (done) => ports.snapshots.latest((snapshot) => {
          if (snapshot !== undefined) marks.hit("a host opens from a snapshot");
          if (journalStream.firstSequence > 1) marks.hit("a purged journal is opened again");
          done(snapshot);
        }),
      },
      wire: config.kernelLimits.mailboxCommandsMax === SMALL_MAILBOX ? new PushBackWatch(ports.wire, () => marks.hit("an overloaded host pushes back")) : ports.wire,
    };
  }

  private follow(given: HostPorts): void {
    const { cluster, process } = this;
    const ports = cluster.config.followerLagMs > 0 ? this.slow(given) : given;
    const retention = new Retention(ports.journal, process, { keepMs: 2_000, keepBytes: 1e9 });
    const follower = new Follower(cluster.actor, ports, {
      snapshotEveryCommits: cluster.config.snapshotEvery, snapshotEveryBytes: 1e9, snapshotEveryMs: 1e9,
      onSnapshot: (version, at) => retention.snapshotMade(version, at),
    });
    follower.start();
    retention.start();
  }

  /** A follower that is behind by up to seconds whenever it looks. */
  private slow(ports: HostPorts): HostPorts {
    const { journal } = ports;
    const lagMs = (): number => this.random.next() * this.cluster.config.followerLagMs;
    this.cluster.marks.hit("a follower is slow");
    return {
      ...ports,
      journal: {
        append: (bytes, expected, done) => journal.append(bytes, expected, done), last: (done) => journal.last(done),
        read: (after, onCommit, done) => void this.process.after(lagMs(), () => journal.read(after, onCommit, done)),
        get: (version, done) => journal.get(version, done), purge: (below, done) => journal.purge(below, done), size: (done) => journal.size(done),
      },
    };
  }

  private stopped(reason: StopReason): void {
    const { cluster, process } = this;
    this.lastStop = reason;
    cluster.note(process.name, `stops: ${reason.kind}${"message" in reason ? ` (${reason.message})` : ""}`);
    cluster.marks.hit(`a host stops: ${reason.kind}`);
    if ("message" in reason) {
      this.isOut = true;
      if (!(cluster.config.isRewound && reason.kind === "rewound")) cluster.alarms.push(`host ${process.name} stops: ${reason.kind}: ${reason.message}`);
    }
    const { life } = process;
    cluster.clock.after(0, () => process.run(life, () => {
      this.kill();
      // Its supervisor starts it again.
      cluster.clock.after(this.random.log(50, 2_000), () => this.start(false));
    }));
  }

  private telemetry(event: string): void {
    const { cluster, process } = this;
    cluster.marks.hit(`telemetry: ${event}`);
    if (event === "door.failed") cluster.alarms.push(`host ${process.name}: ${event}`);
    cluster.note(process.name, event);
  }
}

/** Sees a host tell a sender to come back. */
class PushBackWatch implements Wire {
  readonly maxPayloadBytes: number;
  private readonly wire: Wire;
  private readonly onPushBack: () => void;

  constructor(wire: Wire, onPushBack: () => void) {
    this.wire = wire;
    this.maxPayloadBytes = wire.maxPayloadBytes;
    this.onPushBack = onPushBack;
  }

  get connected(): boolean {
    return this.wire.connected;
  }

  publish(subject: string, data: Uint8Array): void {
    this.wire.publish(subject, data);
  }

  request(subject: string, data: Uint8Array, timeoutMs: number, done: (answer: WireAnswer) => void): void {
    this.wire.request(subject, data, timeoutMs, done);
  }

  subscribe(subject: string, onMessage: (message: WireMessage) => void): () => void {
    return this.wire.subscribe(subject, (message) => onMessage({ ...message, reply: message.reply && ((answer) => {
      const said = decodeTrusted(answer);
      if (typeof said === "object" && said !== null && "overloaded" in said) this.onPushBack();
      message.reply?.(answer);
    }) }));
  }

  store(subject: string, data: Uint8Array, done: (answer: StoreAnswer) => void): void {
    this.wire.store(subject, data, done);
  }

  onReconnect(handler: () => void): () => void {
    return this.wire.onReconnect(handler);
  }
}

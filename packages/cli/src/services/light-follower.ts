/**
 * What makes the snapshots of a small history and forgets what is old, in the process of its host.
 *
 * Not in a thread as for JobQueue: the topology and the trips under way are a few hundred bytes each and bounded by thousands, a
 * thread costs as much memory as all of them, and it follows only while this process hosts. Without it the journal could never
 * be purged.
 */
import type { Actor, HostPorts, RejectionShape, RetentionHorizon } from "@longshore/kernel";
import { Follower, Retention } from "@longshore/kernel";
import type { Connection } from "@longshore/nats";
import { journalOf } from "@longshore/nats";
import type { Beside } from "./actor-service.ts";
import { nodeClock } from "./node-ports.ts";

const SNAPSHOTS = { snapshotEveryCommits: 5_000, snapshotEveryBytes: 16 * 1024 ** 2, snapshotEveryMs: 3_600_000 } as const;

export interface FollowedPlace {
  readonly connection: Connection;
  readonly cluster: string;
  readonly actor: string;
}

export class LightFollower<State, Command, Event, Rejection extends RejectionShape> implements Beside {
  private readonly retention: Retention;
  private readonly follower: Follower<State, Command, Event, Rejection>;

  constructor(followed: Actor<State, Command, Event, Rejection>, { connection, cluster, actor }: FollowedPlace, ports: HostPorts, keep: RetentionHorizon) {
    const { journal, snapshots, clock, hash, telemetry } = ports;
    this.retention = new Retention(journal, nodeClock, keep, () => this.follower.wantSnapshot());
    // Direct gets: the leader would answer each commit as base64 within JSON, and a replica that is behind only delays.
    const replica = journalOf(connection, { cluster, kind: followed.kind, actor, from: "replica" });
    this.follower = new Follower(followed, { journal: replica, snapshots, clock, hash, telemetry }, {
      ...SNAPSHOTS,
      onSnapshot: (version, at) => this.retention.snapshotMade(version, at),
    });
  }

  start(): this {
    this.retention.start();
    this.follower.start();
    return this;
  }

  /** It looks by itself once a second, and that is soon enough. */
  stored(): void {}

  close(): Promise<void> {
    this.retention.close();
    this.follower.close();
    return Promise.resolve();
  }
}

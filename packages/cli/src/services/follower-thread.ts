/** The follower of a JobQueue, in a thread of its own: snapshots, event feed, history index. */
import { parentPort, workerData } from "node:worker_threads";
import type { JobQueueEvent, Names, QueueState } from "@longshore/job-queue";
import { HistoryIndex, jobByNumber, jobQueue, memberByNumber } from "@longshore/job-queue";
import type { StoredCommit } from "@longshore/kernel";
import { decodeCommit, FIRST_ACTOR_CODE, Follower } from "@longshore/kernel";
import type { ConnectOptions } from "@longshore/nats";
import { connect, journalOf, snapshotsOf, wireOf } from "@longshore/nats";
import { Feed, SETTLE_EVERY_MS } from "./feed.ts";
import { openHistoryDoor } from "./history-door.ts";
import { nodeClock, sha256 } from "./node-ports.ts";

export interface FollowerData {
  readonly connection: ConnectOptions;
  readonly cluster: string;
  readonly shard: string;
  readonly snapshotEveryCommits: number;
  readonly snapshotEveryMs: number;
  /** Ended jobs whose timeline can be looked up without reading the whole journal. */
  readonly endedMax: number;
}

/** What the host says to the thread: something was stored, a snapshot is needed, it is over. */
export type FollowerHears = "stored" | "snapshot" | "close";

/** What the thread says to its host. */
export type FollowerSays =
  | { readonly kind: "ready" }
  | { readonly kind: "snapshot"; readonly version: number; readonly at: number }
  | { readonly kind: "telemetry"; readonly event: string; readonly fields: Readonly<Record<string, string | number | boolean>> };

const SNAPSHOT_EVERY_BYTES = 256 * 1024 * 1024;

const port = parentPort!;
const say = (message: FollowerSays): void => port.postMessage(message);

async function main(data: FollowerData): Promise<void> {
  const { cluster, shard } = data;
  const actor = jobQueue({ cluster, shard });
  const connection = await connect(data.connection);
  const wire = wireOf(connection);
  const place = { cluster, kind: actor.kind, actor: shard };
  const journal = journalOf(connection, place);
  const index = new HistoryIndex(data.endedMax);
  const feed = new Feed(wire, nodeClock, cluster);
  let indexed = 0;
  let version = 0;
  let live = false;
  /** The last commit with an event that was folded before the feed was live. */
  let untold = 0;

  const names: Names = {
    job(number) {
      const job = jobByNumber(follower.history.state, number);
      return job === undefined ? undefined : { id: `${shard}.${job.id}`, topic: job.topic, queue: job.queue.name };
    },
    member: (member) => memberByNumber(follower.history.state, member) ?? index.member(member),
  };
  const onEvent = (event: JobQueueEvent, _state: QueueState, commit: { readonly number: number; readonly at: number }): void => {
    if (version > indexed) index.event(event, version, commit.at);
    if (live) feed.publish(event, { commit: commit.number, at: commit.at }, names);
    else untold = commit.number;
  };
  const follower = new Follower(actor, {
    // Direct gets: the leader would answer each commit as base64 within JSON, and a replica that is behind only delays.
    journal: journalOf(connection, { ...place, from: "replica" }), snapshots: snapshotsOf(connection, place), clock: nodeClock, hash: sha256,
    telemetry: (event, fields) => say({ kind: "telemetry", event, fields }),
  }, {
    snapshotEveryCommits: data.snapshotEveryCommits,
    snapshotEveryMs: data.snapshotEveryMs,
    snapshotEveryBytes: SNAPSHOT_EVERY_BYTES,
    listener: { actorEvent: onEvent },
    onCommit: (stored) => { version = stored.version; },
    onGap: (from, to) => {
      if (live) feed.missed(from, to);
      else untold = to;
    },
    onSnapshot: (at, when) => say({ kind: "snapshot", version: at, at: when }),
    onCaughtUp: () => {
      live = true;
      // How far the follower before this one came, nobody knows: who has listened goes on from the commit it has seen last.
      if (untold > 0) feed.missed(1, untold);
      say({ kind: "ready" });
    },
  });
  const closeDoor = openHistoryDoor(wire, cluster, { index, journal, events: actor.events, names, shard, commit: () => follower.history.kernel.number });
  const settle = setInterval(() => feed.settle(follower.history.kernel.at), SETTLE_EVERY_MS);

  port.on("message", (message: FollowerHears) => {
    if (message === "stored") return follower.nudge();
    if (message === "snapshot") return follower.wantSnapshot();
    clearInterval(settle);
    closeDoor();
    follower.close();
    void connection.close().then(() => port.close());
  });
  fillIndex(journal, actor.events.decode, index, (last) => {
    indexed = last;
    follower.start();
  });
}

/** Reads the whole journal once, without folding it: the fold may start from a snapshot, the timelines should not. */
function fillIndex(
  journal: ReturnType<typeof journalOf>, decode: (wire: readonly unknown[], format: number) => JobQueueEvent, index: HistoryIndex,
  done: (last: number) => void,
): void {
  let last = 0;
  const take = (stored: StoredCommit): void => {
    if (stored.version <= last) return;
    last = stored.version;
    const commit = decodeCommit(stored.bytes);
    for (const wire of commit.events) {
      if ((wire[0] as number) >= FIRST_ACTOR_CODE) index.event(decode(wire, commit.format), stored.version, commit.at);
    }
  };
  const read = (): void => journal.read(last, take, (answer) => {
    if (answer.kind === "end") done(last);
    else nodeClock.after(500, read);
  });
  read();
}

await main(workerData as FollowerData);

/** What clusters have written, read from their journals, and what lies in their stores. */
import { type JobQueueEvent, jobQueue } from "@longshore/job-queue";
import { type Actor, type BlobName, decodeCommit, FIRST_ACTOR_CODE, type StoredCommit } from "@longshore/kernel";
import { blobsOf, journalOf } from "@longshore/nats";
import { type ClusterHistory, OFFLOAD_ACTOR, OFFLOAD_KIND, type OffloadEvent, offloadRouter } from "@longshore/offload-router";
import type { Cluster } from "./clusters.ts";

const SHARD = "main";

/** Everything one cluster has written, from its first event on. */
export interface Histories extends ClusterHistory {
  readonly cluster: string;
  readonly router: readonly OffloadEvent[];
  readonly queue: readonly JobQueueEvent[];
}

export async function historiesOf(cluster: Cluster): Promise<Histories> {
  const { name } = cluster;
  const router = eventsIn(offloadRouter({ cluster: name }), await commitsOf(cluster, OFFLOAD_KIND, OFFLOAD_ACTOR));
  const queue = eventsIn(jobQueue({ cluster: name, shard: SHARD }), await commitsOf(cluster, "job-queue", SHARD));
  return { cluster: name, router, queue, queues: { [SHARD]: queue } };
}

function commitsOf({ connection, name }: Cluster, kind: string, actor: string): Promise<readonly StoredCommit[]> {
  const commits: StoredCommit[] = [];
  return new Promise((resolve, reject) => {
    journalOf(connection, { cluster: name, kind, actor }).read(0, (commit) => commits.push(commit), (answer) => {
      if (answer.kind === "end") resolve(commits);
      else reject(new Error(`the journal of ${kind} in ${name} cannot be read: ${answer.kind}`));
    });
  });
}

const eventsIn = <Event>({ events: codec }: Pick<Actor<never, never, Event, never>, "events">, commits: readonly StoredCommit[]): readonly Event[] =>
  commits.map(({ bytes }) => decodeCommit(bytes)).flatMap(({ events, format }) => events.filter((wire) => (wire[0] as number) >= FIRST_ACTOR_CODE).map((wire) => codec.decode(wire, format)));

/** What lies in a cluster's store. */
export function blobsIn({ connection, name }: Cluster): Promise<readonly BlobName[]> {
  return new Promise((resolve, reject) => {
    blobsOf(connection, name).list((names) => (names === undefined ? reject(new Error(`the store of ${name} cannot be listed`)) : resolve(names)));
  });
}

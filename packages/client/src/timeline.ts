/**
 * The events of one job, oldest first.
 *
 * Beside a host there is usually a follower that knows which commits speak of which job. Where there is none, the journal
 * itself is read: slower, the same answer.
 */

import type { JobQueueEvent, MemberName, Names, PublicEvent } from "@longshore/job-queue";
import { jobQueue, publicEvent } from "@longshore/job-queue";
import type { ReadAnswer, StoredCommit } from "@longshore/kernel";
import { decodeCommit, FIRST_ACTOR_CODE } from "@longshore/kernel";
import { ask } from "./calls.ts";
import type { Client } from "./client.ts";
import { JOB_QUEUE } from "./client.ts";
import { Rejected, Unavailable } from "./errors.ts";
import type { CallOptions } from "./handle.ts";
import { onAbort } from "./internal/on-abort.ts";

/** What happened to a job: `{ type, id, topic, queue, commit, at, …fields }`, plain values. */
export type TimelineEvent = PublicEvent;

const HISTORY_KIND = "job-queue-history";
/** How long the follower is waited for before the journal is read instead. */
const FOLLOWER_WITHIN_MS = 500;

export async function timeline(client: Client, id: string, options: CallOptions): Promise<readonly TimelineEvent[]> {
  const shard = client.lineOf(id).place.actor;
  try {
    // The follower reads what the host has stored a moment later: it must have read what the caller may have seen.
    const { commit } = (await ask(client, shard, { ask: "host" }, options, { giveUpMs: FOLLOWER_WITHIN_MS })) as { readonly commit: number };
    const question = { ask: "timeline", id, atLeast: commit };
    const known = (await ask(client, shard, question, options, { kind: HISTORY_KIND, giveUpMs: FOLLOWER_WITHIN_MS })) as readonly TimelineEvent[] | null;
    return known ?? [];
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return fromJournal(client, shard, id.slice(shard.length + 1), options);
  }
}

function fromJournal(client: Client, shard: string, localId: string, { signal }: CallOptions): Promise<readonly TimelineEvent[]> {
  const { events: codec } = jobQueue({ cluster: client.setup.cluster, shard });
  const scan = new JobScan(shard, localId);
  return readJournal(client, shard, 0, (stored) => {
    const commit = decodeCommit(stored.bytes);
    for (const wire of commit.events) {
      if ((wire[0] as number) >= FIRST_ACTOR_CODE) scan.take(codec.decode(wire, commit.format), { commit: commit.number, at: commit.at });
    }
  }, signal).then(() => scan.found);
}

/** @throws {Unavailable} @throws {Rejected} */
export function readJournal(client: Client, shard: string, after: number, onCommit: (stored: StoredCommit) => void, signal: AbortSignal | undefined, kind: string = JOB_QUEUE): Promise<number> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    let failure: { readonly error: unknown } | undefined;
    const fail = (error: unknown): void => {
      failure ??= { error };
      reject(failure.error);
    };
    const stopListening = onAbort(signal, () => fail(signal!.reason));
    client.setup.journal(kind, shard).read(after, (stored) => {
      if (failure !== undefined) return;
      try {
        onCommit(stored);
      } catch (error) {
        fail(error);
      }
    }, (answer) => {
      stopListening();
      if (answer.kind === "end") resolve(answer.last);
      else fail(readError(answer));
    });
  });
}

function readError(answer: Exclude<ReadAnswer, { kind: "end" }>): Error {
  if (answer.kind === "unavailable") return new Unavailable("nats/unavailable", "the journal could not be read to its end: the server does not answer");
  return answer.cause === "denied"
    ? new Rejected("nats/denied", "this user may not read the journal: it needs the role observer")
    : new Rejected("nats/no-stream", "this cluster has no journal yet: run `longshore setup` or `longshore up`");
}

/** Picks the events of one job out of all. */
class JobScan {
  readonly found: TimelineEvent[] = [];
  private readonly localId: string;
  private readonly members = new Map<number, MemberName>();
  private job: { readonly number: number; readonly topic: string; readonly queue: string } | undefined;
  private readonly names: Names;

  constructor(shard: string, localId: string) {
    this.localId = localId;
    this.names = {
      job: () => this.job === undefined ? undefined : { id: `${shard}.${localId}`, topic: this.job.topic, queue: this.job.queue },
      member: (member) => this.members.get(member),
    };
  }

  take(event: JobQueueEvent, place: { readonly commit: number; readonly at: number }): void {
    if (event.type === "InstanceJoined") this.members.set(event.member, { instance: event.instance, incarnation: event.incarnation });
    if (event.type === "JobAccepted" && event.id === this.localId) {
      // The id may have been given again after the first job had left the history: the last one counts.
      this.job = { number: event.job, topic: event.topic, queue: event.queue };
      this.found.length = 0;
    }
    if ("job" in event && event.job === this.job?.number) this.found.push(publicEvent(event, place, this.names));
  }
}

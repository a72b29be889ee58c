/** Counts again what happened, from the journal alone: nothing that a process of the demo remembers is believed. */
import { type JobQueueEvent, jobQueue } from "@longshore/job-queue";
import { decodeCommit, FIRST_ACTOR_CODE, type StoredCommit } from "@longshore/kernel";
import { type Connection, journalOf } from "@longshore/nats";

export interface Checked {
  readonly commits: number;
  readonly accepted: number;
  readonly succeeded: number;
  /** Attempts that ended with their process, and were followed by another. */
  readonly lostAttempts: number;
  /** The first job that lost one. */
  readonly lostJob: string | undefined;
  /** How many hosts have written it, one after the other. */
  readonly hosts: number;
  /** What is wrong, one line each; empty when every id was accepted once and has ended once. */
  readonly wrong: readonly string[];
}

export interface Fate {
  readonly id: string;
  ends: number;
}

const SHARD = "main";

/** `ids`: what was added, each without its shard. */
export async function checkHistory(connection: Connection, ids: readonly string[], cluster = "main"): Promise<Checked> {
  const { decode } = jobQueue({ cluster, shard: SHARD }).events;
  const tally = new Tally();
  const hosts = new Set<string>();
  let commits = 0;
  await readJournal(connection, cluster, ({ bytes }) => {
    const commit = decodeCommit(bytes);
    commits++;
    hosts.add(commit.host);
    for (const wire of commit.events) if ((wire[0] as number) >= FIRST_ACTOR_CODE) tally.take(decode(wire, commit.format));
  });
  const { fates, succeeded, lostAttempts, lostJob } = tally;
  return { commits, accepted: fates.size, succeeded, lostAttempts, lostJob, hosts: hosts.size, wrong: [...wrongWith([...fates.values()], ids)] };
}

class Tally {
  readonly fates = new Map<number, Fate>();
  succeeded = 0;
  lostAttempts = 0;
  lostJob: string | undefined;

  take(event: JobQueueEvent): void {
    if (event.type === "JobAccepted") this.fates.set(event.job, { id: event.id, ends: 0 });
    else if (event.type === "AttemptFailed" && event.kind === "lost") this.lost(event.job);
    else if (event.type === "JobEnded") this.ended(event.job, event.state === "succeeded");
  }

  private lost(job: number): void {
    this.lostAttempts++;
    this.lostJob ??= this.fates.get(job)?.id;
  }

  private ended(job: number, hasSucceeded: boolean): void {
    this.fates.get(job)!.ends++;
    if (hasSucceeded) this.succeeded++;
  }
}

/** One line for each thing that is not as it must be. */
export function* wrongWith(fates: readonly Fate[], ids: readonly string[]): Generator<string> {
  const acceptances = new Map<string, number>();
  for (const { id } of fates) acceptances.set(id, (acceptances.get(id) ?? 0) + 1);
  for (const id of ids) if (!acceptances.has(id)) yield `${id} was never accepted`;
  for (const [id, count] of acceptances) if (count > 1) yield `${id} was accepted ${count} times`;
  for (const { id, ends } of fates) if (ends !== 1) yield `${id} has ended ${ends} times`;
  if (fates.length !== ids.length) yield `${ids.length} jobs were added, and the history has ${fates.length}`;
}

function readJournal(connection: Connection, cluster: string, onCommit: (commit: StoredCommit) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    journalOf(connection, { cluster, kind: "job-queue", actor: SHARD }).read(0, onCommit, (answer) => {
      if (answer.kind === "end") resolve();
      else reject(new Error(`the journal cannot be read: ${answer.kind}`));
    });
  });
}

/**
 * Answers questions about the past, beside the host: `{ ask: "timeline", id }` and `{ ask: "ended", … }` on the query
 * subject of kind `job-queue-history`.
 */
import type { EndedFilter, EndState, HistoryIndex, IndexedJob, JobQueueEvent, Names, PublicEvent } from "@longshore/job-queue";
import { END_STATES, publicEvent } from "@longshore/job-queue";
import type { EventCodec, Journal, Wire, WireMessage } from "@longshore/kernel";
import { decodeCommit, decodeUntrusted, encode, encodeJson, Fault, FIRST_ACTOR_CODE, subjectsOf } from "@longshore/kernel";

const HISTORY_KIND = "job-queue-history";
const ENDED_MAX = 1_000;
/** Events shown of one job: a job retried without end must not make one message of a gigabyte. */
const TIMELINE_COMMITS_MAX = 2_000;

interface HistorySources {
  readonly index: HistoryIndex;
  readonly journal: Journal;
  readonly events: EventCodec<JobQueueEvent>;
  readonly names: Names;
  readonly shard: string;
  /** Number of the last commit seen. */
  readonly commit: () => number;
}

export function openHistoryDoor(wire: Wire, cluster: string, sources: HistorySources): () => void {
  return wire.subscribe(subjectsOf(cluster).queries(HISTORY_KIND, sources.shard), (message) => {
    const reply = (answer: unknown): void => message.reply?.(message.json ? encodeJson(answer) : encode(answer));
    try {
      const question = readQuestion(message);
      // A host tells before its follower has read: who asks for a commit must not be told what was before it.
      if (typeof question["atLeast"] === "number" && sources.commit() < question["atLeast"]) return reply({ commit: sources.commit(), behind: true });
      answerTo(question, sources, (answer) => reply({ commit: sources.commit(), answer }));
    } catch (error) {
      reply({ error: { code: error instanceof Fault ? error.code : "query/failed", message: error instanceof Error ? error.message : "failed" } });
    }
  });
}

function readQuestion(message: WireMessage): Readonly<Record<string, unknown>> {
  const question = decodeUntrusted(message.data, message.json);
  if (typeof question !== "object" || question === null) throw new Fault("query/malformed", "a question must be a map with `ask`", { retry: "never" });
  return question as Record<string, unknown>;
}

function answerTo(question: Readonly<Record<string, unknown>>, sources: HistorySources, done: (answer: unknown) => void): void {
  switch (question["ask"]) {
    case "timeline":
      return timeline(String(question["id"]), sources, done);
    case "ended": {
      const found = sources.index.findEnded(readEndedFilter(question));
      return done({ jobs: found.jobs.map((job) => summary(job, sources.shard)), next: found.next ?? null });
    }
    default:
      throw new Fault("query/unknown", "`ask` must be timeline or ended", { retry: "never" });
  }
}

function readEndedFilter(question: Readonly<Record<string, unknown>>): EndedFilter {
  const { state, topic, queue, limit, after } = question;
  return {
    states: statesOf(state),
    topic: typeof topic === "string" ? topic : undefined,
    queue: typeof queue === "string" ? queue : undefined,
    limit: typeof limit === "number" && limit > 0 ? Math.min(limit, ENDED_MAX) : ENDED_MAX,
    after: typeof after === "number" ? after : undefined,
  };
}

function statesOf(state: unknown): readonly EndState[] | undefined {
  if (state === undefined || state === null || state === "history") return undefined;
  if (state === "canceled") return END_STATES.filter((end) => end !== "succeeded");
  const known = END_STATES.find((end) => end === state);
  if (known === undefined) throw new Fault("query/malformed", `state must be one of history, canceled, ${END_STATES.join(", ")}`, { retry: "never" });
  return [known];
}

const summary = (job: IndexedJob, shard: string): Readonly<Record<string, unknown>> =>
  ({ id: `${shard}.${job.id}`, number: job.number, topic: job.topic, queue: job.queue, state: job.end?.state, endedAt: job.end?.at });

/** Reads the commits that speak of a job, one after the other, and shows the events that do. */
function timeline(wholeId: string, sources: HistorySources, done: (events: readonly PublicEvent[] | null) => void): void {
  const job = sources.index.byId(wholeId.startsWith(`${sources.shard}.`) ? wholeId.slice(sources.shard.length + 1) : wholeId);
  if (job === undefined) return done(null);
  const events: PublicEvent[] = [];
  const versions = job.versions.slice(-TIMELINE_COMMITS_MAX);
  const next = (i: number): void => {
    const version = versions[i];
    if (version === undefined) return done(events);
    sources.journal.get(version, (stored) => {
      if (stored !== undefined) events.push(...eventsOf(job, stored.bytes, sources));
      next(i + 1);
    });
  };
  next(0);
}

function eventsOf(job: IndexedJob, bytes: Uint8Array, { events, names, shard }: HistorySources): PublicEvent[] {
  // The job may have left the state long ago.
  const known: Names = { member: names.member, job: () => ({ id: `${shard}.${job.id}`, topic: job.topic, queue: job.queue }) };
  const commit = decodeCommit(bytes);
  const found: PublicEvent[] = [];
  for (const wire of commit.events) {
    if ((wire[0] as number) < FIRST_ACTOR_CODE) continue;
    const event = events.decode(wire, commit.format);
    if ("job" in event && event.job === job.number) found.push(publicEvent(event, { commit: commit.number, at: commit.at }, known));
  }
  return found;
}

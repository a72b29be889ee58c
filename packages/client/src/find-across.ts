/**
 * Finding jobs in several shards as if they were one: unfinished ones by creation, ended ones by their end, the latest
 * first, whichever shard they are in.
 *
 * Each shard answers in that order, a page at a time. What comes next is the best of the pages' heads; where a page has
 * run out and its shard has more, nothing can be said until its next one. A cursor holds the place in every shard that is
 * not done: `<shard>:<place>`, separated by `;`.
 *
 * A shard whose host does not answer is left out, and named: what the others have is true all the same. It is asked again for the
 * next page.
 */
import type { JobFilter, JobView } from "@longshore/job-queue";
import { ask } from "./calls.ts";
import type { Client } from "./client.ts";
import { InvalidOption, Unavailable } from "./errors.ts";
import type { CallOptions } from "./handle.ts";

interface Page {
  readonly jobs: readonly JobView[];
  readonly next: string | null;
}

interface Source {
  readonly shard: string;
  /** Where the last job that was taken stands; empty at the beginning. */
  place: string;
  jobs: readonly JobView[];
  next: string | null;
  taken: number;
  /** Nobody has answered for it. */
  readonly isMissing: boolean;
}

interface Missing extends Source {
  readonly error: Unavailable;
}

export interface PageAcross {
  readonly jobs: readonly JobView[];
  /** Where to go on; undefined at the end. */
  readonly next: string | undefined;
  /** Shards that nobody has answered for. */
  readonly missing: readonly string[];
}

export interface FindAcross {
  readonly filter: JobFilter;
  readonly limit: number;
  readonly after: string | undefined;
  readonly payloads: boolean;
}

/** One page: up to `limit` jobs. It may be empty and yet not the last. @throws {Unavailable} when no shard answers. */
export async function findAcross(client: Client, find: FindAcross, options: CallOptions): Promise<PageAcross> {
  const shards = await client.shards(find.filter.queue);
  const [only] = shards;
  if (shards.length === 1 && only !== undefined && find.after?.includes(":") !== true) {
    const { jobs, next } = await pageOf(client, only, find, find.after, options);
    return { jobs, next: next ?? undefined, missing: [] };
  }
  const places = find.after === undefined ? shards.map((shard) => [shard, ""] as const) : readCursor(find.after);
  const sources = await Promise.all(places.map(([shard, place]) => sourceOf(client, shard, place, find, options)));
  const answering = sources.filter(({ isMissing }) => !isMissing);
  const missing = sources.filter((source): source is Missing => source.isMissing);
  if (answering.length === 0 && missing[0] !== undefined) throw missing[0].error;
  const isHistory = !["all", "queued", "active"].includes(find.filter.state ?? "all");
  const jobs = merged(answering, isHistory, find.limit);
  const left = answering.filter(({ taken, jobs: { length }, next }) => taken < length || next !== null);
  return { jobs, next: left.length === 0 ? undefined : [...left, ...missing].map(({ shard, place }) => `${shard}:${place}`).join(";"), missing: missing.map(({ shard }) => shard) };
}

async function sourceOf(client: Client, shard: string, place: string, find: FindAcross, options: CallOptions): Promise<Source | Missing> {
  try {
    const { jobs, next } = await pageOf(client, shard, find, place === "" ? undefined : place, options);
    return { shard, place, jobs, next, taken: 0, isMissing: false };
  } catch (error) {
    if (!(error instanceof Unavailable) || error.code !== "host/unavailable") throw error;
    return { shard, place, jobs: [], next: null, taken: 0, isMissing: true, error };
  }
}

function merged(sources: readonly Source[], isHistory: boolean, limit: number): readonly JobView[] {
  const keyOf = (job: JobView): number => (isHistory ? -(job.endedAt ?? 0) : job.createdAt);
  const found: JobView[] = [];
  const isRunOut = ({ taken, jobs, next }: Source): boolean => taken === jobs.length && next !== null;
  for (const source of sources) if (isRunOut(source)) source.place = source.next!;
  while (found.length < limit && !sources.some(isRunOut)) {
    const best = sources.filter(({ taken, jobs }) => taken < jobs.length).sort((a, b) => keyOf(a.jobs[a.taken]!) - keyOf(b.jobs[b.taken]!))[0];
    if (best === undefined) break;
    const job = best.jobs[best.taken++]!;
    best.place = isHistory ? `h${job.endedAt}.${job.number}` : `n${job.number}`;
    found.push(job);
    if (isRunOut(best)) best.place = best.next!;
  }
  return found;
}

async function pageOf(client: Client, shard: string, { filter, limit, payloads }: FindAcross, after: string | undefined, options: CallOptions): Promise<Page> {
  const question = { ask: "find", filter, limit, payloads, ...(after === undefined ? {} : { after }) };
  return (await ask(client, shard, question, options)) as Page;
}

function readCursor(after: string): readonly (readonly [shard: string, place: string])[] {
  return after.split(";").map((part) => {
    const match = /^([A-Za-z0-9_-]{1,128}):([a-z0-9.]*)$/.exec(part);
    if (match === null) throw new InvalidOption("after", "must be the `next` of an earlier answer to the same question");
    return [match[1]!, match[2]!] as const;
  });
}

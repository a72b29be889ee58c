/**
 * Changing what is wanted of a queue: one guarded write, and then the word of every shard that it concerns.
 *
 * The write alone decides what is wanted. A shard that cannot follow it says why, and goes on with what it had.
 */
import type { ConfiguredView, QueueConfig, QueueView, WantedQueue } from "@longshore/job-queue";
import { FORMER_MAX, shardsOf, wantedKeyOf, whyInvalid, writeWantedQueue } from "@longshore/job-queue";
import type { PutAnswer } from "@longshore/kernel";
import { encodeCanonical, sameBytes } from "@longshore/kernel";
import { ask } from "./calls.ts";
import type { Client } from "./client.ts";
import { OutcomeUnknown, Rejected, Unavailable } from "./errors.ts";
import type { CallOptions } from "./handle.ts";
import type { DirectoryEntry } from "./internal/directory.ts";

/** What became of a configuration. */
export interface Configured {
  /** Of the wanted configuration. */
  readonly revision: number;
  /** Shards without a host, or whose host has not got so far: they follow when they can. */
  readonly pending: readonly string[];
}

const TRIES_MAX = 5;
/** How long a shard is waited for. */
const APPLIED_WITHIN_MS = 10_000;
const HOST_WITHIN_MS = 3_000;
/** At first a shard is asked again at once: it applies what was written within a few milliseconds. */
const EAGER_LOOKS = 50;
const LOOK_EVERY_MS = 50;

export async function configureQueue(client: Client, name: string, config: QueueConfig, options: CallOptions): Promise<Configured> {
  const invalid = whyInvalid(config, name);
  if (invalid !== undefined) throw new Rejected("queue/invalid", `queue "${name}": ${invalid}`);
  await refreshed(client);
  const before = client.directory.get(name);
  const revision = await want(client, name, config, options);
  const shards = [...new Set([...shardsOf(config), ...(before === undefined ? [] : shardsOf(before.config))])];
  const said = await Promise.all(shards.map((shard) => applied(client, shard, name, revision, options)));
  return { revision, pending: shards.filter((_, i) => !said[i]) };
}

/** Writes, on what is wanted now; what others have written meanwhile is read and tried on again. */
async function want(client: Client, name: string, config: QueueConfig, options: CallOptions): Promise<number> {
  const { wanted } = client.setup;
  if (wanted === undefined) throw new Unavailable("nats/no-stream", "this client has no access to the wanted configuration");
  const key = wantedKeyOf(name);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    options.signal?.throwIfAborted();
    const current = client.directory.get(name);
    if (current !== undefined && isSame(current.config, config) && client.directory.revisionOf(name) === current.revision && !(await wasRefused(client, current, options))) return current.revision;
    if (current !== undefined && current.config.partitions !== config.partitions) await requireNoJobs(client, current, options);
    const value = writeWantedQueue(following(client, current, config));
    const answer = await new Promise<PutAnswer>((resolve) => wanted.put(key, value, client.directory.revisionOf(name), resolve));
    if (answer.kind === "stored") {
      client.directory.learn({ key, revision: answer.revision, value });
      return answer.revision;
    }
    if (answer.kind === "refused") throw refused(answer.cause);
    await refreshed(client);
    const now = client.directory.get(name);
    if (answer.kind === "unknown" && (now === undefined || !isSame(now.config, config))) throw new OutcomeUnknown("the server did not say whether the configuration was stored: give it again");
  }
  throw new Unavailable("queue/contended", `queue "${name}" is being configured by others at the same time: try again`);
}

/** A queue that moves is still in its old shards, until its jobs there are done. */
function following(client: Client, current: DirectoryEntry | undefined, config: QueueConfig): WantedQueue {
  const places = shardsOf(config);
  const former = current === undefined ? [] : [...new Set([...shardsOf(current.config), ...current.former])].filter((shard) => !places.includes(shard));
  return { config, since: current?.since ?? client.line().time.now(), former: former.slice(0, FORMER_MAX) };
}

async function requireNoJobs(client: Client, { name, config }: DirectoryEntry, options: CallOptions): Promise<void> {
  const views = await Promise.all(shardsOf(config).map((shard) => ask(client, shard, { ask: "queue", queue: name }, options) as Promise<QueueView | null>));
  const left = views.reduce((sum, view) => sum + (view === null ? 0 : view.statistics.queued + view.statistics.active), 0);
  if (left === 0) return;
  throw new Rejected("queue/partitions-in-use", `queue "${name}" has ${left} unfinished jobs, and with other partitions their keys would meet others: suspend adding until they are done, or remove them`);
}

/** Whether the shard has got so far; false when it does not in time. @throws {Rejected} when it refused. */
async function applied(client: Client, shard: string, name: string, revision: number, options: CallOptions): Promise<boolean> {
  const { clock } = client.setup.ports;
  const untilMs = clock.monotonicMs() + APPLIED_WITHIN_MS;
  for (let looks = 0; clock.monotonicMs() < untilMs; looks++) {
    const view = await configuredIn(client, shard, options);
    if (view === undefined) return false;
    const refusal = view.refused.find((one) => one.queue === name && one.revision === revision);
    if (refusal !== undefined) throw new Rejected(refusal.code, refusal.message, { shard, revision });
    if (view.upTo >= revision) return true;
    await new Promise<void>((resolve) => clock.after(looks < EAGER_LOOKS ? 0 : LOOK_EVERY_MS, resolve));
  }
  return false;
}

async function configuredIn(client: Client, shard: string, options: CallOptions): Promise<ConfiguredView | undefined> {
  try {
    return (await ask(client, shard, { ask: "configured" }, options, { giveUpMs: HOST_WITHIN_MS })) as ConfiguredView;
  } catch (error) {
    if (error instanceof Unavailable) return undefined;
    throw error;
  }
}

async function wasRefused(client: Client, { name, config, revision }: DirectoryEntry, options: CallOptions): Promise<boolean> {
  const views = await Promise.all(shardsOf(config).map((shard) => configuredIn(client, shard, options)));
  return views.some((view) => view?.refused.some((one) => one.queue === name && one.revision === revision) === true);
}

const refreshed = (client: Client): Promise<void> => new Promise((resolve) => client.directory.refresh(resolve));

const isSame = (a: QueueConfig, b: QueueConfig): boolean => sameBytes(encodeCanonical(a), encodeCanonical(b));

function refused(cause: Extract<PutAnswer, { kind: "refused" }>["cause"]): Error {
  switch (cause) {
    case "denied": return new Rejected("server/denied", "this user may not configure queues: it needs the role operator");
    case "no-stream": return new Unavailable("nats/no-stream", "this cluster has no wanted configuration yet: run `longshore setup`");
    case "too-large": return new Rejected("queue/invalid", "the configuration is too large: name fewer topics");
    case "full": return new Unavailable("nats/storage-full", "the bucket of the wanted configuration is full");
  }
}

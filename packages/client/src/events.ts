/** Public events as they happen, and a job's events up to its end. */

import type { JobQueueEventType, PublicEvent } from "@longshore/job-queue";
import { isTopic } from "@longshore/job-queue";
import { subjectsOf } from "@longshore/kernel";
import type { Client } from "./client.ts";
import { JOB_QUEUE } from "./client.ts";
import { InvalidOption } from "./errors.ts";
import type { CallOptions } from "./handle.ts";
import { onAbort } from "./internal/on-abort.ts";
import { refuseOthers } from "./options.ts";
import type { TimelineEvent } from "./timeline.ts";
import { timeline } from "./timeline.ts";

export interface FollowFilter extends CallOptions {
  readonly type?: JobQueueEventType | "Gap";
  /** A topic, or everything below one (`media/*`). */
  readonly topic?: string;
  readonly queue?: string;
  readonly id?: string;
}

/** Events held for a listener that is slow; beyond it they give way to one `Gap`. */
const HELD_MAX = 10_000;

export class Events {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  /**
   * Events of all jobs from now on. Under a flood some are left out, and some may be when another host takes over: a
   * `Gap{from, to}` then says which commits to read in the history, from the last one that was seen.
   */
  follow(filter: FollowFilter = {}): AsyncIterable<PublicEvent> {
    refuseOthers(filter, ["type", "topic", "queue", "id", "signal"], ["where", "from"]);
    return { [Symbol.asyncIterator]: () => this.listen(filter) };
  }

  private async *listen({ type, topic, queue, id, signal }: FollowFilter): AsyncGenerator<PublicEvent> {
    const line = new Backlog<PublicEvent>();
    const accept = (event: PublicEvent): void => {
      const fits = (queue === undefined || event.queue === queue) && (id === undefined || event.id === id);
      if (fits || event.type === ("Gap" as string)) line.push(event);
    };
    const { cluster } = this.client.setup;
    const stops = [listen(this.client, feedSubject(cluster, type, topic), accept), onAbort(signal, () => line.end())];
    // What was left out may have been of any type and topic.
    if ((type !== undefined && type !== "Gap") || topic !== undefined) stops.push(listen(this.client, feedSubject(cluster, "Gap", undefined), accept));
    try {
      for (;;) {
        if (signal?.aborted === true) return;
        const event = await line.next();
        if (event === undefined) return;
        yield event;
      }
    } finally {
      for (const stop of stops) stop();
    }
  }
}

function listen(client: Client, subject: string, onEvent: (event: PublicEvent) => void): () => void {
  return client.setup.ports.wire.subscribe(subject, ({ data }) => {
    try {
      onEvent(JSON.parse(new TextDecoder().decode(data)) as PublicEvent);
    } catch {
      // Whoever else publishes there says nothing to us.
    }
  });
}

function feedSubject(cluster: string, type: string | undefined, topic: string | undefined): string {
  const { prefix } = subjectsOf(cluster);
  const kind = `${prefix}ev.${JOB_QUEUE}.${type ?? "*"}`;
  if (topic === undefined) return `${kind}.>`;
  const stem = topic.endsWith("/*") ? topic.slice(0, -2) : topic;
  if (!isTopic(stem)) throw new InvalidOption("topic", `"${topic}" must be a topic, or a topic and /* for everything below it`);
  return `${kind}.${stem.replaceAll("/", ".")}${stem === topic ? "" : ".>"}`;
}

const POLL_MS = 1_000;
const ENDS = new Set<string>(["JobEnded", "JobRemoved"]);

/**
 * A job's events: those there have been, then those to come, up to its end.
 *
 * The feed only says when to look: what is shown comes from the history, so nothing is missing and nothing is out of order.
 */
export async function* followJob(client: Client, id: string, { signal }: CallOptions): AsyncGenerator<TimelineEvent> {
  const hints = new Backlog<true>();
  const subject = feedSubject(client.setup.cluster, undefined, undefined);
  const stops = [listen(client, subject, (event) => {
    if (event.id === id) hints.push(true);
  }), onAbort(signal, () => hints.end())];
  let shown = 0;
  try {
    for (;;) {
      const events = await timeline(client, id, signal === undefined ? {} : { signal });
      for (const event of events.slice(shown)) yield event;
      shown = Math.max(shown, events.length);
      if (events.some(({ type }) => ENDS.has(type))) return;
      if (!(await hintOrPause(client, hints))) return signal?.throwIfAborted();
    }
  } finally {
    for (const stop of stops) stop();
  }
}

/** False when the listening has ended. */
async function hintOrPause(client: Client, hints: Backlog<true>): Promise<boolean> {
  const cancel = client.setup.ports.clock.after(POLL_MS, () => hints.push(true));
  const hint = await hints.next();
  cancel();
  hints.clear();
  return hint !== undefined;
}

/** What has come and was not taken yet; bounded. */
class Backlog<Item> {
  private items: Item[] = [];
  private waiting: ((item: Item | undefined) => void) | undefined;
  private isEnded = false;
  private lost: { readonly from: number; to: number } | undefined;

  push(item: Item): void {
    const { waiting } = this;
    if (waiting !== undefined) {
      this.waiting = undefined;
      waiting(item);
    } else if (this.items.length < HELD_MAX) this.items.push(item);
    else this.lose(item);
  }

  /** Undefined at the end. */
  next(): Promise<Item | undefined> {
    const item = this.items.shift() ?? this.takeLost();
    if (item !== undefined || this.isEnded) return Promise.resolve(item);
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  clear(): void {
    this.items = [];
  }

  end(): void {
    this.isEnded = true;
    this.waiting?.(undefined);
    this.waiting = undefined;
  }

  private lose(item: Item): void {
    const commit = (item as { readonly commit?: unknown }).commit;
    if (typeof commit !== "number") return;
    if (this.lost === undefined) this.lost = { from: commit, to: commit };
    else this.lost.to = commit;
  }

  private takeLost(): Item | undefined {
    const { lost } = this;
    this.lost = undefined;
    return lost === undefined ? undefined : ({ type: "Gap", ...lost, commit: lost.to, at: 0 } as Item);
  }
}

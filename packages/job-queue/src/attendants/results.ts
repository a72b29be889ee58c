/**
 * Who waits for which result. Clients say so in batches; nothing of it is recorded, and a new host is told anew.
 *
 * Request on `ls.<c>.wa.<kind>.<actor>.<principal>`: `{ client, ids: […], after?, stored?, forget? }`, answered
 * `{ epoch, told, unknown: [ids], refused, waiting }`, or `{ behind: true }` while the inbox is not read up to `after`. Results
 * go to the client's address, numbered: `[id, state, result, attempts, reason, error, outputs?]`. Jobs that have ended and are
 * still in state are told at once. `stored` says of ids under which inbox sequence they were stored, `[id, sequence]`; those
 * of them that were refused are listed as `[id, sequence, code, message]` and not waited for. A client that says nothing for a minute is forgotten.
 */

import type { Attendant, HostContext, ScanLimits, WireMessage } from "@longshore/kernel";
import { decodeUntrusted, encode, encodeJson, Fault, isToken, refusalOf, resultsAddress, streamsOf, subjectsOf } from "@longshore/kernel";
import type { JobQueueEvent } from "../events.ts";
import { payloadToWire } from "../events.ts";
import type { Job } from "../job.ts";
import { jobById } from "../lookups.ts";
import type { QueueState } from "../state.ts";
import type { EndState, NamedBlobWire } from "../vocabulary.ts";
import { Watches } from "./watches.ts";

export interface ResultsOptions {
  /** The actor's name; it stands in front of job ids. */
  readonly shard?: string;
  /** Results waited for, over all clients. */
  readonly watchesMax?: number;
}

const KIND = "job-queue";
const IDS_MAX = 4_096;
const ID_CHARS_MAX = 600;
const LIMITS: ScanLimits = { bytesMax: 1_024 * 1_024, depthMax: 3, elementsMax: 3 * IDS_MAX, keyBytesMax: 32 };
const FORGET_AFTER_MS = 60_000;
const LOOK_EVERY_MS = 10_000;

export const results = ({ shard = "main", watchesMax = 2_000_000 }: ResultsOptions = {}): Attendant<QueueState, JobQueueEvent> =>
  new Results(shard, watchesMax);

interface Question {
  readonly client: string;
  readonly ids: readonly string[];
  readonly forget: readonly string[];
  readonly after: number | undefined;
  readonly stored: readonly (readonly [id: string, sequence: number])[];
}

class Results implements Attendant<QueueState, JobQueueEvent> {
  private readonly prefix: string;
  private readonly shard: string;
  private readonly watches: Watches;
  private context: HostContext<QueueState> | undefined;
  private stops: (() => void)[] = [];

  constructor(shard: string, watchesMax: number) {
    this.shard = shard;
    this.prefix = `${shard}.`;
    this.watches = new Watches(watchesMax);
  }

  serving(context: HostContext<QueueState>): void {
    this.stopped();
    this.context = context;
    this.stops = [
      context.wire.subscribe(subjectsOf(context.cluster).watches(KIND, this.shard), (message) => this.question(context, message)),
      context.clock.after(LOOK_EVERY_MS, () => this.look(context)),
    ];
  }

  event(event: JobQueueEvent): void {
    if (event.type !== "JobEnded" || this.context === undefined) return;
    const watchers = this.watches.end(event.job);
    if (watchers === undefined) return;
    const { state, attempt, reason, error, outputs } = event;
    const result = event.result === undefined ? null : payloadToWire(event.result);
    // The host holds what it is told here until the commit that is being made is stored.
    for (const { watcher, id } of watchers) this.context.tell(watcher.address, resultItem(id, state, result, attempt, reason, error, outputs));
  }

  stopped(): void {
    for (const stop of this.stops) stop();
    this.stops = [];
    this.context = undefined;
    this.watches.clear();
  }

  private question(context: HostContext<QueueState>, message: WireMessage): void {
    const reply = (answer: unknown): void => message.reply?.(message.json ? encodeJson(answer) : encode(answer));
    try {
      const principal = message.subject.split(".")[5];
      if (!isToken(principal)) throw bad("the subject must end with the principal");
      const question = readQuestion(message);
      const answer = this.answer(context, question, principal);
      context.whenStored(() => reply(answer));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      reply({ error: { code: error.code, message: error.message } });
    }
  }

  private answer(context: HostContext<QueueState>, { client, ids, forget, after, stored }: Question, principal: string): unknown {
    const inbox = context.kernel.inbox.get(streamsOf(context.cluster).inbox);
    if (after !== undefined && (inbox?.sequence ?? 0) < after) return { epoch: context.epoch, behind: true };
    const address = resultsAddress(principal, client);
    const watcher = this.watches.watcher(address, context.clock.monotonicMs());
    const told = context.toldCount(address);
    for (const id of forget) {
      const job = this.find(context.state, id);
      if (job !== undefined) this.watches.forget(job.number, watcher);
    }
    const refused = this.refused(context, stored);
    const isRefused = new Set(refused.map(([id]) => id));
    const unknown: string[] = [];
    for (const id of ids) {
      if (isRefused.has(id)) continue;
      const job = this.find(context.state, id);
      if (job === undefined) unknown.push(id);
      else if (job.isEnded) context.tell(address, endedItem(job, id));
      else if (!this.watches.add(job.number, watcher, id)) throw new Fault("results/overloaded", "too many results are waited for: ask again later", { retry: "backoff" });
    }
    return { epoch: context.epoch, told, unknown, ...(refused.length === 0 ? {} : { refused }), waiting: watcher.jobs.size };
  }

  private refused({ kernel }: HostContext<QueueState>, stored: Question["stored"]): readonly (readonly [id: string, sequence: number, code: string, message: string])[] {
    return stored.flatMap(([id, sequence]) => {
      const refusal = id.startsWith(this.prefix) ? refusalOf(kernel, sequence, id.slice(this.prefix.length)) : undefined;
      return refusal === undefined ? [] : [[id, sequence, refusal.code, refusal.message] as const];
    });
  }

  private find(state: QueueState, id: string): Job | undefined {
    return id.startsWith(this.prefix) ? jobById(state, id.slice(this.prefix.length)) : undefined;
  }

  /** Forgets clients that are gone, and with them the numbers of what they were told. */
  private look(context: HostContext<QueueState>): void {
    this.stops[1] = context.clock.after(LOOK_EVERY_MS, () => this.look(context));
    for (const address of this.watches.forgetSilent(context.clock.monotonicMs() - FORGET_AFTER_MS)) context.forget(address);
  }
}

function endedItem(job: Job, id: string): readonly unknown[] {
  const end = job.end!;
  const result = end.result === undefined ? null : payloadToWire(end.result);
  return resultItem(id, job.state as EndState, result, job.attempt, end.reason, end.error, end.outputs);
}

const resultItem = (id: string, state: EndState, result: unknown, attempts: number, reason: string | undefined, error: unknown, outputs: readonly NamedBlobWire[] | undefined): readonly unknown[] => {
  const item = [id, state, result, attempts, reason ?? null, error ?? null];
  return outputs === undefined ? item : [...item, outputs];
};

function readQuestion({ data, json }: WireMessage): Question {
  const message = decodeUntrusted(data, json, LIMITS);
  if (typeof message !== "object" || message === null || Array.isArray(message)) throw bad("the message must be a map");
  const { client, ids = [], forget = [], after, stored = [] } = message as Readonly<Record<string, unknown>>;
  if (!isToken(client)) throw bad("`client` must be 1 to 128 of the characters A-Z a-z 0-9 _ -");
  if (!isIds(ids) || !isIds(forget)) throw bad(`\`ids\` and \`forget\` must be lists of up to ${IDS_MAX} job ids`);
  if (after !== undefined && typeof after !== "number") throw bad("`after` must be a sequence of the inbox");
  if (!isStored(stored)) throw bad("`stored` must be a list of [id, sequence of the inbox]");
  return { client, ids, forget, after, stored };
}

const isIds = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length <= IDS_MAX && value.every((id) => typeof id === "string" && id.length <= ID_CHARS_MAX);

const isStored = (value: unknown): value is Question["stored"] =>
  Array.isArray(value) && value.length <= IDS_MAX
  && value.every((entry) => Array.isArray(entry) && typeof entry[0] === "string" && entry[0].length <= ID_CHARS_MAX && typeof entry[1] === "number");

const bad = (message: string): Fault => new Fault("results/malformed", message, { retry: "never" });

/**
 * Removes payloads that lie outside the journal and that no job names any more. It keeps no truth: whatever a host leaves undone
 * the next one finds again.
 *
 *   list ─▶ those no job here names ─▶ ask every other history ─▶ touch, and when that is stored ─▶ remove what is old ─┐
 *     ▲                    ▲                                                                         next slice         │
 *     └── every 10 min     └────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 * Never too soon:
 * - A payload is put before the command that names it arrives. Only what was put longer ago than twice the time a command may be
 *   on its way is removed, and the store itself makes sure that what is put again meanwhile stays.
 * - What waits in the inbox may be older: nothing is looked at before the host has served for a while, with the inbox read.
 * - That no job names it must be stored, by a commit that this host has just written: another may have taken over and know more.
 * - Histories of one cluster share the store. The first of them sweeps for all and asks the others; where one does not answer,
 *   nothing is removed.
 */
import type { Attendant, BlobName, Blobs, HostContext } from "@longshore/kernel";
import { BLOB_YOUNG_MS, decodeUntrusted, encode, subjectsOf } from "@longshore/kernel";
import type { JobQueueEvent } from "../events.ts";
import type { QueueState } from "../state.ts";

type SweptBlobs = Pick<Blobs, "list" | "removeOlder">;

export interface PayloadSweepOptions {
  /** The actor's name. */
  readonly shard?: string;
  /** Under which this host speaks to others. */
  readonly principal: string;
  readonly blobs: SweptBlobs;
  /** Kind and name of every actor of the cluster that has a history; undefined when that cannot be known now. */
  readonly histories: (done: (names: readonly (readonly [kind: string, actor: string])[] | undefined) => void) => void;
  readonly timings?: Partial<PayloadSweepTimings>;
}

/** Milliseconds. */
export interface PayloadSweepTimings {
  /** Between two listings, and before the first. */
  readonly everyMs: number;
  /** Between two slices. */
  readonly pauseMs: number;
  /** How long ago a payload must have been put. */
  readonly ageMs: number;
}

/** Twice as long as a payload may be relied on without being named, which is as long as a command may be on its way. */
export const PAYLOAD_SWEEP: PayloadSweepTimings = { everyMs: 600_000, pauseMs: 1_000, ageMs: 2 * BLOB_YOUNG_MS };

/** Payloads of one slice: what is asked of others in one question, and removed in one go. */
const SLICE_MAX = 100;
/** Too young payloads whose age is remembered; of others it is asked again at the next listing. */
const YOUNG_MAX = 10_000;
const ASK_TIMEOUT_MS = 2_000;
/** As old the last stored commit may be that shows this host to hold the history. */
const PROVEN_MS = 5_000;
const KIND = "job-queue";
/** Kinds of actors that never name a payload. All others are asked, known or not. */
const WITHOUT_PAYLOADS: ReadonlySet<string> = new Set(["discovery-agent"]);

export const payloadSweep = (options: PayloadSweepOptions): Attendant<QueueState, JobQueueEvent> => new PayloadSweep(options);

class PayloadSweep implements Attendant<QueueState, JobQueueEvent> {
  private readonly shard: string;
  private readonly principal: string;
  private readonly blobs: SweptBlobs;
  private readonly histories: PayloadSweepOptions["histories"];
  private readonly timings: PayloadSweepTimings;
  /** Until when a payload is too young, in server time. */
  private readonly youngUntil = new Map<string, number>();
  private context: HostContext<QueueState> | undefined;
  private waiting: readonly BlobName[] = [];
  private cancel: () => void = () => undefined;

  constructor({ shard = "main", principal, blobs, histories, timings }: PayloadSweepOptions) {
    this.shard = shard;
    this.principal = principal;
    this.blobs = blobs;
    this.histories = histories;
    this.timings = { ...PAYLOAD_SWEEP, ...timings };
  }

  serving(context: HostContext<QueueState>): void {
    this.stopped();
    this.context = context;
    this.later(context, this.timings.everyMs, () => this.begin(context));
  }

  stopped(): void {
    this.cancel();
    this.context = undefined;
    this.waiting = [];
    this.youngUntil.clear();
  }

  private later(context: HostContext<QueueState>, delayMs: number, run: () => void): void {
    this.cancel = context.clock.after(delayMs, run);
  }

  /** Answers come when this host may have stopped, or opened anew. */
  private isOver(context: HostContext<QueueState>): boolean {
    return this.context !== context;
  }

  private begin(context: HostContext<QueueState>): void {
    this.others(context, (others) => {
      if (this.isOver(context)) return;
      if (others === undefined) return this.end(context);
      this.blobs.list((names) => {
        if (this.isOver(context)) return;
        const nowMs = context.now();
        for (const [key, untilMs] of this.youngUntil) if (untilMs <= nowMs) this.youngUntil.delete(key);
        this.waiting = (names ?? []).filter((name) => !isNamed(context, name) && !this.youngUntil.has(keyOf(name)));
        this.slice(context, others);
      });
    });
  }

  private end(context: HostContext<QueueState>): void {
    this.waiting = [];
    this.later(context, this.timings.everyMs, () => this.begin(context));
  }

  /** The other histories, where this one is the first; undefined where another is, or they are not known. */
  private others(context: HostContext<QueueState>, done: (subjects: readonly string[] | undefined) => void): void {
    this.histories((names) => {
      const own = `${KIND}.${this.shard}`;
      const all = (names ?? []).filter(([kind]) => !WITHOUT_PAYLOADS.has(kind)).map(([kind, actor]) => `${kind}.${actor}`);
      const isFirst = all.includes(own) && all.every((name) => name >= own || !name.startsWith(`${KIND}.`));
      done(isFirst ? all.filter((name) => name !== own).map((name) => this.querySubject(context, name)) : undefined);
    });
  }

  private querySubject({ cluster }: HostContext<QueueState>, name: string): string {
    const [kind = "", actor = ""] = name.split(".");
    return subjectsOf(cluster).query(kind, actor, "actor", this.principal);
  }

  private slice(context: HostContext<QueueState>, others: readonly string[]): void {
    const names = this.waiting.slice(0, SLICE_MAX);
    this.waiting = this.waiting.slice(SLICE_MAX);
    if (names.length === 0) return this.end(context);
    this.notNamedBy(context, others, names, (unnamed) => {
      if (this.isOver(context)) return;
      if (unnamed === undefined) return this.end(context);
      context.touch();
      context.whenStored(() => {
        if (this.isOver(context)) return;
        if (context.sinceStoredMs() > PROVEN_MS) return this.end(context);
        this.remove(context, unnamed.filter((name) => !isNamed(context, name)), () => {
          if (!this.isOver(context)) this.later(context, this.timings.pauseMs, () => this.slice(context, others));
        });
      });
    });
  }

  /** Undefined when one of the others cannot say. */
  private notNamedBy(context: HostContext<QueueState>, [first, ...rest]: readonly string[], names: readonly BlobName[], done: (names: readonly BlobName[] | undefined) => void): void {
    if (first === undefined || names.length === 0) return done(names);
    const question = encode({ ask: "named", blobs: names.map(({ principal, digest }) => [principal, digest]) });
    context.wire.request(first, question, ASK_TIMEOUT_MS, (reply) => {
      const answers = reply.kind === "answer" ? readAnswers(reply.data) : undefined;
      if (answers?.length !== names.length) return done(undefined);
      this.notNamedBy(context, rest, names.filter((_, i) => answers[i] === false), done);
    });
  }

  private remove(context: HostContext<QueueState>, names: readonly BlobName[], done: () => void): void {
    const [name, ...rest] = names;
    if (name === undefined) return done();
    this.blobs.removeOlder(name, context.now() - this.timings.ageMs, (answer) => {
      if (this.isOver(context)) return;
      if (answer.kind === "kept" && this.youngUntil.size < YOUNG_MAX) this.youngUntil.set(keyOf(name), answer.putAt + this.timings.ageMs);
      this.remove(context, rest, done);
    });
  }
}

const keyOf = ({ principal, digest }: BlobName): string => `${principal}/${digest}`;

const isNamed = ({ state }: HostContext<QueueState>, name: BlobName): boolean => state.jobs.payloads.names(name);

function readAnswers(data: Uint8Array): readonly unknown[] | undefined {
  try {
    const { answer } = decodeUntrusted(data) as { readonly answer?: unknown };
    return Array.isArray(answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}

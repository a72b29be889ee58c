/**
 * Reads a range of one stream in order, fast, and to its end.
 *
 * The first few messages are read one by one from the stream's leader, which is all there is to do for a reader that
 * keeps up. A longer range is read through an ephemeral pull consumer, deleted afterwards (a stream takes 1,000). Its end
 * is known from the leader before, because a consumer may sit on a replica that is behind and say "no more" too early.
 * Consumers also fall silent: after a server was killed some never come back. So a watchdog compares: no message for
 * `READ_STALL_MS` while the end is not reached makes a new consumer after the last message read, and the end is asked
 * for again, since what it names may have been purged meanwhile. No progress for `READ_GIVE_UP_MS` gives up.
 *
 *   one by one ──▶ locate end ──▶ create consumer ──▶ pull … messages … ──▶ end reached ──▶ delete consumer
 *                      ▲                                  │ gap, silence, consumer lost
 *                      └──────────────────────────────────┘
 */
import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import { ANSWER_STREAM, callApi, EXPECTED_STREAM, leaderMessage } from "./api.ts";
import type { Connection } from "./connect.ts";
import { readFailure } from "./faults.ts";
import { CONSUMER_INACTIVE_MS, READ_AHEAD_BYTES, READ_AHEAD_MESSAGES, READ_GIVE_UP_MS, READ_STALL_MS } from "./limits.ts";
import { plain } from "./plain.ts";
import { inboxPrefix } from "./roles.ts";

export interface Range {
  readonly stream: string;
  /** A literal subject or a wildcard. */
  readonly filter: string;
  readonly after: number;
  /** At most so many messages; all when absent. */
  readonly max?: number;
}

export interface RangeMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly contentType: string | undefined;
  readonly expectedStream: string | undefined;
  /** It is a stored message that the server has sent here, because somebody asked for it and named this subject for the answer. */
  readonly isAnswer: boolean;
}

export type RangeAnswer =
  /** `last`: the sequence of the last message read, or `after`. */
  | { readonly kind: "end"; readonly last: number }
  | { readonly kind: "unavailable" }
  | { readonly kind: "stop"; readonly cause: "no-stream" | "denied" };

export function readRange(connection: Connection, range: Range, onMessage: (message: RangeMessage) => void, done: (answer: RangeAnswer) => void): void {
  new RangeReader(connection, range, onMessage, done).readNext(ONE_BY_ONE);
}

const ONE_BY_ONE = 4;
const RETRY_MS = 100;

class RangeReader {
  readonly #connection: Connection;
  readonly #range: Range;
  readonly #onMessage: (message: RangeMessage) => void;
  readonly #done: (answer: RangeAnswer) => void;
  #last: number;
  #end: number = Number.POSITIVE_INFINITY;
  #left: number;
  #isDone = false;
  #progressMs: number = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #consumer: Consumer | undefined;

  constructor(connection: Connection, range: Range, onMessage: (message: RangeMessage) => void, done: (answer: RangeAnswer) => void) {
    this.#connection = connection;
    this.#range = range;
    this.#onMessage = onMessage;
    this.#done = done;
    this.#last = range.after;
    this.#left = range.max ?? Number.POSITIVE_INFINITY;
  }

  readNext(times: number): void {
    const { stream, filter } = this.#range;
    if (this.#left <= 0) this.#finish({ kind: "end", last: this.#last });
    else if (times === 0) this.#locateEnd();
    else leaderMessage(this.#connection, stream, { seq: this.#last + 1, next_by_subj: filter }, (answer) => {
      if (answer.kind === "stop") return this.#finish(answer);
      if (answer.kind === "unavailable") return this.#tryAgain(() => this.readNext(times));
      if (answer.message === undefined) return this.#finish({ kind: "end", last: this.#last });
      this.#take(answer.message);
      if (!this.#isDone) this.readNext(times - 1);
    });
  }

  #locateEnd(): void {
    const { stream, filter } = this.#range;
    leaderMessage(this.#connection, stream, { last_by_subj: filter }, (answer) => {
      if (answer.kind === "stop") return this.#finish(answer);
      if (answer.kind === "unavailable") return this.#tryAgain(() => this.#locateEnd());
      this.#end = answer.message?.sequence ?? 0;
      if (this.#end <= this.#last) return this.#finish({ kind: "end", last: this.#last });
      this.#createConsumer();
    });
  }

  #createConsumer(): void {
    this.#consumer = new Consumer(this.#connection, this.#range, this.#last, this.#left, {
      message: (message) => this.#take(message),
      lost: () => this.#restart(),
      refused: (cause) => this.#finish({ kind: "stop", cause }),
    });
    this.#watch();
    this.#consumer.create();
  }

  #take(message: RangeMessage): void {
    this.#last = message.sequence;
    this.#left--;
    this.#progressMs = performance.now();
    this.#onMessage(message);
    if (this.#last >= this.#end || this.#left <= 0) this.#finish({ kind: "end", last: this.#last });
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (performance.now() - this.#progressMs >= READ_STALL_MS) this.#restart();
      else this.#watch();
    }, READ_STALL_MS);
  }

  #restart(): void {
    this.#drop();
    if (!this.#isDone) this.#tryAgain(() => this.#locateEnd());
  }

  #tryAgain(again: () => void): void {
    clearTimeout(this.#timer);
    if (performance.now() - this.#progressMs >= READ_GIVE_UP_MS) this.#finish({ kind: "unavailable" });
    else this.#timer = setTimeout(again, RETRY_MS);
  }

  #drop(): void {
    this.#consumer?.remove();
    this.#consumer = undefined;
  }

  #finish(answer: RangeAnswer): void {
    if (this.#isDone) return;
    this.#isDone = true;
    clearTimeout(this.#timer);
    this.#drop();
    this.#done(answer);
  }
}

interface ConsumerEvents {
  message(message: RangeMessage): void;
  /** It cannot go on from here: make another. */
  lost(): void;
  refused(cause: "no-stream" | "denied"): void;
}

/**
 * One ephemeral consumer with two pull requests open, so that the server always has one to fill. Each has a reply
 * subject of its own, because the server fills them in turn and only the subscription tells them apart.
 */
class Consumer {
  readonly #connection: Connection;
  readonly #range: Range;
  readonly #after: number;
  readonly #events: ConsumerEvents;
  readonly #name: string = randomName();
  readonly #pulls: Pull[] = [];
  #unasked: number;
  #delivered = 0;
  #isOver = false;

  constructor(connection: Connection, range: Range, after: number, max: number, events: ConsumerEvents) {
    this.#connection = connection;
    this.#range = range;
    this.#after = after;
    this.#unasked = max;
    this.#events = events;
  }

  create(): void {
    const { stream, filter } = this.#range;
    const config = {
      name: this.#name,
      deliver_policy: "by_start_sequence",
      opt_start_seq: this.#after + 1,
      ack_policy: "none",
      replay_policy: "instant",
      filter_subject: filter,
      inactive_threshold: CONSUMER_INACTIVE_MS * NANOSECONDS,
      num_replicas: 1,
      mem_storage: true,
    };
    callApi(this.#connection, `CONSUMER.CREATE.${stream}.${this.#name}.${filter}`, { stream_name: stream, config, action: "create" }, (answer) => {
      if (this.#isOver) return;
      if (answer.kind === "ok") return this.#start();
      const failure = readFailure(answer);
      if (failure === "denied" || failure === "no-stream") this.#events.refused(failure);
      else this.#events.lost();
    });
  }

  remove(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const pull of this.#pulls) pull.subscription.unsubscribe();
    // If this fails the server removes it after CONSUMER_INACTIVE_MS.
    callApi(this.#connection, `CONSUMER.DELETE.${this.#range.stream}.${this.#name}`, undefined, () => {});
  }

  #start(): void {
    for (let i = 0; i < PULLS && this.#unasked > 0; i++) this.#pulls.push(this.#listen());
    for (const pull of this.#pulls) this.#ask(pull);
  }

  #listen(): Pull {
    const inbox = createInbox(inboxPrefix(this.#connection.principal));
    const subscription = this.#connection.nc.subscribe(inbox, {
      callback: (error, message) => {
        if (this.#isOver) return;
        if (error === null) this.#connection.guarded(() => this.#receive(pull, message));
        else this.#events.refused("denied");
      },
    });
    const pull: Pull = { inbox, subscription, left: 0 };
    return pull;
  }

  #receive(pull: Pull, message: Msg): void {
    const position = positionOf(message.reply ?? "");
    if (position === undefined) {
      this.#status(pull, message);
    } else if (position.delivery !== ++this.#delivered) {
      // A gap: something between us and the server was lost.
      this.#events.lost();
    } else {
      this.#events.message(new Delivered(position.sequence, message));
      if (--pull.left === 0) this.#ask(pull);
    }
  }

  /**
   * The server ends a request that has used up its bytes or its time. Newer ones also say when its messages are used up,
   * which was counted already. Everything else ends the consumer.
   */
  #status(pull: Pull, message: Msg): void {
    const { headers } = message;
    if (headers === undefined || headers.code === 100 || headers.description === "Batch Completed") return;
    if (headers.code === 408 || (headers.code === 409 && /maxbytes/i.test(headers.description))) {
      this.#unasked += pull.left;
      this.#ask(pull);
    } else {
      this.#events.lost();
    }
  }

  #ask(pull: Pull): void {
    if (this.#isOver || !this.#connection.isUp) return;
    pull.left = Math.min(READ_AHEAD_MESSAGES / PULLS, this.#unasked);
    this.#unasked -= pull.left;
    if (pull.left <= 0) return;
    const body = JSON.stringify({ batch: pull.left, max_bytes: READ_AHEAD_BYTES / PULLS, expires: PULL_EXPIRES_MS * NANOSECONDS });
    this.#connection.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.#range.stream}.${this.#name}`, body, { reply: pull.inbox });
  }
}

/** Reads its parts when they are asked for. */
class Delivered implements RangeMessage {
  readonly sequence: number;
  readonly #message: Msg;
  constructor(sequence: number, message: Msg) {
    this.sequence = sequence;
    this.#message = message;
  }
  get subject(): string {
    return this.#message.subject;
  }
  get data(): Uint8Array {
    return plain(this.#message.data);
  }
  get contentType(): string | undefined {
    return this.#message.headers?.get("Content-Type", "insensitive");
  }
  get expectedStream(): string | undefined {
    return this.#message.headers?.get(EXPECTED_STREAM);
  }
  get isAnswer(): boolean {
    return this.#message.headers?.has(ANSWER_STREAM) === true;
  }
}

interface Pull {
  readonly inbox: string;
  readonly subscription: Subscription;
  /** Messages that may still come. */
  left: number;
}

const PULLS = 2;
const PULL_EXPIRES_MS = 10_000;
const NANOSECONDS = 1_000_000;

const CONSUMER_NAME_BYTES = 12;

/** Names cannot be protected by permissions, only be unguessable. */
const randomName = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(CONSUMER_NAME_BYTES))).toString("base64url");

/**
 * Where a delivered message sits, read from its reply subject. Two forms:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<delivery>.<time>.<pending>`, and since 2.15 possibly
 * `$JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.<sequence>.<delivery>.<time>.<pending>[.<token>]`.
 */
export function positionOf(reply: string): { readonly sequence: number; readonly delivery: number } | undefined {
  if (!reply.startsWith("$JS.ACK.")) return undefined;
  const tokens = reply.split(".");
  const first = tokens.length === 9 ? 5 : 7;
  const sequence = Number(tokens[first]);
  const delivery = Number(tokens[first + 1]);
  return sequence > 0 && delivery > 0 ? { sequence, delivery } : undefined;
}

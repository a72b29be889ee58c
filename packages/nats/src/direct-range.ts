/**
 * Reads a range of one stream in order by direct gets, for those who may not create consumers.
 *
 * Servers since 2.11 answer one request with many messages and an end mark; older ones with one message, so reading is
 * slow there. Any replica may answer, also one that is behind: what was read is right, but there may be more.
 */
import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import { directMessageIn } from "./api.ts";
import type { Connection } from "./connect.ts";
import { API_TIMEOUT_MS, READ_AHEAD_BYTES, READ_AHEAD_MESSAGES, READ_GIVE_UP_MS } from "./limits.ts";
import type { Range, RangeAnswer, RangeMessage } from "./range.ts";
import { inboxPrefix } from "./roles.ts";

export function readDirect(connection: Connection, range: Range, onMessage: (message: RangeMessage) => void, done: (answer: RangeAnswer) => void): void {
  new DirectReader(connection, range, onMessage, done).ask();
}

const NO_RESPONDERS = 503;

class DirectReader {
  readonly #connection: Connection;
  readonly #range: Range;
  readonly #onMessage: (message: RangeMessage) => void;
  readonly #done: (answer: RangeAnswer) => void;
  #last: number;
  #left: number;
  #progressMs: number = performance.now();
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isDone = false;

  constructor(connection: Connection, range: Range, onMessage: (message: RangeMessage) => void, done: (answer: RangeAnswer) => void) {
    this.#connection = connection;
    this.#range = range;
    this.#onMessage = onMessage;
    this.#done = done;
    this.#last = range.after;
    this.#left = range.max ?? Number.POSITIVE_INFINITY;
  }

  /** One request with a reply subject of its own, so that what comes late of an earlier one is not taken for its answer. */
  ask(): void {
    this.#subscription?.unsubscribe();
    if (this.#left <= 0) {
      this.#finish({ kind: "end", last: this.#last });
      return;
    }
    this.#watch();
    if (!this.#connection.isUp) return;
    const reply = createInbox(inboxPrefix(this.#connection.principal));
    this.#subscription = this.#connection.nc.subscribe(reply, {
      callback: (error, message) => {
        if (error === null) this.#connection.guarded(() => this.#receive(message));
        else this.#finish({ kind: "stop", cause: "denied" });
      },
    });
    const { stream, filter } = this.#range;
    const batch = Math.min(READ_AHEAD_MESSAGES, this.#left);
    const query = JSON.stringify({ seq: this.#last + 1, next_by_subj: filter, batch, max_bytes: READ_AHEAD_BYTES });
    this.#connection.nc.publish(`$JS.API.DIRECT.GET.${stream}`, query, { reply });
  }

  #receive(message: Msg): void {
    if (this.#isDone) return;
    const code = message.headers?.code ?? 0;
    if (code === 0) this.#take(message);
    else if (code === NO_RESPONDERS) this.#finish({ kind: "stop", cause: "no-stream" });
    else if (code === 404) this.#finish({ kind: "end", last: this.#last });
    // The end mark, or a refusal that asking again at the time-out may cure.
    else if (code === 204) this.ask();
  }

  #take(message: Msg): void {
    const taken = directMessageIn(message);
    if (taken === undefined || taken.sequence <= this.#last) return;
    this.#last = taken.sequence;
    this.#left--;
    this.#progressMs = performance.now();
    this.#onMessage(taken);
    // Only a batch says how many are to come.
    if (message.headers?.has("Nats-Num-Pending") !== true || this.#left <= 0) this.ask();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (performance.now() - this.#progressMs >= READ_GIVE_UP_MS) this.#finish({ kind: "unavailable" });
      else this.ask();
    }, API_TIMEOUT_MS);
  }

  #finish(answer: RangeAnswer): void {
    if (this.#isDone) return;
    this.#isDone = true;
    clearTimeout(this.#timer);
    this.#subscription?.unsubscribe();
    this.#done(answer);
  }
}

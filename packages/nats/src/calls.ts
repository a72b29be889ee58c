/**
 * Requests by callback over one shared reply subject: no promise, no timer and no subscription per request.
 *
 * Every `done` is called exactly once and never before `request` has returned. When the connection breaks, everything
 * in flight ends with `down`: its answer can no longer arrive in a known order, and whoever asked can look or ask again.
 */
import type { Msg, MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import { SWEEP_MS } from "./limits.ts";

export type CallAnswer =
  | { readonly kind: "answer"; readonly message: Msg }
  | { readonly kind: "no-responders" | "timeout" | "denied" | "down" | "too-large" };

export interface CallOptions {
  readonly timeoutMs: number;
  readonly headers?: MsgHdrs;
  /** While there is no connection: `fail` answers `down`, `wait` sends it after the reconnection if time is left. */
  readonly whileDown: "fail" | "wait";
}

type Done = (answer: CallAnswer) => void;

interface Pending {
  readonly subject: string;
  readonly deadlineMs: number;
  readonly done: Done;
  /** What is still to be sent. */
  held: { readonly data: Uint8Array; readonly headers: MsgHdrs | undefined } | undefined;
}

export const NO_RESPONDERS = 503;

export class Calls {
  readonly #nc: NatsConnection;
  readonly #guarded: (run: () => void) => void;
  readonly #inbox: string;
  readonly #pending = new Map<string, Pending>();
  #lastToken = 0;
  #isUp = true;
  #isClosed = false;
  #sweeping: NodeJS.Timeout | undefined;

  /** `replies`: a subject that nobody else can know; answers come to the subjects below it. */
  constructor(nc: NatsConnection, replies: string, guarded: (run: () => void) => void) {
    this.#nc = nc;
    this.#guarded = guarded;
    this.#inbox = `${replies}.`;
    nc.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(message);
        else this.#endAll("denied");
      },
    });
  }

  request(subject: string, data: Uint8Array, { timeoutMs, headers, whileDown }: CallOptions, done: Done): void {
    const token = (++this.#lastToken).toString(36);
    const call: Pending = { subject, deadlineMs: performance.now() + timeoutMs, done, held: undefined };
    this.#pending.set(token, call);
    this.#watch();
    if (this.#isUp) this.#send(token, call, data, headers);
    else if (whileDown === "wait" && !this.#isClosed) call.held = { data, headers };
    else this.#endLater(token, call, "down");
  }

  /** The connection broke. What waits to be sent goes on waiting. */
  wentDown(): void {
    this.#isUp = false;
    for (const [token, call] of [...this.#pending]) if (call.held === undefined) this.#end(token, call, { kind: "down" });
  }

  cameUp(): void {
    this.#isUp = true;
    for (const [token, call] of this.#pending) {
      if (call.held === undefined) continue;
      const { data, headers } = call.held;
      call.held = undefined;
      this.#send(token, call, data, headers);
    }
  }

  /** The server refused a message on this subject: the oldest request on it ends. False when there is none. */
  denied(subject: string): boolean {
    for (const [token, call] of this.#pending) {
      if (call.subject !== subject || call.held !== undefined) continue;
      this.#end(token, call, { kind: "denied" });
      return true;
    }
    return false;
  }

  close(): void {
    this.#isUp = false;
    this.#isClosed = true;
    clearTimeout(this.#sweeping);
    this.#endAll("down");
  }

  #send(token: string, call: Pending, data: Uint8Array, headers: MsgHdrs | undefined): void {
    const reply = this.#inbox + token;
    try {
      this.#nc.publish(call.subject, data, headers === undefined ? { reply } : { reply, headers });
    } catch (cause) {
      this.#endLater(token, call, isTooLarge(cause) ? "too-large" : "down");
    }
  }

  #answered(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length);
    const call = this.#pending.get(token);
    if (call === undefined) return;
    const isRefused = message.data.length === 0 && message.headers?.code === NO_RESPONDERS;
    this.#end(token, call, isRefused ? { kind: "no-responders" } : { kind: "answer", message });
  }

  #end(token: string, call: Pending, answer: CallAnswer): void {
    if (this.#pending.get(token) !== call) return;
    this.#pending.delete(token);
    this.#guarded(() => call.done(answer));
  }

  /** Not as a microtask: whoever asks again at once would then keep the connection from ever coming back. */
  #endLater(token: string, call: Pending, kind: "down" | "too-large"): void {
    setImmediate(() => this.#end(token, call, { kind }));
  }

  #endAll(kind: "down" | "denied"): void {
    for (const [token, call] of [...this.#pending]) this.#end(token, call, { kind });
  }

  #watch(): void {
    if (this.#sweeping === undefined && !this.#isClosed) this.#sweeping = setTimeout(() => this.#sweep(), SWEEP_MS);
  }

  #sweep(): void {
    this.#sweeping = undefined;
    const nowMs = performance.now();
    for (const [token, call] of [...this.#pending]) if (call.deadlineMs <= nowMs) this.#end(token, call, { kind: "timeout" });
    if (this.#pending.size > 0) this.#watch();
  }
}

/** The client refuses by itself what the server would close the connection for. */
const isTooLarge = (cause: unknown): boolean => cause instanceof Error && cause.message.includes("max_payload");

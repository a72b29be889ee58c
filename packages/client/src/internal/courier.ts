/**
 * Carries one message at a time to an actor's host, and again until it is answered.
 *
 * A time-out says nothing: the message may have been decided. From then on it is in doubt, and only the same message
 * under the same numbers may follow it. `overloaded` is said before that host decides anything and leaves no doubt, as
 * long as the message is sent again: in a fail-over another host may hear the same sending, and decide it. An answer
 * of an older epoch comes from a host that no longer holds the history, and is dropped. When a newer epoch is heard of,
 * the message goes to its host at once: the old one will not answer.
 *
 * A host that was killed answers nothing, and the server does not say so of a message that it had delivered. So while an answer
 * is waited for, the place is asked every now and then who is there: a host of a newer epoch, or nobody, and the message is
 * sent again at once instead of after the whole time-out.
 */
import { decodeUntrusted, encode } from "@longshore/kernel";
import type { Epochs } from "./epochs.ts";
import type { ClientLimits } from "./limits.ts";
import type { ClientPorts } from "./ports.ts";

export type Answer = Readonly<Record<string, unknown>>;

export interface CourierHandler {
  /** Where it is asked which host is there; not, where that is heard in another way. */
  readonly hostSubject?: () => string;
  /** The one answer that counts. */
  answered(answer: Answer): void;
  /** Nobody listens. The handler calls `again`, or drops the message. */
  nobody(): void;
  /** The server does not let us speak there. */
  denied(): void;
  /** The message's time is over. */
  overdue(): void;
}

export class Courier {
  private readonly ports: ClientPorts;
  private readonly limits: ClientLimits;
  private readonly epochs: Epochs;
  private readonly handler: CourierHandler;
  private readonly stopListening: () => void;
  private message: { readonly subject: string; readonly bytes: Uint8Array; readonly untilMs: number } | undefined;
  private tries = 0;
  /** Answers to earlier sendings are not waited for. */
  private sending = 0;
  private awaiting = false;
  private cancelTimer: () => void = () => undefined;
  private cancelLook: () => void = () => undefined;
  private doubt = false;
  private pushedBack = false;

  constructor(ports: ClientPorts, limits: ClientLimits, epochs: Epochs, handler: CourierHandler) {
    this.ports = ports;
    this.limits = limits;
    this.epochs = epochs;
    this.handler = handler;
    this.stopListening = epochs.onNewer(() => this.newEpoch());
  }

  get isBusy(): boolean {
    return this.message !== undefined;
  }

  /** Whether the message at hand may have been decided although no answer came. */
  get inDoubt(): boolean {
    return this.doubt;
  }

  /** Whether a host has pushed the message at hand back. That host has not decided it; nobody knows of others. */
  get wasPushedBack(): boolean {
    return this.pushedBack;
  }

  /** The message at hand. */
  get bytes(): Uint8Array | undefined {
    return this.message?.bytes;
  }

  /** `untilMs`: monotonic time up to which it is sent again. */
  send(subject: string, bytes: Uint8Array, untilMs: number): void {
    this.tries = 0;
    this.doubt = this.pushedBack = false;
    this.message = { subject, bytes, untilMs };
    this.transmit();
  }

  /** Sends the message at hand again after a pause that grows. */
  again(): void {
    const { backoffFirstMs, backoffMax } = this.limits;
    this.later(Math.min(backoffMax, backoffFirstMs * 2 ** Math.min(this.tries, 10)) * (0.5 + this.ports.random()));
    this.tries++;
  }

  drop(): void {
    this.message = undefined;
    this.awaiting = false;
    this.sending++;
    this.cancelTimer();
    this.cancelLook();
  }

  close(): void {
    this.drop();
    this.stopListening();
  }

  private later(delayMs: number): void {
    this.cancelTimer();
    this.cancelTimer = this.ports.clock.after(delayMs, () => this.transmit());
  }

  private transmit(): void {
    const { message } = this;
    if (message === undefined) return;
    this.cancelTimer();
    if (this.ports.clock.monotonicMs() > message.untilMs) return this.handler.overdue();
    const sending = ++this.sending;
    this.awaiting = true;
    this.lookLater(sending);
    this.ports.wire.request(message.subject, message.bytes, this.limits.requestTimeoutMs, (answer) => {
      if (sending !== this.sending || this.message === undefined) return;
      this.awaiting = false;
      this.cancelLook();
      switch (answer.kind) {
        case "answer": return this.arrived(answer.data);
        case "timeout": return this.doubted();
        case "no-responders": return this.handler.nobody();
        case "denied": return this.handler.denied();
      }
    });
  }

  private lookLater(sending: number): void {
    this.cancelLook();
    const subject = this.handler.hostSubject?.();
    if (subject !== undefined) this.cancelLook = this.ports.clock.after(this.limits.hostLookMs, () => this.look(subject, sending));
  }

  /** Whether the host that has the message is still there. Whoever is slow, or may not be asked, is waited for. */
  private look(subject: string, sending: number): void {
    this.ports.wire.request(subject, encode({ ask: "host" }), this.limits.hostLookMs, (answer) => {
      if (sending !== this.sending || !this.awaiting || answer.kind === "denied") return;
      if (answer.kind === "no-responders") return this.deserted();
      const epoch = answer.kind === "answer" ? readAnswer(answer.data)?.["epoch"] : undefined;
      // A newer one sends the message on its way again.
      if (typeof epoch === "number") this.epochs.heard(epoch);
      if (sending === this.sending) this.lookLater(sending);
    });
  }

  /** Whoever took the message is gone, and may have decided it. */
  private deserted(): void {
    this.doubt = true;
    this.transmit();
  }

  private arrived(data: Uint8Array): void {
    const answer = readAnswer(data);
    if (answer === undefined) return this.doubted();
    if (answer["overloaded"] === true) {
      this.pushedBack = true;
      const retryInMs = typeof answer["retryInMs"] === "number" ? answer["retryInMs"] : this.limits.backoffFirstMs;
      return this.later(Math.min(this.limits.backoffMax, retryInMs * 2 ** Math.min(this.tries++, 5)) * (0.5 + this.ports.random()));
    }
    const { message } = this;
    this.message = undefined; // An epoch first heard of in this very answer must not send it again.
    const epoch = answer["epoch"];
    if (typeof epoch !== "number" || this.epochs.heard(epoch)) return this.handler.answered(answer);
    this.message = message;
    this.doubted();
  }

  private doubted(): void {
    this.doubt = true;
    this.again();
  }

  private newEpoch(): void {
    if (this.message === undefined) return;
    if (this.awaiting) this.doubt = true;
    this.tries = 0;
    this.transmit();
  }
}

/** A map from a host; undefined when the bytes are none. */
export function readAnswer(data: Uint8Array): Answer | undefined {
  try {
    const answer = decodeUntrusted(data);
    return typeof answer === "object" && answer !== null && !Array.isArray(answer) ? (answer as Answer) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A worker's presence: what it says to hosts every second, and what they answer.
 *
 * The answer tells whether the host has lately proven that it still holds the history, how many items it has told this
 * worker in its epoch, and whether it is telling everything that runs here again (`again`): then what was missed before
 * need not be waited for.
 */
import { encode, subjectsOf } from "@longshore/kernel";
import type { Answer } from "./courier.ts";
import { readAnswer } from "./courier.ts";
import type { WorkerLimits } from "./limits.ts";
import type { ClientPorts } from "./ports.ts";

export interface HelloFields {
  readonly incarnation: string;
  readonly processors: number;
  readonly pools: readonly { readonly topics: readonly string[]; readonly slots: number }[];
  /** Epoch of the last answer; 0 before the first. */
  readonly epoch: number;
  /** Highest number told in that epoch with none missing below it. */
  readonly received: number;
  /** Under which number it was taken in last. */
  readonly member?: number;
  /** Numbers are missing: everything is wanted again, now. */
  readonly gap?: boolean;
  readonly draining?: boolean;
  readonly leaving?: boolean;
}

export interface HelloHandlers {
  fields(): HelloFields;
  /** `said`: the fields it answers. */
  answered(answer: Answer, sentMs: number, said: HelloFields): void;
  /** Nobody was there, or no answer came. */
  unheard(said: HelloFields): void;
}

export class Hello {
  private readonly ports: ClientPorts;
  private readonly limits: WorkerLimits;
  private readonly subject: string;
  private readonly handlers: HelloHandlers;
  private isAsking = false;
  private isWanted = false;
  private isClosed = false;
  private cancelTimer: () => void = () => undefined;

  constructor(ports: ClientPorts, place: { readonly cluster: string; readonly actor: string; readonly principal: string; readonly instance: string }, limits: WorkerLimits, handlers: HelloHandlers) {
    this.ports = ports;
    this.limits = limits;
    this.subject = subjectsOf(place.cluster).hello(place.principal, place.instance, place.actor);
    this.handlers = handlers;
  }

  /** Says hello now, or as soon as the one on its way is answered. */
  say(): void {
    if (this.isClosed) return;
    if (this.isAsking) {
      this.isWanted = true;
      return;
    }
    this.isAsking = true;
    this.isWanted = false;
    this.cancelTimer();
    const sentMs = this.ports.clock.monotonicMs();
    const said = this.handlers.fields();
    this.ports.wire.request(this.subject, encode(said), this.limits.helloTimeoutMs, (answer) => {
      this.isAsking = false;
      if (this.isClosed) return;
      this.schedule(answer.kind === "no-responders" ? this.limits.helloRetryMs : this.limits.helloEveryMs, sentMs);
      const read = answer.kind === "answer" ? readAnswer(answer.data) : undefined;
      if (read === undefined) this.handlers.unheard(said);
      else this.handlers.answered(read, sentMs, said);
      if (this.isWanted) this.say();
    });
  }

  close(): void {
    this.isClosed = true;
    this.cancelTimer();
  }

  private schedule(everyMs: number, sentMs: number): void {
    this.cancelTimer();
    const waitMs = sentMs + everyMs - this.ports.clock.monotonicMs();
    this.cancelTimer = this.ports.clock.after(Math.max(10, waitMs), () => this.say());
  }
}

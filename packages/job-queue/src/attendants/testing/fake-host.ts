/** A host's context over `MiniHost`: what an attendant sees of a host, with a wire and a clock that the test moves. */

import type { Attendant, HostContext, Wire, WireAnswer, WireMessage } from "@longshore/kernel";
import { decodeTrusted, encode } from "@longshore/kernel";
import type { JobQueueEvent } from "../../events.ts";
import type { QueueState } from "../../state.ts";
import { MiniHost } from "../../testing/mini-host.ts";

interface Timer {
  readonly atMs: number;
  run: (() => void) | undefined;
}

export interface Asked {
  readonly subject: string;
  answer(answer: WireAnswer): void;
}

type Fields = Readonly<Record<string, unknown>>;

export class FakeHost {
  readonly mini: MiniHost = new MiniHost();
  readonly told: { readonly address: string; readonly item: readonly unknown[] }[] = [];
  readonly asked: Asked[] = [];
  nowMs = 0;
  epoch = 3;
  sinceStoredMs = 0;
  touches = 0;
  touchesAreStored = true;
  connected = true;
  /** How far the inbox is applied. */
  inboxSequence = 0;
  /** As the kernel keeps them: by inbox sequence and name. */
  readonly refused: Map<string, { readonly code: string; readonly message: string }> = new Map();
  /** Commands are decided when the test says so. */
  isSlow = false;
  private readonly attendant: Attendant<QueueState, JobQueueEvent>;
  private readonly timers: Timer[] = [];
  private readonly handlers = new Map<string, (message: WireMessage) => void>();
  private readonly reconnects: (() => void)[] = [];
  private readonly counts = new Map<string, number>();
  private readonly waiting: (() => void)[] = [];
  private seen = 0;

  constructor(attendant: Attendant<QueueState, JobQueueEvent>) {
    this.attendant = attendant;
    attendant.serving(this.context());
  }

  /** A message on a subject; what it is answered, if it is answered at once. */
  say(subject: string, message: unknown): Fields | undefined {
    return this.sayBytes(subject, encode(message));
  }

  sayBytes(subject: string, data: Uint8Array): Fields | undefined {
    let answer: Fields | undefined;
    for (const [pattern, handler] of this.handlers) {
      if (isTaken(pattern, subject)) handler({ subject, data, json: false, reply: (bytes) => { answer = decodeTrusted(bytes) as Fields; } });
    }
    return answer;
  }

  /** What the actor is told beside its attendants, by way of a commit. */
  send(...parameters: Parameters<MiniHost["send"]>): void {
    this.mini.send(...parameters);
    this.showEvents();
  }

  showEvents(): void {
    for (const event of this.mini.events.slice(this.seen)) this.attendant.event?.(event, this.mini.state);
    this.seen = this.mini.events.length;
  }

  decideWaiting(): void {
    for (const run of this.waiting.splice(0)) run();
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const next = this.timers.filter(({ run, atMs }) => run !== undefined && atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      const { run } = next;
      next.run = undefined;
      run?.();
    }
    this.nowMs = untilMs;
  }

  stop(): void {
    this.attendant.stopped();
  }

  reconnect(): void {
    this.connected = true;
    for (const run of this.reconnects) run();
  }

  toldTo(address: string): readonly (readonly unknown[])[] {
    return this.told.filter((one) => one.address === address).map(({ item }) => item);
  }

  private context(): HostContext<QueueState> {
    const host = this;
    return {
      wire: this.wire(),
      clock: { monotonicMs: () => this.nowMs, after: (delayMs, run) => this.after(delayMs, run) },
      cluster: "test",
      get epoch() { return host.epoch; },
      get state() { return host.mini.state; },
      get kernel() { return { inbox: new Map([["LS_test_INBOX", { sequence: host.inboxSequence }]]), refused: host.refused } as unknown as HostContext<QueueState>["kernel"]; },
      now: () => this.mini.at,
      command: (verb, item, sender, done) => {
        const decide = (): void => {
          const answer = this.mini.send(verb, item, sender.role, sender.principal);
          this.showEvents();
          if (answer.kind === "accepted") done?.({ epoch: this.epoch, commit: 1, count: 1 });
          else if (answer.kind === "rejected") done?.({ rejected: [[0, answer.rejection.code, answer.rejection.message, null]] });
          else done?.({ rejected: [[0, answer.malformed.code, answer.malformed.remedy, null]] });
        };
        if (this.isSlow) this.waiting.push(decide);
        else decide();
      },
      tell: (address, item) => {
        this.told.push({ address, item: decodeTrusted(encode(item)) as readonly unknown[] });
        this.counts.set(address, (this.counts.get(address) ?? 0) + 1);
      },
      whenStored: (run) => run(),
      toldCount: (address) => this.counts.get(address) ?? 0,
      forget: (address) => void this.counts.delete(address),
      sinceStoredMs: () => this.sinceStoredMs,
      touch: () => {
        this.touches++;
        if (this.touchesAreStored) this.sinceStoredMs = 0;
      },
    };
  }

  private wire(): Wire {
    const host = this;
    return {
      publish: () => undefined,
      request: (subject, _data, _timeoutMs, done) => void this.asked.push({ subject, answer: done }),
      subscribe: (subject, onMessage) => {
        this.handlers.set(subject, onMessage);
        return () => void this.handlers.delete(subject);
      },
      store: () => undefined,
      onReconnect: (run) => {
        this.reconnects.push(run);
        return () => undefined;
      },
      get connected() { return host.connected; },
      maxPayloadBytes: 1_048_576,
    };
  }

  private after(delayMs: number, run: () => void): () => void {
    const timer: Timer = { atMs: this.nowMs + delayMs, run };
    this.timers.push(timer);
    return () => {
      timer.run = undefined;
    };
  }
}

function isTaken(pattern: string, subject: string): boolean {
  const tokens = subject.split(".");
  const wanted = pattern.split(".");
  const isAlike = wanted.every((token, i) => token === ">" || token === tokens[i] || (token === "*" && tokens[i] !== undefined));
  return isAlike && (wanted.at(-1) === ">" || wanted.length === tokens.length);
}

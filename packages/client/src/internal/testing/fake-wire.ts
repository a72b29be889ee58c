/** A wire whose every request waits for the test to answer it. */

import type { StoreAnswer, Wire, WireAnswer, WireMessage } from "@longshore/kernel";
import { decodeTrusted, encode } from "@longshore/kernel";
import { VirtualClock } from "@longshore/testkit";
import type { ClientLimits, WorkerLimits } from "../limits.ts";
import { CLIENT_LIMITS, WORKER_LIMITS } from "../limits.ts";
import type { ActorPlace, ClientPorts } from "../ports.ts";

export class FakeRequest {
  readonly subject: string;
  readonly bytes: Uint8Array;
  private readonly done: (answer: WireAnswer) => void;
  isAnswered = false;

  constructor(subject: string, bytes: Uint8Array, done: (answer: WireAnswer) => void) {
    this.subject = subject;
    this.bytes = bytes;
    this.done = done;
  }

  get message(): Readonly<Record<string, unknown>> {
    return decodeTrusted(this.bytes) as Readonly<Record<string, unknown>>;
  }

  answer(value: unknown): void {
    this.finish({ kind: "answer", data: encode(value) });
  }

  fail(kind: "timeout" | "no-responders" | "denied"): void {
    this.finish({ kind });
  }

  private finish(answer: WireAnswer): void {
    if (this.isAnswered) throw new Error("a request is answered once");
    this.isAnswered = true;
    this.done(answer);
  }
}

export interface FakeStore {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly done: (answer: StoreAnswer) => void;
}

export class FakeWire implements Wire {
  readonly requests: FakeRequest[] = [];
  readonly stores: FakeStore[] = [];
  readonly published: { readonly subject: string; readonly data: Uint8Array }[] = [];
  connected = true;
  maxPayloadBytes = 1_048_576;
  private readonly subscriptions = new Map<string, Set<(message: WireMessage) => void>>();
  private readonly reconnects = new Set<() => void>();

  publish(subject: string, data: Uint8Array): void {
    this.published.push({ subject, data });
  }

  request(subject: string, data: Uint8Array, _timeoutMs: number, done: (answer: WireAnswer) => void): void {
    this.requests.push(new FakeRequest(subject, data.slice(), done));
  }

  subscribe(subject: string, onMessage: (message: WireMessage) => void): () => void {
    const handlers = this.subscriptions.get(subject) ?? new Set();
    this.subscriptions.set(subject, handlers.add(onMessage));
    return () => void handlers.delete(onMessage);
  }

  store(subject: string, data: Uint8Array, done: (answer: StoreAnswer) => void): void {
    this.stores.push({ subject, bytes: data.slice(), done });
  }

  onReconnect(handler: () => void): () => void {
    this.reconnects.add(handler);
    return () => void this.reconnects.delete(handler);
  }

  reconnect(): void {
    for (const handler of this.reconnects) handler();
  }

  /** Hands a message to whoever listens on exactly this subject; what it replies. */
  tell(subject: string, value: unknown): unknown {
    let reply: unknown;
    for (const handler of this.subscriptions.get(subject) ?? []) {
      handler({ subject, data: encode(value), json: false, reply: (data) => { reply = decodeTrusted(data); } });
    }
    return reply;
  }

  /** Open requests to subjects with this part. */
  open(part: string): readonly FakeRequest[] {
    return this.requests.filter((request) => !request.isAnswered && request.subject.includes(part));
  }

  last(part: string): FakeRequest {
    const found = this.requests.findLast((request) => request.subject.includes(part));
    if (found === undefined) throw new Error(`nothing was asked on ${part}`);
    return found;
  }
}

export interface FakeWorld {
  readonly wire: FakeWire;
  readonly clock: VirtualClock;
  readonly ports: ClientPorts;
  readonly place: ActorPlace;
  readonly limits: ClientLimits & WorkerLimits;
}

export const WALL_MS = 1_800_000_000_000;

export function fakeWorld(limits: Partial<ClientLimits & WorkerLimits> = {}): FakeWorld {
  const wire = new FakeWire();
  const clock = new VirtualClock();
  return {
    wire, clock,
    ports: { wire, clock, random: () => 0.5, wallMs: () => WALL_MS + clock.monotonicMs() },
    place: { cluster: "c", kind: "job-queue", actor: "main", principal: "alice" },
    limits: { ...CLIENT_LIMITS, ...WORKER_LIMITS, ...limits },
  };
}

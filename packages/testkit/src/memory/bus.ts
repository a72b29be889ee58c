/**
 * Core NATS in memory: subscriptions with wildcards, requests with "no responders", and streams that capture what is
 * published on their subjects. Every message passes one `defer`, so a sender never runs inside its receiver.
 */
import type { Clock, StoreAnswer, Wire, WireAnswer, WireMessage } from "@longshore/kernel";
import { clusterOf } from "@longshore/kernel";
import type { Defer } from "./defer.ts";
import type { MemoryStream } from "./stream.ts";
import { matcher } from "./subject-match.ts";

export type Permission = (principal: string, action: "publish" | "subscribe", subject: string) => boolean;

interface Subscription {
  readonly wire: MemoryWire;
  readonly isMatch: (subject: string) => boolean;
  readonly onMessage: (message: WireMessage) => void;
  active: boolean;
}

export interface Publication {
  readonly json?: boolean;
  readonly reply?: (data: Uint8Array) => void;
}

/** Two servers joined by a leaf node: each reaches the other's subjects while it is up. Answers that are on their way when it breaks are lost. */
export class MemoryLink {
  isUp = true;

  cut(): void {
    this.isUp = false;
  }

  join(): void {
    this.isUp = true;
  }
}

/** Where a message goes: `link` when that is on another server. */
interface Route {
  readonly bus: MemoryBus;
  readonly link: MemoryLink | undefined;
}

/** How long a publish waits for a server that does not say that it is stored. */
const STORE_WITHIN_MS = 5_000;

export class MemoryBus {
  readonly streams: Map<string, MemoryStream> = new Map();
  readonly clock: Clock;
  readonly defer: Defer;
  readonly maxPayloadBytes: number;
  /** Who may do what; everybody everything unless a test says otherwise. */
  allow: Permission = () => true;
  private readonly subscriptions = new Set<Subscription>();
  /** Servers of other clusters, by the cluster's name. */
  private readonly far = new Map<string, { readonly bus: MemoryBus; readonly link: MemoryLink }>();

  constructor(clock: Clock, defer: Defer, maxPayloadBytes: number = 1024 * 1024) {
    this.clock = clock;
    this.defer = defer;
    this.maxPayloadBytes = maxPayloadBytes;
  }

  wire(principal: string): MemoryWire {
    return new MemoryWire(this, principal);
  }

  /** Reaches the subjects of another cluster through its server. */
  reach(cluster: string, bus: MemoryBus, link: MemoryLink): void {
    this.far.set(cluster, { bus, link });
  }

  /** The server that has what listens on a subject; undefined while the link to it is down. */
  route(subject: string): Route | undefined {
    const far = this.far.get(clusterOf(subject) ?? "");
    if (far === undefined) return { bus: this, link: undefined };
    return far.link.isUp ? far : undefined;
  }

  streamOf(subject: string): MemoryStream | undefined {
    for (const stream of this.streams.values()) if (stream.takes(subject)) return stream;
    return undefined;
  }

  subscribe(wire: MemoryWire, subject: string, onMessage: (message: WireMessage) => void): () => void {
    const subscription: Subscription = { wire, isMatch: matcher(subject), onMessage, active: true };
    this.subscriptions.add(subscription);
    return () => {
      subscription.active = false;
      this.subscriptions.delete(subscription);
    };
  }

  /** Hands a message to whoever listens now; how many that are. */
  deliver(subject: string, data: Uint8Array, { json = false, reply }: Publication): number {
    let receivers = 0;
    for (const subscription of this.subscriptions) {
      if (!subscription.wire.connected || !subscription.isMatch(subject)) continue;
      receivers++;
      const message: WireMessage = { subject, data: data.slice(), json, reply };
      this.defer(() => {
        if (subscription.active && subscription.wire.connected) subscription.onMessage(message);
      });
    }
    return receivers;
  }
}

export class MemoryWire implements Wire {
  readonly principal: string;
  readonly maxPayloadBytes: number;
  private readonly bus: MemoryBus;
  private readonly reconnects = new Set<() => void>();
  private isUp = true;

  constructor(bus: MemoryBus, principal: string) {
    this.bus = bus;
    this.principal = principal;
    this.maxPayloadBytes = bus.maxPayloadBytes;
  }

  get connected(): boolean {
    return this.isUp;
  }

  disconnect(): void {
    this.isUp = false;
  }

  reconnect(): void {
    if (this.isUp) return;
    this.isUp = true;
    for (const handler of this.reconnects) this.bus.defer(handler);
  }

  onReconnect(handler: () => void): () => void {
    this.reconnects.add(handler);
    return () => this.reconnects.delete(handler);
  }

  publish(subject: string, data: Uint8Array, publication: Publication = {}): void {
    if (!this.maySend(subject, data)) return;
    const copy = data.slice();
    this.bus.defer(() => {
      this.bus.streamOf(subject)?.store(subject, copy, publication);
      this.bus.deliver(subject, copy, publication);
    });
  }

  request(subject: string, data: Uint8Array, timeoutMs: number, done: (answer: WireAnswer) => void): void {
    this.requestAs(subject, data, false, timeoutMs, done);
  }

  /** A request with `Content-Type: application/json`, as a client without our library sends it. */
  requestJson(subject: string, data: Uint8Array, timeoutMs: number, done: (answer: WireAnswer) => void): void {
    this.requestAs(subject, data, true, timeoutMs, done);
  }

  subscribe(subject: string, onMessage: (message: WireMessage) => void): () => void {
    if (!this.bus.allow(this.principal, "subscribe", subject)) return () => undefined;
    return this.bus.subscribe(this, subject, onMessage);
  }

  store(subject: string, data: Uint8Array, done: (answer: StoreAnswer) => void): void {
    const { bus } = this;
    if (!this.isUp) return bus.defer(() => done({ kind: "unknown" }));
    if (!bus.allow(this.principal, "publish", subject)) return bus.defer(() => done({ kind: "refused", cause: "denied" }));
    const copy = data.slice();
    bus.defer(() => {
      const route = bus.route(subject);
      const answer: StoreAnswer = route === undefined ? { kind: "refused", cause: "no-stream" } : this.storeNow(route.bus, subject, copy);
      bus.defer(() => {
        if (route?.link?.isUp === false) bus.clock.after(STORE_WITHIN_MS, () => done({ kind: "unknown" }));
        else done(answer);
      });
    });
  }

  private storeNow(bus: MemoryBus, subject: string, data: Uint8Array): StoreAnswer {
    if (data.length > this.maxPayloadBytes) return { kind: "refused", cause: "too-large" };
    const answer = bus.streamOf(subject)?.store(subject, data);
    if (answer === undefined) return { kind: "refused", cause: "no-stream" };
    if (answer.kind === "stored") {
      bus.deliver(subject, data, {});
      return answer;
    }
    return { kind: "refused", cause: answer.cause === "too-large" ? "too-large" : "full" };
  }

  private maySend(subject: string, data: Uint8Array): boolean {
    return this.isUp && data.length <= this.maxPayloadBytes && this.bus.allow(this.principal, "publish", subject);
  }

  private requestAs(subject: string, data: Uint8Array, json: boolean, timeoutMs: number, done: (answer: WireAnswer) => void): void {
    const { bus } = this;
    let isOpen = true;
    const finish = (answer: WireAnswer): void => {
      if (!isOpen) return;
      isOpen = false;
      cancel();
      done(answer);
    };
    const cancel = bus.clock.after(timeoutMs, () => finish({ kind: "timeout" }));
    if (!bus.allow(this.principal, "publish", subject) || data.length > this.maxPayloadBytes) {
      return bus.defer(() => finish({ kind: "denied" }));
    }
    if (!this.isUp) return;
    const copy = data.slice();
    bus.defer(() => {
      const route = bus.route(subject);
      const reply = (answer: Uint8Array): void => {
        const bytes = answer.slice();
        bus.defer(() => {
          if (this.isUp && route?.link?.isUp !== false) finish({ kind: "answer", data: bytes });
        });
      };
      const receivers = route?.bus.deliver(subject, copy, { json, reply }) ?? 0;
      if (receivers === 0) bus.defer(() => finish({ kind: "no-responders" }));
    });
  }
}

/**
 * The simulated NATS server and the network around it.
 *
 * Every message goes from a process over its connection to the server and from there over others' connections. Each leg
 * takes its time, in order per connection unless the weather reorders, and may be lost or doubled; a request and its
 * answer are lost apart. A connection that is cut loses what is on it; after a while both ends notice: the server forgets
 * its subscriptions (and says "no responders"), the client knows that it is not connected, and tells when it is again.
 */
import type { MemoryStream } from "../memory/stream.ts";
import { matcher } from "../memory/subject-match.ts";
import type { VirtualClock } from "../memory/virtual-clock.ts";
import type { Marks } from "./marks.ts";
import type { SimProcess } from "./process.ts";
import type { Random } from "./random.ts";
import type { Trace } from "./trace.ts";
import type { Weather } from "./weather.ts";

export interface SimMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly json: false;
  readonly reply: ((data: Uint8Array) => void) | undefined;
}

interface Subscription {
  readonly link: Link;
  readonly isMatch: (subject: string) => boolean;
  readonly onMessage: (message: SimMessage) => void;
}

/** How long a dead connection is taken for alive, by its client and by the server. */
const NOTICE_MS = 3_000;
const RECONNECT_MS = 250;
/** Behind the last message on a connection. */
const LAST_MS = 0.001;

/** What one process says does not reach another. `silent`: its server has not noticed. `forgotten`: it says that nobody listens. */
export type Gap = "silent" | "forgotten";

export const gapOf = (from: string, to: string): string => `${from} ${to}`;

/** One connection of one life of a process. */
export class Link {
  readonly process: SimProcess;
  readonly life: number;
  readonly server: SimServer;
  isCut = false;
  /** What its client knows. */
  isConnected = true;
  /** The server still holds its subscriptions. */
  isKnown = true;
  upMs = 0;
  downMs = 0;
  readonly reconnects: Set<() => void> = new Set();
  /** Tells the server once more, after a break, what this connection listens to. */
  readonly subscribers: Set<() => void> = new Set();

  constructor(server: SimServer, process: SimProcess) {
    this.server = server;
    this.process = process;
    this.life = process.life;
  }

  get isDead(): boolean {
    return !this.process.isUp || this.process.life !== this.life;
  }
}

export class SimServer {
  readonly clock: VirtualClock;
  readonly weather: Weather;
  readonly marks: Marks;
  readonly trace: Trace;
  readonly streams: MemoryStream[] = [];
  readonly links: Set<Link> = new Set();
  /** Whom what a process says does not reach, by `gapOf`: their servers have lost each other, and reach the streams. */
  readonly gaps: Map<string, Gap> = new Map();
  private readonly random: Random;
  private readonly exact = new Map<string, Set<Subscription>>();
  private readonly wild = new Set<Subscription>();
  private readonly lastKnown = new Map<MemoryStream, number>();
  /** Which of `wild` a subject reaches, and which stream takes it; few subjects are spoken, and often. */
  private readonly wildOf = new Map<string, readonly Subscription[]>();
  private readonly streamBySubject = new Map<string, MemoryStream | undefined>();

  constructor(clock: VirtualClock, weather: Weather, random: Random, marks: Marks, trace: Trace) {
    this.clock = clock;
    this.weather = weather;
    this.random = random;
    this.marks = marks;
    this.trace = trace;
  }

  connect(process: SimProcess): Link {
    const link = new Link(this, process);
    // While the server is away nobody gets a connection; it comes with the server.
    if (this.weather.outage) {
      link.isCut = true;
      link.isConnected = link.isKnown = false;
    }
    this.links.add(link);
    return link;
  }

  /** The process has ended: its connection closes, and the server notices soon. */
  closed(process: SimProcess): void {
    for (const link of this.links) {
      if (link.process !== process) continue;
      this.links.delete(link);
      // The end of a connection comes behind what was said on it: a subscription on its way must not outlive it.
      this.clock.after(Math.max(this.random.int(0, 20), link.upMs - this.clock.monotonicMs() + LAST_MS), () => this.forget(link));
    }
  }

  cut(link: Link): void {
    if (link.isCut) return;
    link.isCut = true;
    this.clock.after(NOTICE_MS * (0.5 + this.random.next()), () => {
      if (link.isCut) link.isConnected = false;
    });
    this.clock.after(NOTICE_MS * (0.5 + this.random.next()), () => {
      if (link.isCut) link.isKnown = false;
    });
  }

  mend(link: Link): void {
    if (!link.isCut || this.weather.outage) return; // Who is cut while the server is away comes back with the server.
    link.isCut = false;
    this.clock.after(RECONNECT_MS * (0.5 + this.random.next()), () => {
      if (link.isCut || link.isDead) return;
      link.isKnown = true;
      for (const again of link.subscribers) again();
      if (link.isConnected) return;
      link.isConnected = true;
      this.marks.hit("a client reconnects");
      for (const handler of [...link.reconnects]) link.process.run(link.life, handler);
    });
  }

  subscribe(link: Link, subject: string, onMessage: (message: SimMessage) => void): () => void {
    const subscription: Subscription = { link, isMatch: matcher(subject), onMessage };
    const isWild = subject.includes("*") || subject.includes(">");
    const set = isWild ? this.wild : setAt(this.exact, subject);
    // The server learns of it when the message about it arrives.
    const tell = (): void => this.up(link, "sub", () => {
      if (!link.subscribers.has(tell)) return;
      set.add(subscription);
      this.wildOf.clear();
    }, true);
    link.subscribers.add(tell);
    tell();
    return () => {
      link.subscribers.delete(tell);
      this.up(link, "unsub", () => {
        set.delete(subscription);
        this.wildOf.clear();
      }, true);
    };
  }

  /** Brings something from a process to the server. `isSure`: the connection carries it or dies (no loss, no double, no overtaking). */
  up(link: Link, what: string, arrive: () => void, isSure = false): void {
    if (link.isCut || this.weather.outage) return;
    this.carry(link, "up", what, isSure, arrive);
  }

  /** Brings something from the server to a process; `afterMs`: what the server does first takes so long. */
  down(link: Link, what: string, arrive: () => void, afterMs = 0): void {
    if (link.isCut || this.weather.outage || link.isDead) return;
    this.carry(link, "down", what, false, () => link.process.run(link.life, arrive), afterMs);
  }

  /** Hands a message to whoever the server of its sender believes to listen; how many that are. */
  route(from: Link, subject: string, data: Uint8Array, reply: ((link: Link) => (data: Uint8Array) => void) | undefined): number {
    let receivers = 0;
    const hand = (subscription: Subscription): void => {
      const { link } = subscription;
      const gap = this.gapBetween(from, link);
      if (!link.isKnown || gap === "forgotten") return;
      receivers++;
      if (gap === "silent") return;
      this.down(link, "msg", () => subscription.onMessage({ subject, data, json: false, reply: reply?.(link) }));
    };
    const exact = this.exact.get(subject);
    if (exact !== undefined) for (const subscription of exact) hand(subscription);
    for (const subscription of this.wildAt(subject)) hand(subscription);
    return receivers;
  }

  gapBetween(from: Link, to: Link): Gap | undefined {
    return this.gaps.size === 0 ? undefined : this.gaps.get(gapOf(from.process.name, to.process.name));
  }

  /** Whether the answer to something that was stored is lost. */
  loses(mark: string): boolean {
    if (!this.random.chance(this.weather.answerLoss)) return false;
    this.marks.hit(mark);
    return true;
  }

  /** How much later than it should an append arrives, milliseconds; mostly 0. */
  lateness(): number {
    return this.random.chance(this.weather.lateAppend) ? this.random.log(10, 20_000) : 0;
  }

  /** From now on, until it is undone, readers see streams as they are now. */
  depose(): void {
    this.weather.deposed = true;
    this.lastKnown.clear();
    for (const stream of this.streams) this.lastKnown.set(stream, stream.last);
  }

  deposedAt(stream: MemoryStream): number | undefined {
    return this.weather.deposed ? this.lastKnown.get(stream) : undefined;
  }

  streamOf(subject: string): MemoryStream | undefined {
    let stream = this.streamBySubject.get(subject);
    if (stream === undefined && !this.streamBySubject.has(subject)) {
      stream = this.streams.find((one) => one.takes(subject));
      this.streamBySubject.set(subject, stream);
    }
    return stream;
  }

  private wildAt(subject: string): readonly Subscription[] {
    let found = this.wildOf.get(subject);
    if (found === undefined) {
      found = [...this.wild].filter(({ isMatch }) => isMatch(subject));
      this.wildOf.set(subject, found);
    }
    return found;
  }

  private forget(link: Link): void {
    this.wildOf.clear();
    for (const set of [this.wild, ...this.exact.values()]) {
      for (const subscription of set) if (subscription.link === link) set.delete(subscription);
    }
  }

  private carry(link: Link, way: "up" | "down", what: string, isSure: boolean, arrive: () => void, afterMs = 0): void {
    const { weather, random } = this;
    if (!isSure && random.chance(weather.loss)) {
      this.marks.hit(way === "up" ? "a message is lost on its way to the server" : "a message is lost on its way from the server");
      return;
    }
    this.leg(link, way, what, isSure, arrive, afterMs);
    if (!isSure && random.chance(weather.duplicate)) {
      this.marks.hit("a message is doubled");
      this.leg(link, way, what, false, arrive, afterMs);
    }
  }

  private leg(link: Link, way: "up" | "down", what: string, isSure: boolean, arrive: () => void, afterMs: number): void {
    const { weather, random, clock } = this;
    const now = clock.monotonicMs();
    let at = now + afterMs + weather.latencyMs - weather.jitterMs * Math.log(1 - random.next());
    // What a connection says of itself (to whom it listens) is read before what it says next.
    if (random.chance(weather.reorder) && !isSure) {
      this.marks.hit("a message is overtaken");
      at += random.log(1, 2_000);
    } else if (way === "up") link.upMs = at = Math.max(at, link.upMs);
    else link.downMs = at = Math.max(at, link.downMs);
    clock.after(at - now, () => {
      // What is on a connection when it breaks is gone.
      if (link.isCut) return;
      this.trace.add(clock.monotonicMs(), what, link.process.name);
      arrive();
    });
  }
}

function setAt<Value>(map: Map<string, Set<Value>>, key: string): Set<Value> {
  let set = map.get(key);
  if (set === undefined) {
    set = new Set();
    map.set(key, set);
  }
  return set;
}

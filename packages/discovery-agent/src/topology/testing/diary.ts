/** One instance under test: its topology, its listeners, and the log that the invariants judge. */
import type { TopologyHandler } from "../call-handler.ts";
import type { TopologyEvent } from "../event.ts";
import { type DeliveryEntry, type DeliveryLog, type SeenView, ViewIds } from "../invariants.ts";
import type { ListenOptions, TopologyOptions } from "../options.ts";
import { Topology, type TopologyFacts } from "../topology.ts";
import type { TopologyView } from "../view.ts";
import { Later } from "./later.ts";

type Unstamped<T> = T extends unknown ? Omit<T, "at"> : never;

export interface DiaryOptions extends Omit<TopologyOptions, "onAckOwed" | "onFault"> {
  /** Grows with every call, over all instances. */
  readonly stamp: () => number;
  readonly acked?: (number: number) => void;
  readonly mutation?: Mutation;
}

/** A planted fault: between the topology and its listeners, or between the history and the topology. */
export interface Mutation {
  readonly tell?: (event: TopologyEvent) => readonly TopologyEvent[];
  readonly misread?: (facts: TopologyFacts, incarnation: string) => TopologyFacts;
  /** Proposals are acknowledged when they are read. */
  readonly acksUnheard?: boolean;
}

/** A listener that writes down what it hears; a slow one returns when it is told to. */
export class Listener {
  readonly name: string;
  readonly handler: TopologyHandler;
  isSlow: boolean;
  /** For example `INIT 1`, `CHANGING 1`, `CHANGED 1>2`, `PROPERTIES 2>2`. */
  readonly heard: string[] = [];
  readonly events: TopologyEvent[] = [];
  /** Runs when it returns, one for each event in hand. */
  private readonly waiting: (() => void)[] = [];
  private read = 0;

  constructor(name: string, isSlow: boolean, told: (listener: Listener, event: TopologyEvent) => readonly TopologyEvent[], returned: (listener: Listener) => void) {
    this.name = name;
    this.isSlow = isSlow;
    this.handler = (event) => {
      for (const heard of told(this, event)) {
        this.events.push(heard);
        this.heard.push(wordsOf(heard));
      }
      if (!this.isSlow) return returned(this);
      const later = new Later();
      this.waiting.push(() => {
        returned(this);
        later.resolve();
      });
      return later;
    };
  }

  get isBusy(): boolean {
    return this.waiting.length > 0;
  }

  /** Returns from what it has in hand. */
  release(): void {
    this.waiting.shift()?.();
  }

  /** What it heard since the last time this was asked. */
  news(): readonly string[] {
    const news = this.heard.slice(this.read);
    this.read = this.heard.length;
    return news;
  }
}

const wordsOf = ({ type, oldView, newView }: TopologyEvent): string => {
  const numbers = [oldView, newView].flatMap((view) => (view === undefined ? [] : [view.localCluster.number]));
  return `${type.replace(/^TOPOLOGY_/, "").replace(/_CHANGED$/, "")} ${numbers.join(">")}`;
};

export class Diary {
  readonly topology: Topology;
  readonly incarnation: string;
  readonly acks: number[] = [];
  readonly faults: unknown[] = [];
  facts: TopologyFacts = { view: undefined, proposal: undefined, remote: [] };
  private readonly entries: DeliveryEntry[] = [];
  private readonly ids = new ViewIds();
  private readonly stamp: () => number;
  private readonly acked: ((number: number) => void) | undefined;
  private readonly mutation: Mutation;
  private names = 0;

  constructor({ stamp, acked, mutation = {}, ...options }: DiaryOptions) {
    this.stamp = stamp;
    this.mutation = mutation;
    this.incarnation = options.self.incarnation;
    this.topology = new Topology({
      ...options,
      onFault: (cause) => void this.faults.push(cause),
      onAckOwed: (number) => this.ack(number, acked),
    });
    this.acked = acked;
  }

  get log(): DeliveryLog {
    return { incarnation: this.incarnation, entries: this.entries };
  }

  listener({ isSlow = false }: { readonly isSlow?: boolean } = {}): Listener {
    const returned = ({ name }: Listener): void => this.write({ kind: "returned", listener: name });
    return new Listener(`${this.incarnation}/${++this.names}`, isSlow, (listener, event) => this.told(listener, event), returned);
  }

  bind(listener: Listener, options: ListenOptions = {}): Listener {
    this.write({ kind: "bound", listener: listener.name, isBarrier: options.barrier !== false });
    this.topology.bind(listener.handler, options);
    return listener;
  }

  unbind(listener: Listener): void {
    this.topology.unbind(listener.handler, () => this.write({ kind: "unbound", listener: listener.name }));
  }

  /** Stops; all these listeners are unbound by that. */
  stop(listeners: readonly Listener[], stopped: () => void): void {
    this.topology.stop(() => {
      for (const { name } of listeners) this.write({ kind: "unbound", listener: name });
      stopped();
    });
  }

  read(facts: Partial<TopologyFacts>): void {
    this.facts = { ...this.facts, ...facts };
    const { proposal } = this.facts;
    if (this.mutation.acksUnheard === true && proposal !== undefined && proposal.number > (this.acks.at(-1) ?? 0)) this.ack(proposal.number, this.acked);
    this.topology.read(this.mutation.misread?.(this.facts, this.incarnation) ?? this.facts);
    this.look();
  }

  look(): void {
    const view = this.topology.view();
    this.write({ kind: "looked", view: this.ids.see(view), isCurrent: view.isCurrent, activated: this.facts.view?.members.map(({ incarnation }) => incarnation) ?? [] });
  }

  private ack(number: number, acked: ((number: number) => void) | undefined): void {
    this.acks.push(number);
    this.write({ kind: "acked", number });
    acked?.(number);
  }

  private told({ name }: Listener, event: TopologyEvent): readonly TopologyEvent[] {
    const see = (view: TopologyView | undefined): SeenView | undefined => (view === undefined ? undefined : this.ids.see(view));
    const events = this.mutation.tell?.(event) ?? [event];
    for (const { type, oldView, newView } of events) {
      this.write({ kind: "told", listener: name, type, oldView: see(oldView), newView: see(newView), isOldCurrent: oldView?.isCurrent === true });
    }
    return events;
  }

  private write(entry: Unstamped<DeliveryEntry>): void {
    this.entries.push({ ...entry, at: this.stamp() } as DeliveryEntry);
  }
}

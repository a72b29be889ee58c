/** The listeners of one incarnation, slow ones too, and the log of what they were told that the invariants judge. */
import type { DeliveryEntry, DeliveryLog, SeenView, TopologyEvent, TopologyFacts, TopologyView } from "@longshore/discovery-agent";
import { Topology, ViewIds } from "@longshore/discovery-agent";
import type { Clock } from "@longshore/kernel";
import type { Cluster } from "./cluster.ts";

type Unstamped<T> = T extends unknown ? Omit<T, "at"> : never;

export interface ListeningOptions {
  readonly self: ConstructorParameters<typeof Topology>[0]["self"];
  readonly cluster: string;
  readonly clock: Clock;
  readonly listeners: number;
  /** How long a listener takes now, milliseconds; 0: it returns at once. */
  readonly takesMs: () => number;
  readonly acked: () => void;
}

export class Listening {
  readonly topology: Topology;
  readonly log: DeliveryLog;
  private readonly world: Cluster;
  private readonly options: ListeningOptions;
  private readonly entries: DeliveryEntry[] = [];
  private readonly ids = new ViewIds();
  private readonly names: readonly string[];
  /** Ends what listeners have in hand. */
  private readonly returns = new Set<() => void>();

  constructor(world: Cluster, options: ListeningOptions) {
    this.world = world;
    this.options = options;
    const { self, cluster, clock } = options;
    this.log = { incarnation: self.incarnation, entries: this.entries };
    this.topology = new Topology({
      self, cluster, clock, onFault: (cause) => void world.alarms.push(`a listener threw: ${String(cause)}`),
      onAckOwed: (number) => {
        this.acked(number);
        options.acked();
      },
    });
    this.names = Array.from({ length: options.listeners }, (_, index) => `${self.incarnation}/${index}`);
    for (const [index, listener] of this.names.entries()) {
      const isBarrier = index < 2;
      this.write({ kind: "bound", listener, isBarrier });
      this.topology.bind((event) => this.told(listener, event), { barrier: isBarrier });
    }
  }

  read(facts: TopologyFacts): void {
    this.topology.read(facts);
    this.look(facts);
  }

  look(facts: TopologyFacts): void {
    const view = this.topology.view();
    this.write({ kind: "looked", view: this.ids.see(view), isCurrent: view.isCurrent, activated: facts.view?.members.map(({ incarnation }) => incarnation) ?? [] });
  }

  acked(number: number): void {
    this.write({ kind: "acked", number });
  }

  stop(): void {
    this.topology.stop(() => {
      for (const listener of this.names) this.write({ kind: "unbound", listener });
    });
  }

  /** Whatever listeners have in hand, they return from it now. */
  hurry(): void {
    for (const run of [...this.returns]) run();
  }

  private told(listener: string, event: TopologyEvent): undefined | PromiseLike<void> {
    const see = (view: TopologyView | undefined): SeenView | undefined => (view === undefined ? undefined : this.ids.see(view));
    for (const { type, oldView, newView } of this.world.mutation.tell?.(event) ?? [event]) {
      this.write({ kind: "told", listener, type, oldView: see(oldView), newView: see(newView), isOldCurrent: oldView?.isCurrent === true });
    }
    const takesMs = this.options.takesMs();
    if (takesMs > 0) return this.later(listener, takesMs);
    this.write({ kind: "returned", listener });
    return undefined;
  }

  /** Stands in for a promise without turns of the event loop, whose order is not the world's. */
  private later(listener: string, takesMs: number): PromiseLike<void> {
    this.world.marks.hit("a listener takes its time");
    let resolved: ((value: undefined) => unknown) | null | undefined;
    const finish = (): void => {
      if (!this.returns.delete(finish)) return;
      cancel();
      this.write({ kind: "returned", listener });
      resolved?.(undefined);
    };
    const cancel = this.options.clock.after(takesMs, finish);
    this.returns.add(finish);
    // biome-ignore lint/suspicious/noThenProperty: to stand in for a promise is what it is for.
    return { then: (run: typeof resolved) => void (resolved = run) } as unknown as PromiseLike<void>;
  }

  private write(entry: Unstamped<DeliveryEntry>): void {
    this.entries.push({ ...entry, at: this.world.stamp() } as DeliveryEntry);
  }
}

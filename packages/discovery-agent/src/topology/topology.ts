/**
 * What one instance tells its listeners of the topology, and when it may acknowledge a change.
 *
 * Each time the instance has read on in the topology history it hands over what stands there now (`read`): the view activated
 * last, the proposal that is open, the other clusters. With the doubts it has of itself this gives one question: may the view
 * be trusted? All the rest follows from how the answer changes.
 *
 *              ┌──────────── no ───────────────┐
 *              ▼                               │
 *        ┌──────────┐  yes, the first: INIT ┌──┴─────┐
 *   ────▶│ unsettled├──────────────────────▶│ stable │◀─┐ yes, other words: PROPERTIES_CHANGED
 *        └──────────┘  yes: CHANGED         └──┬───▲─┘──┘
 *              ▲       (after minEventDelayMs) │   │
 *              └── CHANGING ───────────────────┘   └── yes, others are there: CHANGING and CHANGED
 *
 * It is a question about a state, not about a step, so an instance that catches up over many views tells the last one only.
 *
 * Why the acknowledgement is safe: an open proposal makes the answer "no", so CHANGING is queued for every initialised listener
 * before anything else happens, and the acknowledgement is owed only while every barrier listener has nothing queued and
 * nothing running. A view is activated when all its members have acknowledged it. So when anybody hears CHANGED, no barrier
 * listener of a member still acts on an older view. There is no time-out: a member that does not return is left
 * out by a newer proposal. The acknowledgement is owed as long as `owedAck` says so; whoever sends it repeats it.
 *
 * Trust is lost at once and locally, and comes back only with a view object of its own: one that is not current stays so.
 */
import type { ClusterView, MemberRecord } from "../vocabulary.ts";
import type { TopologyHandler } from "./call-handler.ts";
import { compareTopology } from "./compare.ts";
import { DOUBT_GRACES, type LocalDoubt, LocalDoubts } from "./doubts.ts";
import { Listeners } from "./listeners.ts";
import type { RemoteCluster } from "./merge.ts";
import { type ListenOptions, listenOptionsOf, settingsOf, type TopologyOptions, type TopologySettings } from "./options.ts";
import { LiveTopologyView, type TopologyView } from "./view.ts";

/** What stands in the topology history, as far as it was read. */
export interface TopologyFacts {
  /** The view activated last, with what its members say of themselves now. */
  readonly view: ClusterView | undefined;
  /** The view proposed last, unless it was superseded; it is open while its number is above the activated one's. */
  readonly proposal: { readonly number: number; readonly members: readonly Pick<MemberRecord, "incarnation">[] } | undefined;
  readonly remote: readonly RemoteCluster[];
}

/** Why a view cannot be trusted; `rewound`: the history shows another cluster or an older view than it did before. */
export type Doubt = LocalDoubt | "stopped" | "no-view" | "changing" | "not-a-member" | "rewound";

export class Topology {
  private readonly settings: TopologySettings;
  private readonly localDoubts: LocalDoubts;
  private readonly listeners: Listeners;
  private facts: TopologyFacts = { view: undefined, proposal: undefined, remote: [] };
  /** Highest number of a proposal that was read. */
  private proposed = 0;
  private isStarted = false;
  private isChanging = false;
  private newest: LiveTopologyView;
  private announced: LiveTopologyView | undefined = undefined;
  /** When the delay began that CHANGED waits for, on the clock's scale; it ends with the next CHANGED. */
  private delayedSinceMs: number | undefined = undefined;
  private stopDelay: (() => void) | undefined = undefined;
  private toldAck: number | undefined = undefined;

  /** @throws {Fault} `topology/invalid-option` for an option that is unknown or out of its bounds. */
  constructor(options: TopologyOptions) {
    this.settings = settingsOf(options);
    const { self, cluster, clock, queuedMax, listenersMax, onFault } = this.settings;
    this.listeners = new Listeners({ queuedMax, listenersMax, onFault, delivered: () => this.tellAck() });
    this.localDoubts = new LocalDoubts(clock, { ...DOUBT_GRACES, ...this.settings.graces }, () => this.refresh());
    // Before any view is known there is this instance alone, in a cluster that has no id yet but its name.
    this.newest = new LiveTopologyView({ local: { clusterId: cluster, cluster, number: 0, members: [self] }, remote: [], incarnation: self.incarnation });
    this.newest.retire();
  }

  /** The newest picture there is, also while listeners still wait for it; never undefined. */
  view(): TopologyView {
    return this.newest;
  }

  /** The view that listeners were told last; undefined before the first one and after `stop`. */
  lastAnnouncedView(): TopologyView | undefined {
    return this.announced;
  }

  /** Everything that keeps the view from being current; empty when it is. */
  get doubts(): readonly Doubt[] {
    const { view } = this.facts;
    const found: Doubt[] = [...this.localDoubts.list];
    if (!this.isStarted) found.push("stopped");
    if (view === undefined) return [...found, "no-view"];
    // A proposal that is gone without a view was superseded: another one follows, and the old view does not come back.
    if (view.number < this.proposed) found.push("changing");
    if (!this.settings.isObserver && !view.members.some(({ incarnation }) => incarnation === this.settings.self.incarnation)) found.push("not-a-member");
    if (this.isRewound(view)) found.push("rewound");
    return found;
  }

  /** Number of the proposal this instance must acknowledge now, until the history has it; undefined while a listener holds it back. */
  get owedAck(): number | undefined {
    const proposal = this.openProposal;
    if (!this.isStarted || proposal === undefined) return undefined;
    if (!proposal.members.some(({ incarnation }) => incarnation === this.settings.self.incarnation)) return undefined;
    return this.listeners.isBarrierBusy ? undefined : proposal.number;
  }

  /** From now on listeners are told; those bound before hear INIT if the view can be trusted. Repeats change nothing. */
  start(): void {
    this.isStarted = true;
    this.refresh();
  }

  /** Tells what is queued, and nothing more. Listeners are unbound; `stopped` runs when all have returned. */
  stop(stopped: () => void = () => undefined): void {
    this.isStarted = false;
    this.stopDelay?.();
    this.stopDelay = undefined;
    this.delayedSinceMs = undefined;
    this.newest.retire();
    this.announced = undefined;
    this.isChanging = false;
    this.localDoubts.hurry();
    this.listeners.leaveAll(stopped);
  }

  /** What the history says now; a repeat changes nothing. */
  read(facts: TopologyFacts): void {
    this.facts = facts;
    this.proposed = Math.max(this.proposed, facts.proposal?.number ?? 0);
    this.refresh();
  }

  /** A sign that the own view may be out of date. It counts when it lasts longer than its grace. */
  raise(doubt: LocalDoubt): void {
    this.localDoubts.raise(doubt);
  }

  /** The sign is gone: what was not current is told anew, as CHANGED, also when nothing is different. */
  clear(doubt: LocalDoubt): void {
    this.localDoubts.clear(doubt);
  }

  /**
   * Adds a listener: it hears INIT at once if the view is settled, else when it will be. False, and no change, when it is bound.
   *
   * @throws {Fault} `topology/too-many-listeners` at `listenersMax`, `topology/invalid-option` for an option that is unknown.
   */
  bind(handler: TopologyHandler, options: ListenOptions = {}): boolean {
    const { isBarrier } = listenOptionsOf(handler, options);
    return this.listeners.bind(handler, isBarrier, this.isChanging ? undefined : this.announced);
  }

  /**
   * Removes a listener and what waits for it. After `unbound` it is never called again; `unbound` runs at once unless the listener
   * has an event in hand, so a listener must not wait for it. False when it is not bound and owes no return.
   */
  unbind(handler: TopologyHandler, unbound: () => void = () => undefined): boolean {
    return this.listeners.unbind(handler, unbound);
  }

  private get openProposal(): TopologyFacts["proposal"] {
    const { view, proposal } = this.facts;
    return proposal !== undefined && proposal.number > (view?.number ?? 0) ? proposal : undefined;
  }

  private isRewound({ clusterId, number }: ClusterView): boolean {
    const known = this.newest.localCluster;
    return known.number > 0 && (clusterId !== known.clusterId || number < known.number);
  }

  private refresh(): void {
    const { view, remote } = this.facts;
    const { self, isObserver } = this.settings;
    if (view === undefined || this.doubts.length > 0) {
      this.newest.retire();
      this.tellChanging();
    } else {
      this.take(new LiveTopologyView({ local: view, remote, incarnation: isObserver ? undefined : self.incarnation }));
    }
    this.listeners.deliver();
  }

  private take(view: LiveTopologyView): void {
    if (this.newest.isCurrent && compareTopology(this.newest, view) === undefined) return;
    this.newest.retire();
    this.newest = view;
    if (this.announced === undefined) return this.settle();
    // A delay ends with the newest view, whatever that is.
    if (this.delayedSinceMs !== undefined) return this.delay(this.delayedSinceMs);
    const difference = compareTopology(this.announced, view);
    if (difference === "PROPERTIES_CHANGED" && !this.isChanging) return this.tellProperties();
    this.tellChanging();
    if (difference === "CHANGED" && this.settings.minEventDelayMs > 0) return this.delay(this.settings.clock.monotonicMs());
    this.settle();
  }

  /** A delay that is over while changing is followed by another, as long; its timer is only set when there is a view to tell. */
  private delay(sinceMs: number): void {
    this.delayedSinceMs = sinceMs;
    if (this.stopDelay !== undefined) return;
    const { clock, minEventDelayMs } = this.settings;
    const goneMs = (clock.monotonicMs() - sinceMs) % minEventDelayMs;
    this.stopDelay = clock.after(minEventDelayMs - goneMs, () => {
      this.stopDelay = undefined;
      if (!this.newest.isCurrent) return;
      this.settle();
      this.listeners.deliver();
    });
  }

  /** The announced view is past by now. */
  private tellChanging(): void {
    if (this.announced === undefined || this.isChanging) return;
    this.isChanging = true;
    this.listeners.changing();
  }

  private tellProperties(): void {
    this.announced = this.newest;
    this.listeners.properties(this.newest);
  }

  private settle(): void {
    this.isChanging = false;
    this.delayedSinceMs = undefined;
    this.announced = this.newest;
    this.listeners.settled(this.newest);
  }

  private tellAck(): void {
    const owed = this.owedAck;
    if (owed === undefined || owed === this.toldAck) return;
    this.toldAck = owed;
    this.settings.onAckOwed(owed);
  }
}

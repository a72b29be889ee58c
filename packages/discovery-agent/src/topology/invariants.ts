/**
 * What must hold of everything that listeners were told, on all instances together: INV-3 to INV-10 and INV-15, each a pure
 * function over logs that a test, a simulation or a program under chaos keeps.
 *
 * `at` orders the entries of all logs: of two entries the one with the lower `at` came first. A log that is left out is not
 * judged, and no invariant fails for want of it.
 */
import type { ClusterView } from "../vocabulary.ts";
import type { TopologyEvent } from "./event.ts";
import type { TopologyView } from "./view.ts";

/** A view as a log keeps it. */
export interface SeenView {
  /** Of the view object, within one instance. */
  readonly id: number;
  readonly clusterId: string;
  readonly number: number;
  /** Incarnations of the local cluster, in order; the first is taken for the leader unless `leader` says otherwise. */
  readonly members: readonly string[];
  readonly leader: string;
  /** Incarnations that are said to be local. */
  readonly local: readonly string[];
  /** Ids of all instances of the topology. */
  readonly instances: readonly string[];
}

/** `listener` names one binding: the same handler bound again has another name. */
export type DeliveryEntry =
  | { readonly kind: "bound"; readonly at: number; readonly listener: string; readonly isBarrier: boolean }
  | { readonly kind: "unbound"; readonly at: number; readonly listener: string }
  | {
      readonly kind: "told"; readonly at: number; readonly listener: string; readonly type: TopologyEvent["type"];
      readonly oldView: SeenView | undefined; readonly newView: SeenView | undefined; readonly isOldCurrent: boolean;
    }
  | { readonly kind: "returned"; readonly at: number; readonly listener: string }
  | { readonly kind: "acked"; readonly at: number; readonly number: number }
  /** Somebody asked for the view; `activated`: the members of the view activated last, as far as this instance has read. */
  | { readonly kind: "looked"; readonly at: number; readonly view: SeenView; readonly isCurrent: boolean; readonly activated: readonly string[] };

export interface DeliveryLog {
  readonly incarnation: string;
  readonly entries: readonly DeliveryEntry[];
}

export interface DeliveryViolation {
  readonly invariant: string;
  readonly incarnation: string;
  readonly at: number;
  readonly message: string;
}

type Told = Extract<DeliveryEntry, { readonly kind: "told" }>;
type Find = (at: number, message: string) => void;

/** Every violation, in the order of invariants. `activated`: the views that the history activated, when it is known. */
export function checkDelivery(logs: readonly DeliveryLog[], activated?: readonly ClusterView[]): readonly DeliveryViolation[] {
  const found: DeliveryViolation[] = [];
  const finder = (invariant: string, { incarnation }: DeliveryLog): Find => (at, message) => void found.push({ invariant, incarnation, at, message });
  checkSameViews(logs, activated, (log) => finder("INV-3", log));
  for (const log of logs) {
    for (const told of byListener(log)) {
      checkInitFirst(told, finder("INV-4", log));
      checkChangingFirst(told, finder("INV-5", log));
      checkChain(told, finder("INV-7", log));
    }
    checkAcknowledged(log, logs, finder("INV-6", log));
    checkOrder(log, finder("INV-8", log));
    checkLeader(log, finder("INV-9", log));
    checkPlace(log, logs, finder("INV-10", log));
    checkOnce(log, finder("INV-15", log));
  }
  return found;
}

/** INV-3: numbers never fall, and a number means the same members in the same order under the same leader, everywhere. */
function checkSameViews(logs: readonly DeliveryLog[], activated: readonly ClusterView[] | undefined, finderOf: (log: DeliveryLog) => Find): void {
  const meaning = new Map((activated ?? []).map((view) => [`${view.clusterId} ${view.number}`, membersAndLeader(view.members.map(({ incarnation }) => incarnation))]));
  for (const log of logs) {
    const find = finderOf(log);
    for (const { at, before, after } of steps(log)) if (after.number < before.number) find(at, `view ${after.number} is told after view ${before.number}`);
    for (const { at, view } of toldViews(log)) {
      const key = `${view.clusterId} ${view.number}`;
      const said = membersAndLeader(view.members, view.leader);
      const known = meaning.get(key);
      if (known === undefined && activated !== undefined) find(at, `view ${key} was never activated`);
      if (known !== undefined && known !== said) find(at, `view ${key} is ${said} here and ${known} elsewhere`);
      meaning.set(key, known ?? said);
    }
  }
}

const membersAndLeader = (members: readonly string[], leader = members[0]): string => `[${members.join(" ")}] led by ${leader}`;

/** INV-4: INIT is the first event of a listener, and the only one. */
function checkInitFirst(told: readonly Told[], find: Find): void {
  told.forEach(({ at, type }, place) => {
    if ((type === "TOPOLOGY_INIT") !== (place === 0)) find(at, `event ${place + 1} of a listener is ${type}`);
  });
}

/** INV-5: before each CHANGED exactly one CHANGING, and between them nothing. */
function checkChangingFirst(told: readonly Told[], find: Find): void {
  let isChanging = false;
  for (const { at, type } of told) {
    if (type === "TOPOLOGY_CHANGED" ? !isChanging : isChanging) find(at, `${type} ${isChanging ? "between CHANGING and CHANGED" : "without CHANGING before it"}`);
    isChanging = type === "TOPOLOGY_CHANGING";
  }
}

/** INV-7: what an event calls old is what the listener was told last, and is not current. */
function checkChain(told: readonly Told[], find: Find): void {
  let known: SeenView | undefined;
  for (const { at, type, oldView, newView, isOldCurrent } of told) {
    if (type !== "TOPOLOGY_INIT" && oldView?.id !== known?.id) find(at, `the old view of ${type} is not the one told before`);
    if (isOldCurrent) find(at, `the old view of ${type} is current`);
    known = newView ?? known;
  }
}

/** INV-6: before CHANGED(n) each member of n acknowledged n, after its barrier listeners had returned from CHANGING. */
function checkAcknowledged({ entries }: DeliveryLog, logs: readonly DeliveryLog[], find: Find): void {
  for (const entry of entries) {
    if (entry.kind !== "told" || entry.type !== "TOPOLOGY_CHANGED" || entry.newView?.number === entry.oldView?.number) continue;
    const { at, newView } = entry;
    for (const member of logs.filter(({ incarnation }) => newView?.members.includes(incarnation) === true)) {
      const ack = member.entries.find((other) => other.kind === "acked" && other.number === newView?.number);
      if (ack === undefined || ack.at > at) find(at, `CHANGED ${newView?.number} before ${member.incarnation} acknowledged it`);
      else for (const listener of busyListeners(member, ack.at)) find(at, `${member.incarnation} acknowledged ${newView?.number} although ${listener} had not returned from CHANGING`);
    }
  }
}

/** Barrier listeners that have heard of the topology and at this moment are not past a CHANGING. */
function busyListeners({ entries }: DeliveryLog, until: number): readonly string[] {
  const busy = new Map<string, boolean>();
  const barriers = new Set<string>();
  const types = new Map<string, TopologyEvent["type"]>();
  for (const entry of entries) {
    if (entry.at > until) break;
    if (entry.kind === "bound" && entry.isBarrier) barriers.add(entry.listener);
    if (entry.kind === "unbound") busy.delete(entry.listener);
    if (entry.kind === "told") {
      types.set(entry.listener, entry.type);
      busy.set(entry.listener, true);
    }
    if (entry.kind === "returned") busy.set(entry.listener, types.get(entry.listener) !== "TOPOLOGY_CHANGING");
  }
  return [...busy].flatMap(([listener, isBusy]) => (isBusy && barriers.has(listener) ? [listener] : []));
}

/** INV-8: survivors keep their order, newcomers come after them. */
function checkOrder(log: DeliveryLog, find: Find): void {
  for (const { at, before, after } of steps(log)) {
    const survivors = before.members.filter((member) => after.members.includes(member));
    if (survivors.some((member, place) => after.members[place] !== member)) find(at, `[${before.members.join(" ")}] became [${after.members.join(" ")}]`);
  }
}

/** INV-9: a leader leads until it leaves. */
function checkLeader(log: DeliveryLog, find: Find): void {
  for (const { at, before, after } of steps(log)) {
    if (before.leader !== after.leader && after.members.includes(before.leader)) find(at, `${after.leader} leads although ${before.leader} is there`);
  }
}

/** INV-10: one cluster id for ever; whoever sees a current view is in it, alone as the local one. */
function checkPlace({ incarnation, entries }: DeliveryLog, logs: readonly DeliveryLog[], find: Find): void {
  const clusterId = logs.flatMap((log) => toldViews(log))[0]?.view.clusterId;
  const check = (at: number, view: SeenView): void => {
    if (clusterId !== undefined && view.clusterId !== clusterId) find(at, `the cluster ${clusterId} became ${view.clusterId}`);
    if (view.local.length !== 1 || view.local[0] !== incarnation || !view.members.includes(incarnation)) find(at, `in the view of ${incarnation} the local ones are [${view.local.join(" ")}]`);
  };
  for (const entry of entries) {
    if (entry.kind === "told" && entry.newView !== undefined) check(entry.at, entry.newView);
    if (entry.kind !== "looked" || !entry.isCurrent) continue;
    check(entry.at, entry.view);
    if (!entry.activated.includes(incarnation)) find(entry.at, "a current view of an instance that the activated view leaves out");
  }
}

/** INV-15: an instance is in a topology once. */
function checkOnce(log: DeliveryLog, find: Find): void {
  for (const { at, view } of toldViews(log)) if (new Set(view.instances).size !== view.instances.length) find(at, `an instance twice in [${view.instances.join(" ")}]`);
}

/** What each listener was told, in order. */
function byListener({ entries }: DeliveryLog): readonly (readonly Told[])[] {
  const lists = new Map<string, Told[]>();
  for (const entry of entries) {
    if (entry.kind !== "told") continue;
    const list = lists.get(entry.listener);
    if (list === undefined) lists.set(entry.listener, [entry]);
    else list.push(entry);
  }
  return [...lists.values()];
}

const toldViews = ({ entries }: DeliveryLog): readonly { readonly at: number; readonly view: SeenView }[] =>
  entries.flatMap((entry) => (entry.kind === "told" && entry.newView !== undefined ? [{ at: entry.at, view: entry.newView }] : []));

/** Each change of the local cluster that a listener was told. */
const steps = (log: DeliveryLog): readonly { readonly at: number; readonly before: SeenView; readonly after: SeenView }[] =>
  byListener(log).flatMap((told) => {
    const views = told.flatMap(({ at, newView }) => (newView === undefined ? [] : [{ at, view: newView }]));
    return views.slice(1).map(({ at, view }, place) => ({ at, before: views[place]!.view, after: view }));
  });

/** Makes log entries of view objects, and tells them apart. */
export class ViewIds {
  private readonly seen = new WeakMap<TopologyView, SeenView>();
  private next = 1;

  see(view: TopologyView): SeenView {
    const known = this.seen.get(view) ?? this.first(view);
    this.seen.set(view, known);
    return known;
  }

  private first(view: TopologyView): SeenView {
    const { clusterId, number, instances, leader } = view.localCluster;
    return {
      id: this.next++, clusterId, number, members: instances.map(({ incarnation }) => incarnation), leader: leader.incarnation,
      local: view.instances.filter(({ isLocal }) => isLocal).map(({ incarnation }) => incarnation), instances: view.instances.map(({ instance }) => instance),
    };
  }
}

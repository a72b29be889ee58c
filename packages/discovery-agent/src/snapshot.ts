/** The state as plain values in one order, and back. Maps are written in their own order, because it decides. */
import { memberFromWire, memberToWire, viewFromWire, viewToWire } from "./event-codec.ts";
import type { PropertyChanges } from "./properties.ts";
import type { Change, Evidence, Living, Name, Proposal, Remote, DiscoveryState as State, View } from "./state.ts";
import { conflictKeyOf, DiscoveryState, keyOf } from "./state.ts";
import type { ClusterConflict } from "./vocabulary.ts";

const RUN_LENGTH = 64;

type MemberWire = ReturnType<typeof memberToWire>;
type EvidenceWire = readonly [by: string, evidence: Evidence];
type LivingWire = readonly [record: MemberWire, announcedAt: number, readyAt: number | null, evidence: readonly EvidenceWire[], refused: string | null, set?: PropertyChanges];
type NameWire = readonly [instance: string, principal: string, exclusive: readonly string[] | null, disabled: readonly string[]];
type GoneWire = readonly [key: string, at: number, cause: string];
type RemoteWire = readonly [view: ReturnType<typeof viewToWire>, heardAt: number, listedAt: readonly number[]];
type ConflictWire = readonly [clusterId: string, cluster: string, reason: ClusterConflict["reason"], at: number];
type ProposalWire = readonly [number: number, joined: readonly string[], removed: Proposal["removed"], reason: string, since: number, ackedSince: number | null, acked: readonly string[], isWarned: boolean];

interface Head {
  readonly clusterId: string | null;
  readonly cluster: string;
  readonly formedAt: number;
  readonly lastAt: number;
  readonly lastNumber: number;
  readonly quietUntil: number;
  readonly mustPropose: boolean;
  readonly change: number;
  readonly view: readonly [number: number, activatedAt: number] | null;
  readonly proposed: ProposalWire | null;
}

export function* snapshot(state: State): Generator<unknown> {
  const { clusterId = null, cluster, formedAt, lastAt, lastNumber, quietUntil, mustPropose, change, view, proposed } = state;
  const head: Head = {
    clusterId, cluster, formedAt, lastAt, lastNumber, quietUntil, mustPropose, change,
    view: view === undefined ? null : [view.number, view.activatedAt], proposed: proposed === undefined ? null : proposalToWire(proposed),
  };
  yield head;
  yield* runs(view?.members ?? [], memberToWire);
  yield* runs(proposed?.members ?? [], memberToWire);
  yield* runs(state.living.values(), livingToWire);
  yield* runs(state.names, ([instance, n]): NameWire => [instance, n.principal, n.exclusive ?? null, n.disabled]);
  yield* runs(state.gone, ([key, { at, cause }]): GoneWire => [key, at, cause]);
  yield* runs(state.remotes.values(), (r): RemoteWire => [viewToWire(r.view), r.heardAt, [...r.listedAt.values()]]);
  yield* runs(state.changes, ({ change: number, at, type, about }) => [number, at, type, about]);
  yield* runs(state.conflicts.values(), ({ clusterId: id, cluster: name, reason, at }): ConflictWire => [id, name, reason, at]);
}

function livingToWire({ record, announcedAt, readyAt, evidence, refused, set }: Living): LivingWire {
  const wire = [memberToWire(record), announcedAt, readyAt ?? null, [...evidence], refused ?? null] as const;
  return set === undefined ? wire : [...wire, set];
}

const proposalToWire = (p: Proposal): ProposalWire => [p.number, p.joined, p.removed, p.reason, p.since, p.ackedSince ?? null, [...p.acked], p.isWarned];

/** Runs of values, closed by an empty run. */
function* runs<T>(values: Iterable<T>, toWire: (value: T) => unknown): Generator<unknown> {
  let run: unknown[] = [];
  for (const value of values) {
    run.push(toWire(value));
    if (run.length < RUN_LENGTH) continue;
    yield run;
    run = [];
  }
  if (run.length > 0) yield run;
  yield [];
}

export function restore(chunks: Iterable<unknown>): State {
  const values = chunks[Symbol.iterator]();
  const read = <T>(): T => values.next().value as T;
  const all = <T>(): readonly T[] => {
    const found: T[] = [];
    // A snapshot from before there was this kind of value ends here.
    for (let run = read<readonly T[] | undefined>() ?? []; run.length > 0; run = read<readonly T[]>()) found.push(...run);
    return found;
  };
  const state = new DiscoveryState();
  const { clusterId, view, proposed, ...plain } = read<Head>();
  Object.assign(state, plain, { clusterId: clusterId ?? undefined });
  const [members, joining] = [all<MemberWire>().map(memberFromWire), all<MemberWire>().map(memberFromWire)];
  if (view !== null) state.view = { number: view[0], members, activatedAt: view[1] } satisfies View;
  if (proposed !== null) state.proposed = proposalFromWire(proposed, joining);
  for (const wire of all<LivingWire>()) restoreLiving(state, wire);
  for (const [instance, principal, exclusive, disabled] of all<NameWire>()) {
    state.names.set(instance, { principal, exclusive: exclusive ?? undefined, disabled } satisfies Name);
  }
  for (const [key, at, cause] of all<GoneWire>()) state.gone.set(key, { at, cause: cause as Proposal["removed"][number]["cause"] });
  for (const wire of all<RemoteWire>()) restoreRemote(state, wire);
  for (const [change, at, type, about] of all<readonly [number, number, string, string | number | null]>()) state.changes.push({ change, at, type, about } satisfies Change);
  for (const [id, cluster, reason, at] of all<ConflictWire>()) state.conflicts.set(conflictKeyOf({ clusterId: id, cluster }), { clusterId: id, cluster, reason, at });
  return state;
}

const proposalFromWire = ([number, joined, removed, reason, since, ackedSince, acked, isWarned]: ProposalWire, members: Proposal["members"]): Proposal =>
  ({ number, members, joined, removed, reason: reason as Proposal["reason"], since, ackedSince: ackedSince ?? undefined, acked: new Set(acked), isWarned });

function restoreLiving(state: State, [wire, announcedAt, readyAt, evidence, refused, set]: LivingWire): void {
  const record = memberFromWire(wire);
  const living: Living = { record, announcedAt, readyAt: readyAt ?? undefined, evidence: new Map(evidence), refused: refused ?? undefined, set };
  state.living.set(record.instance, living);
}

function restoreRemote(state: State, [wire, heardAt, listed]: RemoteWire): void {
  const view = viewFromWire(wire);
  const listedAt = new Map(view.members.map((member, i) => [keyOf(member), listed[i]!]));
  state.remotes.set(view.clusterId, { view, heardAt, listedAt } satisfies Remote);
}

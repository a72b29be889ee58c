/** Bytes that are to be moved, as the state has it: each step of a trip or a guest that waits for them, and what may go. */
import type { Guest, OffloadState, Trip } from "./state.ts";
import { waitsForRemoval } from "./state.ts";
import type { MoveStep, NamedBlob } from "./vocabulary.ts";

/** `cluster`: the other side. */
export interface Move {
  readonly step: MoveStep | "remove";
  /** Of the trip for `stage` and `import`, of the guest for `fetch` and `collect`, 0 for `remove`. */
  readonly number: number;
  readonly cluster: string;
  readonly blobs: readonly NamedBlob[];
  readonly digests: readonly string[];
}

/** A step that waits for bytes. */
export interface Step {
  readonly step: MoveStep;
  readonly number: number;
}

/** `notBefore`: it was tried in vain, and is tried again from then on. Infinite while what it needs is on its way out of the store. */
export interface OwedMove extends Move, Step {
  readonly step: MoveStep;
  readonly notBefore: number;
}

/** Bytes that are to be moved now; what was tried in vain waits for its time. */
export function* workOf(state: OffloadState, at: number): Generator<Move> {
  for (const step of stepsOf(state)) {
    const owed = moveOf(state, step);
    if (owed === undefined || owed.notBefore > at) continue;
    const { notBefore: _, ...move } = owed;
    yield move;
  }
  if (state.removing.size > 0) yield { step: "remove", number: 0, cluster: "", blobs: [], digests: [...state.removing] };
}

/** Every step that waits for bytes, now or later. */
export function* stepsOf(state: OffloadState): Generator<Step> {
  for (const trip of state.trips.values()) {
    const step = stepOfTrip(trip);
    if (step !== undefined) yield { step, number: trip.trip };
  }
  for (const guest of state.guests.values()) {
    const step = stepOfGuest(guest);
    if (step !== undefined) yield { step, number: guest.guest };
  }
}

/** What a step needs; undefined when it waits for nothing (any more). */
export function moveOf(state: OffloadState, { step, number }: Step): OwedMove | undefined {
  if (step === "stage" || step === "import") {
    const trip = state.trips.get(number);
    if (trip === undefined || stepOfTrip(trip) !== step) return undefined;
    const blobs = step === "stage" ? trip.blobs : (trip.outcome?.blobs ?? []);
    return { step, number, cluster: trip.cluster, blobs, digests: [], notBefore: trip.trouble?.retryAt ?? 0 };
  }
  const guest = state.guests.get(number);
  if (guest === undefined || stepOfGuest(guest) !== step) return undefined;
  const blobs = step === "fetch" ? guest.blobs : (guest.outcome?.blobs ?? []);
  return { step, number, cluster: guest.origin, blobs, digests: [], notBefore: waitsForRemoval(state, guest) ? Number.POSITIVE_INFINITY : (guest.trouble?.retryAt ?? 0) };
}

const stepOfTrip = ({ phase }: Trip): "stage" | "import" | undefined => (phase === "staging" ? "stage" : phase === "importing" ? "import" : undefined);

const stepOfGuest = ({ phase }: Guest): "fetch" | "collect" | undefined => (phase === "fetching" ? "fetch" : phase === "collecting" ? "collect" : undefined);

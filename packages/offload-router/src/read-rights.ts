/** Which payloads of this cluster another one may read now. */
import type { BlobRef } from "@longshore/kernel";
import type { Guest, OffloadState, Trip } from "./state.ts";
import { GUEST_BLOBS } from "./vocabulary.ts";

/** Holders remembered: a payload of many pieces is asked for piece by piece. */
const HOLDERS_MAX = 10_000;

type Holder = { readonly trip: Trip } | { readonly guest: Guest };

/**
 * A cluster may read the inputs of trips that are offered to it or that it has accepted, and the outputs of its guests that have
 * returned, until it lets them go: nothing else, however well it knows a digest.
 */
export class ReadRights {
  private readonly state: () => OffloadState;
  /** What gave the right the last time: looked at first, never believed. */
  private readonly holders = new Map<string, Holder>();

  constructor(state: () => OffloadState) {
    this.state = state;
  }

  /** The payload as it lies here; undefined when the cluster may read none of that digest. */
  mayRead(peer: string, digest: string): BlobRef | undefined {
    const key = `${peer} ${digest}`;
    const known = this.holders.get(key);
    const still = known === undefined ? undefined : this.given(known, peer, digest);
    if (still !== undefined) return still;
    this.holders.delete(key);
    for (const holder of holdersFor(this.state(), peer)) {
      const ref = this.given(holder, peer, digest);
      if (ref === undefined) continue;
      if (this.holders.size >= HOLDERS_MAX) this.holders.clear();
      this.holders.set(key, holder);
      return ref;
    }
    return undefined;
  }

  private given(holder: Holder, peer: string, digest: string): BlobRef | undefined {
    if ("trip" in holder) {
      const { trip } = holder;
      const isAway = this.state().trips.get(trip.trip) === trip && trip.cluster === peer && (trip.phase === "offered" || trip.phase === "accepted");
      const blob = isAway ? trip.blobs.find((one) => one.digest === digest) : undefined;
      return blob === undefined ? undefined : { principal: blob.principal, digest, bytes: blob.bytes };
    }
    const { guest } = holder;
    const isReturned = this.state().guests.get(guest.guest) === guest && guest.origin === peer && guest.phase === "returned";
    const blob = isReturned ? guest.outcome?.blobs.find((one) => one.digest === digest) : undefined;
    return blob === undefined ? undefined : { principal: GUEST_BLOBS, digest, bytes: blob.bytes };
  }
}

function* holdersFor(state: OffloadState, peer: string): Generator<Holder> {
  for (const trip of state.away.get(peer) ?? []) yield { trip };
  for (const guest of state.guests.values()) if (guest.origin === peer) yield { guest };
}

/** Events as arrays for the journal, `[code, …fields]` in the order of this table, and back. */
import type { EventCodec } from "@longshore/kernel";
import { Defect } from "@longshore/kernel";
import type { EventOf, OffloadEvent, OffloadEventType } from "./events.ts";
import { EVENT_CODES } from "./events.ts";

type FieldsOf<Type extends OffloadEventType> = readonly Exclude<keyof EventOf<Type>, "type">[];

const FIELDS: { readonly [Type in OffloadEventType]: FieldsOf<Type> } = {
  TripStarted: ["trip", "cluster", "shard", "job", "attempt", "id", "topic", "input", "blobs", "options"],
  HandoverDeclined: ["cluster", "shard", "job", "attempt", "reason"],
  InputStaged: ["trip"],
  TripDispatched: ["trip"],
  TripAccepted: ["trip"],
  TripRefused: ["trip", "code", "message"],
  TripReported: ["trip", "report"],
  TripTroubled: ["trip", "step", "kind", "message", "failures", "retryAt"],
  TripStopRequested: ["trip", "reason"],
  TripReturned: ["trip", "outcome"],
  OutputImported: ["trip"],
  TripEnded: ["trip", "how", "reason"],
  LateReturnRefused: ["cluster", "trip", "end"],
  GuestAccepted: ["guest", "origin", "trip", "id", "topic", "input", "blobs", "options"],
  OfferRefused: ["origin", "trip", "code", "message"],
  GuestTroubled: ["guest", "step", "kind", "message", "failures", "retryAt"],
  InputVerified: ["guest"],
  GuestMoved: ["guest", "shard"],
  GuestReported: ["guest", "report"],
  GuestUnserved: ["guest"],
  GuestStopRequested: ["guest", "reason"],
  GuestEnded: ["guest", "outcome"],
  OutputStaged: ["guest"],
  GuestReturned: ["guest", "outcome"],
  GuestReleased: ["guest", "removeAt"],
  PayloadReleased: ["guest", "digests"],
  PayloadRemoved: ["digests"],
  RouteChanged: ["cluster", "pools"],
  RouteHeard: ["cluster"],
  RouteLost: ["cluster"],
  OwnChanged: ["topics", "shards"],
  ClusterDrained: ["cluster", "by"],
  ClusterResumed: ["cluster", "by"],
};

const TYPES: ReadonlyMap<number, OffloadEventType> = new Map(Object.entries(EVENT_CODES).map(([type, code]) => [code, type as OffloadEventType]));

function encode(event: OffloadEvent): readonly unknown[] {
  const values = event as unknown as Readonly<Record<string, unknown>>;
  return [EVENT_CODES[event.type], ...FIELDS[event.type].map((field) => values[field])];
}

function decode(wire: readonly unknown[]): OffloadEvent {
  const [code, ...values] = wire;
  const type = TYPES.get(code as number);
  if (type === undefined) throw new Defect(`the journal has an event with code ${String(code)}, which this program does not know`);
  return { type, ...Object.fromEntries(FIELDS[type].map((field, i) => [field, values[i]])) } as unknown as OffloadEvent;
}

export const eventCodec: EventCodec<OffloadEvent> = { encode, decode };

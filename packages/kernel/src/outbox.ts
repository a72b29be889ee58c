/**
 * What an actor owes to others: numbered per receiver, kept until it is acknowledged.
 *
 * Most of it must arrive, and whoever owes it bounds it. What only tells how something stands may be left out while its receiver
 * does not take what it is owed: of each level the newest word is kept aside, and follows as soon as there is room. Whether there is
 * room is decided here, where the outbox is folded, from nothing but what is owed: so a replay owes the same.
 */
import type { Droppable } from "./actor.ts";
import { encode } from "./codec.ts";
import type { OutboxLimits } from "./limits.ts";
import { OUTBOX_LIMITS } from "./limits.ts";

/** A message to somebody else. `bytes`: of one that could have been left out; 0 for what must arrive. */
export interface OwedMessage {
  readonly number: number;
  readonly body: unknown;
  readonly bytes: number;
}

interface Withheld {
  readonly body: unknown;
  readonly bytes: number;
}

/** What is owed to one receiver. Numbers start at 1; the pending ones are `acked + 1 … next - 1`. */
export interface Outbox {
  next: number;
  acked: number;
  readonly pending: OwedMessage[];
  /** Of pending messages that could have been left out. */
  droppableBytes: number;
  /** By level, its newest word that there was no room for; what waits longest first. Empty while there is room. */
  readonly withheld: Map<string, Withheld>;
  withheldBytes: number;
}

const emptyOutbox = (): Outbox => ({ next: 1, acked: 0, pending: [], droppableBytes: 0, withheld: new Map(), withheldBytes: 0 });

/** Takes a message into the outbox, or leaves it out. */
export function owe(outboxes: Map<string, Outbox>, receiver: string, body: unknown, how?: Droppable, limits: OutboxLimits = OUTBOX_LIMITS): void {
  let outbox = outboxes.get(receiver);
  if (outbox === undefined) {
    outbox = emptyOutbox();
    outboxes.set(receiver, outbox);
  }
  if (how === undefined) return take(outbox, body, 0);
  const { length: bytes } = encode(body);
  if (hasRoom(outbox, limits)) take(outbox, body, bytes);
  else if (how.levelOf !== undefined) withhold(outbox, how.levelOf, { body, bytes }, limits);
}

/** The receiver has everything up to this number: what was kept aside follows, as much as there is room for. */
export function acknowledge(outbox: Outbox, number: number, limits: OutboxLimits = OUTBOX_LIMITS): void {
  if (number <= outbox.acked) return;
  outbox.acked = number;
  const kept = outbox.pending.findIndex((message) => message.number > number);
  for (const { bytes } of outbox.pending.splice(0, kept === -1 ? outbox.pending.length : kept)) outbox.droppableBytes -= bytes;
  for (const [level, { body, bytes }] of outbox.withheld) {
    if (!hasRoom(outbox, limits)) return;
    outbox.withheld.delete(level);
    outbox.withheldBytes -= bytes;
    take(outbox, body, bytes);
  }
}

const hasRoom = ({ pending, droppableBytes }: Outbox, { messagesMax, bytesMax }: OutboxLimits): boolean => pending.length < messagesMax && droppableBytes < bytesMax;

function take(outbox: Outbox, body: unknown, bytes: number): void {
  outbox.pending.push({ number: outbox.next++, body, bytes });
  outbox.droppableBytes += bytes;
}

/** A level keeps its place: one that is spoken of often must not wait for ever. Beyond the bounds the older word stays. */
function withhold(outbox: Outbox, level: string, message: Withheld, { messagesMax, bytesMax }: OutboxLimits): void {
  const before = outbox.withheld.get(level);
  const bytes = outbox.withheldBytes + message.bytes - (before?.bytes ?? 0);
  if (bytes > bytesMax || (before === undefined && outbox.withheld.size >= messagesMax)) return;
  outbox.withheld.set(level, message);
  outbox.withheldBytes = bytes;
}

type OwedWire = readonly [number: number, body: unknown, bytes?: number];
export type OutboxWire = readonly [key: string, next: number, acked: number, pending: readonly OwedWire[], withheld?: readonly (readonly [level: string, body: unknown, bytes: number])[]];

/** As plain values; what only droppable messages have is there only where there are some. */
export const snapshotOutboxes = (outboxes: ReadonlyMap<string, Outbox>): readonly OutboxWire[] => [...outboxes].map(([key, { next, acked, pending, withheld }]) => {
  const owed = pending.map(({ number, body, bytes }): OwedWire => (bytes === 0 ? [number, body] : [number, body, bytes]));
  return withheld.size === 0 ? [key, next, acked, owed] : [key, next, acked, owed, [...withheld].map(([level, { body, bytes }]) => [level, body, bytes] as const)];
});

export const restoreOutboxes = (wire: readonly OutboxWire[]): Map<string, Outbox> => new Map(wire.map(([key, next, acked, owed, kept = []]) => {
  const pending = owed.map(([number, body, bytes = 0]) => ({ number, body, bytes }));
  const withheld = new Map(kept.map(([level, body, bytes]): [string, Withheld] => [level, { body, bytes }]));
  return [key, { next, acked, pending, droppableBytes: sumOf(pending), withheld, withheldBytes: sumOf(withheld.values()) }];
}));

function sumOf(messages: Iterable<Withheld>): number {
  let sum = 0;
  for (const { bytes } of messages) sum += bytes;
  return sum;
}

/** The kernel's own part of every actor's state, folded from commits like the rest, hashed and snapshotted with it. */
import type { ActorAddress } from "./actor.ts";
import type { CommitHeader, InboxPosition } from "./commit.ts";
import type { CommandSource, KernelEvent, StoredAs } from "./kernel-event.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import type { Outbox, OutboxWire } from "./outbox.ts";
import { acknowledge, restoreOutboxes, snapshotOutboxes } from "./outbox.ts";
import type { RecordedOutcome, Session, Sessions } from "./sessions.ts";
import { advance, record } from "./sessions.ts";

export interface ParkedCommand {
  readonly source: CommandSource;
  readonly reason: string;
  readonly at: number;
}

/** Why a command that waited in the inbox was refused. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

export interface KernelState {
  /** Epoch and number of the last commit; 0 before the first. */
  epoch: number;
  number: number;
  at: number;
  /** SHA-256 of the last commit; empty before the first. */
  hash: Uint8Array;
  readonly sessions: Sessions;
  readonly inbox: Map<string, InboxPosition>;
  readonly outbox: Map<string, Outbox>;
  /** Per sender, the last message applied; negative when the link is broken. */
  readonly received: Map<string, number>;
  readonly brokenLinks: Map<string, { readonly expected: number; readonly got: number }>;
  readonly parked: ParkedCommand[];
  /** By inbox sequence and name, oldest first: what `refusalOf` finds. */
  readonly refused: Map<string, Refusal>;
}

export const initialKernelState = (): KernelState => ({
  epoch: 0, number: 0, at: 0, hash: new Uint8Array(0),
  sessions: new Map(), inbox: new Map(), outbox: new Map(), received: new Map(), brokenLinks: new Map(), parked: [], refused: new Map(),
});

export const addressKey = (address: ActorAddress): string => `${address.cluster}.${address.kind}.${address.actor}`;

/** What a commit's header says, before its events. */
export function beginCommit(state: KernelState, header: Pick<CommitHeader, "epoch" | "number" | "at" | "inbox" | "outboxAcked">): void {
  state.epoch = header.epoch;
  state.number = header.number;
  state.at = header.at;
  for (const position of header.inbox) state.inbox.set(position.stream, position);
  for (const [receiver, number] of header.outboxAcked) {
    const outbox = state.outbox.get(receiver);
    if (outbox !== undefined) acknowledge(outbox, number);
  }
}

export function evolveKernel(state: KernelState, event: KernelEvent, at: number): void {
  switch (event.type) {
    case "SessionAdvanced":
      return advance(state.sessions, event, at);
    case "CommandAnswered":
      return remember(state, event.source, { kind: "accepted", answer: event.answer }, at);
    case "CommandRejected":
      refuse(state, event.stored, event);
      return remember(state, event.source, { kind: "rejected", code: event.code, message: event.message, detail: event.detail }, at);
    case "CommandParked":
      refuse(state, event.stored, { code: "kernel/parked", message: event.reason });
      remember(state, event.source, { kind: "rejected", code: "kernel/parked", message: event.reason }, at);
      state.parked.push({ source: event.source, reason: event.reason, at });
      if (state.parked.length > KERNEL_LIMITS.parkedMax) state.parked.shift();
      return;
    case "MessageReceived":
      state.received.set(event.sender, event.number);
      return;
    case "LinkBroken":
      state.brokenLinks.set(event.sender, { expected: event.expected, got: event.got });
      return;
    case "Opened": case "TimeStepped": case "RewindAccepted":
      return;
  }
}

/** Why a command stored under this sequence was refused; undefined when it was not, or so long ago that others took its place. */
export const refusalOf = ({ refused }: KernelState, sequence: number, name: string): Refusal | undefined => refused.get(refusalKey(sequence, name));

const refusalKey = (sequence: number, name: string): string => `${sequence} ${name}`;

function refuse({ refused }: KernelState, stored: StoredAs | undefined, { code, message }: Refusal): void {
  for (const name of stored?.names ?? []) refused.set(refusalKey(stored!.sequence, name), { code, message: message.slice(0, KERNEL_LIMITS.refusalCharsMax) });
  for (const key of refused.keys()) {
    if (refused.size <= KERNEL_LIMITS.refusedMax) return;
    refused.delete(key);
  }
}

function remember(state: KernelState, source: CommandSource, outcome: RecordedOutcome, at: number): void {
  if (source.kind === "session") record(state.sessions, source, outcome, at);
}

type SessionWire = [string, number, number[], [number, RecordedOutcome][], number];

/** The kernel's state as one plain value, maps in insertion order (which the fold makes the same everywhere). */
export function snapshotKernel(state: KernelState): unknown {
  return [
    state.epoch, state.number, state.at, state.hash,
    [...state.sessions].map(([key, s]) => [key, s.firstUnanswered, s.ranges, [...s.outcomes], s.expiresAt]),
    [...state.inbox.values()].map((p) => [p.stream, p.created, p.sequence, p.index]),
    snapshotOutboxes(state.outbox),
    [...state.received], [...state.brokenLinks].map(([key, b]) => [key, b.expected, b.got]),
    state.parked.map((p) => [p.source, p.reason, p.at]),
    [...state.refused].map(([key, { code, message }]) => [key, code, message]),
  ];
}

export function restoreKernel(chunk: unknown): KernelState {
  const [epoch, number, at, hash, sessions, inbox, outbox, received, broken, parked, refused] = chunk as [
    number, number, number, Uint8Array, SessionWire[], [string, string, number, number][],
    OutboxWire[], [string, number][], [string, number, number][], [CommandSource, string, number][], [string, string, string][],
  ];
  return {
    epoch, number, at, hash: hash.slice(),
    sessions: new Map(sessions.map(([key, firstUnanswered, ranges, outcomes, expiresAt]): [string, Session] =>
      [key, { firstUnanswered, ranges, outcomes: new Map(outcomes), expiresAt }])),
    inbox: new Map(inbox.map(([stream, created, sequence, index]) => [stream, { stream, created, sequence, index }])),
    outbox: restoreOutboxes(outbox),
    received: new Map(received),
    brokenLinks: new Map(broken.map(([key, expected, got]) => [key, { expected, got }])),
    parked: parked.map(([source, reason, parkedAt]) => ({ source, reason, at: parkedAt })),
    refused: new Map(refused.map(([key, code, message]) => [key, { code, message }])),
  };
}

/** Events of the kernel itself, in every history beside those of its actor. Codes below 16 are theirs. */
import { Defect } from "./faults.ts";

/** Where a command came from: a session's number, or a place in an inbox stream, or a direct sender without a session. */
export type CommandSource =
  | { readonly kind: "session"; readonly session: string; readonly number: number }
  | { readonly kind: "inbox"; readonly stream: string; readonly sequence: number; readonly index: number }
  | { readonly kind: "direct"; readonly principal: string };

/** Under which inbox sequence commands were stored, and what they name: whoever stored them finds the refusal so. */
export interface StoredAs {
  readonly sequence: number;
  readonly names: readonly string[];
}

export type KernelEvent =
  | { readonly type: "Opened"; readonly instance: string; readonly view: number; readonly software: string }
  | { readonly type: "SessionAdvanced"; readonly session: string; readonly from: number; readonly to: number; readonly firstUnanswered: number; readonly notAfter: number }
  /** The command was accepted, and this is what it was answered beside "accepted". */
  | { readonly type: "CommandAnswered"; readonly source: CommandSource; readonly answer: unknown }
  | { readonly type: "CommandRejected"; readonly source: CommandSource; readonly code: string; readonly message: string; readonly detail: unknown; readonly stored?: StoredAs }
  /** The command made the decider or the fold fail; it is set aside for a person to look at. */
  | { readonly type: "CommandParked"; readonly source: CommandSource; readonly reason: string; readonly stored?: StoredAs }
  /** A message of another actor was applied; numbers of one sender grow by one. */
  | { readonly type: "MessageReceived"; readonly sender: string; readonly number: number }
  /** A sender skipped numbers: nothing more of it is applied until an operator looks. */
  | { readonly type: "LinkBroken"; readonly sender: string; readonly expected: number; readonly got: number }
  | { readonly type: "TimeStepped"; readonly from: number; readonly to: number }
  | { readonly type: "RewindAccepted"; readonly number: number; readonly reason: string };

const CODES = {
  Opened: 0, SessionAdvanced: 1, CommandAnswered: 2, CommandRejected: 3, CommandParked: 4,
  MessageReceived: 5, LinkBroken: 6, TimeStepped: 7, RewindAccepted: 8,
} as const satisfies Record<KernelEvent["type"], number>;

export const FIRST_ACTOR_CODE = 16;

export function encodeKernelEvent(event: KernelEvent): readonly unknown[] {
  const code = CODES[event.type];
  switch (event.type) {
    case "Opened": return [code, event.instance, event.view, event.software];
    case "SessionAdvanced": return [code, event.session, event.from, event.to, event.firstUnanswered, event.notAfter];
    case "CommandAnswered": return [code, encodeSource(event.source), event.answer];
    case "CommandRejected": return [code, encodeSource(event.source), event.code, event.message, event.detail ?? null, ...encodeStored(event.stored)];
    case "CommandParked": return [code, encodeSource(event.source), event.reason, ...encodeStored(event.stored)];
    case "MessageReceived": return [code, event.sender, event.number];
    case "LinkBroken": return [code, event.sender, event.expected, event.got];
    case "TimeStepped": return [code, event.from, event.to];
    case "RewindAccepted": return [code, event.number, event.reason];
  }
}

/** @throws {Defect} when the code is none of the kernel's. */
export function decodeKernelEvent(wire: readonly unknown[]): KernelEvent {
  const [code, a, b, c, d, e] = wire as [number, never, never, never, never, never];
  switch (code) {
    case 0: return { type: "Opened", instance: a, view: b, software: c };
    case 1: return { type: "SessionAdvanced", session: a, from: b, to: c, firstUnanswered: d, notAfter: e };
    case 2: return { type: "CommandAnswered", source: decodeSource(a), answer: b };
    case 3: return { type: "CommandRejected", source: decodeSource(a), code: b, message: c, detail: d ?? undefined, ...decodeStored(e) };
    case 4: return { type: "CommandParked", source: decodeSource(a), reason: b, ...decodeStored(c) };
    case 5: return { type: "MessageReceived", sender: a, number: b };
    case 6: return { type: "LinkBroken", sender: a, expected: b, got: c };
    case 7: return { type: "TimeStepped", from: a, to: b };
    case 8: return { type: "RewindAccepted", number: a, reason: b };
    default: throw new Defect(`unknown kernel event code ${code}`);
  }
}

const encodeStored = (stored: StoredAs | undefined): readonly unknown[] => (stored === undefined ? [] : [[stored.sequence, ...stored.names]]);

function decodeStored(wire: readonly [number, ...string[]] | undefined): { readonly stored?: StoredAs } {
  if (wire === undefined) return {};
  const [sequence, ...names] = wire;
  return { stored: { sequence, names } };
}

function encodeSource(source: CommandSource): readonly unknown[] {
  switch (source.kind) {
    case "session": return [source.session, source.number];
    case "inbox": return [source.stream, source.sequence, source.index];
    case "direct": return [source.principal];
  }
}

function decodeSource(wire: readonly unknown[]): CommandSource {
  const [first, second, third] = wire as [string, number, number];
  if (wire.length === 3) return { kind: "inbox", stream: first, sequence: second, index: third };
  return wire.length === 2 ? { kind: "session", session: first, number: second } : { kind: "direct", principal: first };
}

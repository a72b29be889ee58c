/**
 * Sessions: a client's numbered commands, so that a repeat is known and gets the recorded outcome.
 *
 * A session belongs to one principal and one actor; its id starts with its birth in server time (base 36), so that a
 * host that never saw it can tell a new client from one whose outcomes were forgotten. After Raft client sessions.
 */
import type { KernelEvent } from "./kernel-event.ts";
import type { KernelLimits } from "./limits.ts";
import { KERNEL_LIMITS } from "./limits.ts";

export interface Session {
  /** Outcomes below this number are forgotten. */
  firstUnanswered: number;
  /** Numbers decided, as pairs `from, to` in ascending order; nearly always one pair. */
  ranges: number[];
  /** Outcomes that are more than "accepted". */
  readonly outcomes: Map<number, RecordedOutcome>;
  /** Server time after which no command of it may be decided; when it has passed, the session is forgotten. */
  expiresAt: number;
}

export type RecordedOutcome =
  | { readonly kind: "accepted"; readonly answer?: unknown }
  | { readonly kind: "rejected"; readonly code: string; readonly message: string; readonly detail?: unknown };

export type Sessions = Map<string, Session>;

/** What a session knows of a number. */
export type SessionAnswer =
  | { readonly kind: "new" }
  | { readonly kind: "recorded"; readonly outcome: RecordedOutcome }
  /** The client has said that it knows the outcome. */
  | { readonly kind: "dropped" }
  | { readonly kind: "unknown-session" | "too-many-sessions" };

const ACCEPTED: SessionAnswer = { kind: "recorded", outcome: { kind: "accepted" } };
const NEW: SessionAnswer = { kind: "new" };

/** The session key under which a principal's session is kept: nobody can speak in another's session. */
export const sessionKey = (principal: string, session: string): string => `${principal}/${session}`;

/** Birth of a session in server time, from its id `<base36 ms>-<random>`; undefined when it is no session id. */
export function sessionBirth(session: string): number | undefined {
  const match = /^([0-9a-z]{1,11})-[A-Za-z0-9_-]{8,64}$/.exec(session);
  return match === null ? undefined : Number.parseInt(match[1]!, 36);
}

export function lookUp(sessions: Sessions, key: string, birth: number, number: number, at: number, limits: KernelLimits): SessionAnswer {
  const session = sessions.get(key);
  if (session === undefined) {
    if (at - birth > limits.sessionKeepMs) return { kind: "unknown-session" };
    return isFull(sessions, at, limits.sessionsMax) ? { kind: "too-many-sessions" } : NEW;
  }
  if (number < session.firstUnanswered) return { kind: "dropped" };
  const outcome = session.outcomes.get(number);
  if (outcome !== undefined) return { kind: "recorded", outcome };
  return isDecided(session.ranges, number) ? ACCEPTED : NEW;
}

/** Full of sessions that are still needed: an expired one gives way to the next that is new. */
function isFull(sessions: Sessions, at: number, max: number): boolean {
  if (sessions.size < max) return false;
  const oldest = sessions.values().next().value;
  return oldest === undefined || oldest.expiresAt >= at;
}

function isDecided(ranges: readonly number[], number: number): boolean {
  for (let i = ranges.length - 2; i >= 0; i -= 2) {
    if (number > ranges[i + 1]!) return false;
    if (number >= ranges[i]!) return true;
  }
  return false;
}

export function advance(sessions: Sessions, event: Extract<KernelEvent, { type: "SessionAdvanced" }>, at: number): void {
  const session = sessionOf(sessions, event.session, at);
  addRange(session, event.from, event.to);
  session.expiresAt = Math.max(session.expiresAt, event.notAfter);
  if (event.firstUnanswered > session.firstUnanswered) forgetBelow(session, event.firstUnanswered);
  // The most recently used stand last: expiry then looks at the first few only.
  sessions.delete(event.session);
  sessions.set(event.session, session);
}

export function record(sessions: Sessions, source: { readonly session: string; readonly number: number }, outcome: RecordedOutcome, at: number): void {
  const session = sessionOf(sessions, source.session, at);
  session.outcomes.set(source.number, outcome);
  // Its `SessionAdvanced` says until when; a parked command has none, and must stay known as long as it could be sent again.
  if (session.expiresAt === 0) session.expiresAt = at + KERNEL_LIMITS.sessionKeepMs;
}

/**
 * Forgets sessions no command of which may be decided any more. Done when an event makes a new one, never by the passing
 * of time: then every fold of the same events forgets the same, and the table grows no further than it must.
 */
function forgetExpired(sessions: Sessions, at: number): void {
  for (const [key, session] of sessions) {
    if (session.expiresAt >= at) return;
    sessions.delete(key);
  }
}

function sessionOf(sessions: Sessions, key: string, at: number): Session {
  let session = sessions.get(key);
  if (session === undefined) {
    forgetExpired(sessions, at);
    session = { firstUnanswered: 0, ranges: [], outcomes: new Map(), expiresAt: 0 };
    sessions.set(key, session);
  }
  return session;
}

function addRange(session: Session, from: number, to: number): void {
  const { ranges } = session;
  const last = ranges.length - 1;
  if (last > 0 && from === ranges[last]! + 1) {
    ranges[last] = to;
    return;
  }
  ranges.push(from, to);
  if (last > 0 && from <= ranges[last]!) session.ranges = merged(ranges);
}

function merged(ranges: readonly number[]): number[] {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i]!, ranges[i + 1]!]);
  pairs.sort((a, b) => a[0] - b[0]);
  const result: number[] = [];
  for (const [from, to] of pairs) {
    const end = result.length - 1;
    if (end > 0 && from <= result[end]! + 1) result[end] = Math.max(result[end]!, to);
    else result.push(from, to);
  }
  return result;
}

function forgetBelow(session: Session, firstUnanswered: number): void {
  session.firstUnanswered = firstUnanswered;
  while (session.ranges.length > 0 && session.ranges[1]! < firstUnanswered) session.ranges.splice(0, 2);
  for (const number of session.outcomes.keys()) if (number < firstUnanswered) session.outcomes.delete(number);
}

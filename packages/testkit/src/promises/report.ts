/** What an audit says: which promises hold as far as could be seen, and where they do not. */

export type PromiseId = "P1" | "P2" | "P3" | "P4" | "P5" | "P6" | "P7" | "P8" | "P9" | "P10" | "P11" | "P12" | "P13" | "P14";

/** Where in a history: the commit's number and version, and the event within it. */
export interface Position {
  readonly commit: number;
  readonly version: number;
  /** −1: the commit as a whole; or the end of the history. */
  readonly event: number;
}

export interface Violation {
  readonly promise: PromiseId;
  readonly position: Position;
  readonly text: string;
}

export interface AuditReport {
  /** The first of them, in the order of the history. */
  readonly violations: readonly Violation[];
  readonly violationCount: number;
  readonly commits: number;
  readonly events: number;
  readonly judged: readonly PromiseId[];
  readonly notJudged: readonly { readonly promise: PromiseId; readonly reason: string }[];
}

/** Violations kept with their text; beyond it they are counted. */
const KEPT_MAX = 1_000;

/** Collects violations on the way through a history. */
export class Findings {
  readonly violations: Violation[] = [];
  count = 0;
  commit = 0;
  version = 0;
  event = -1;

  add(promise: PromiseId, text: string): void {
    this.count++;
    if (this.violations.length >= KEPT_MAX) return;
    const { commit, version, event } = this;
    this.violations.push({ promise, position: { commit, version, event }, text });
  }
}

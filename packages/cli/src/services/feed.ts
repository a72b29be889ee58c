/**
 * The event feed: what happened to jobs, as JSON on `ls.<c>.ev.job-queue.<type>.<topic tokens>`.
 *
 * Everything is published while it stays below a rate. Above it nothing is until the flood is over: from time to time one
 * `Gap{from, to}` says which commits were left out, so that a listener reads them from the history. Nobody's queue waits
 * for it.
 */
import type { JobQueueEvent, Names, PublicEvent } from "@longshore/job-queue";
import { publicEvent } from "@longshore/job-queue";
import type { Clock, Subjects, Wire } from "@longshore/kernel";
import { encodeJson, subjectsOf } from "@longshore/kernel";

const EVENTS_PER_SECOND = 1_000;
const BURST = 2_000;
/** How often `settle` is to be called. */
export const SETTLE_EVERY_MS = 250;
/** Events between two calls of `settle` that are no flood any more. */
const CALM = (EVENTS_PER_SECOND * SETTLE_EVERY_MS) / 1_000;

export class Feed {
  private readonly wire: Wire;
  private readonly clock: Clock;
  private readonly subjects: Subjects;
  private tokens = BURST;
  private filledMs = 0;
  private gap: { from: number; to: number } | undefined;
  private isFlooded = false;
  /** Events since the last `settle`. */
  private seen = 0;

  constructor(wire: Wire, clock: Clock, cluster: string) {
    this.wire = wire;
    this.clock = clock;
    this.subjects = subjectsOf(cluster);
  }

  publish(event: JobQueueEvent, place: { readonly commit: number; readonly at: number }, names: Names): void {
    this.seen++;
    if (this.isFlooded || !this.take()) {
      this.isFlooded = true;
      this.missed(place.commit, place.commit);
      return;
    }
    if (this.gap !== undefined && this.gap.to < place.commit) this.closeGap(place.at);
    const shown: PublicEvent = publicEvent(event, place, names);
    this.wire.publish(this.subjects.feed("job-queue", shown.type, shown.topic ?? "-"), encodeJson(shown));
  }

  /** Commits no listener of this feed will be told of. */
  missed(from: number, to: number): void {
    this.gap = this.gap === undefined ? { from, to } : { from: Math.min(this.gap.from, from), to: Math.max(this.gap.to, to) };
  }

  /** Says what is missing. */
  settle(at: number): void {
    if (this.seen <= CALM) this.isFlooded = false;
    this.seen = 0;
    if (this.gap !== undefined && this.take()) this.closeGap(at);
  }

  private closeGap(at: number): void {
    const { gap } = this;
    if (gap === undefined) return;
    this.gap = undefined;
    this.wire.publish(this.subjects.feed("job-queue", "Gap", "-"), encodeJson({ type: "Gap", ...gap, commit: gap.to, at }));
  }

  private take(): boolean {
    const nowMs = this.clock.monotonicMs();
    this.tokens = Math.min(BURST, this.tokens + ((nowMs - this.filledMs) * EVENTS_PER_SECOND) / 1_000);
    this.filledMs = nowMs;
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }
}

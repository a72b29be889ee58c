/** What a history itself proves to have happened: marks that need nobody to have watched. */
import { EVENT_CODES as CODE, queueMatches, TAKEN_AWAY } from "@longshore/job-queue";
import type { Commit } from "@longshore/kernel";
import type { Marks } from "@longshore/testkit/simulation";
import type { Config } from "./config.ts";

type Wire = readonly unknown[];

const KERNEL_MARKS: Readonly<Record<number, string>> = { 2: "an answer is recorded", 3: "a rejection is recorded", 4: "a command is parked", 7: "a stepped clock is recorded" };
const FAILURES = ["an attempt fails", "an attempt times out", "an attempt is lost"];
const ENDS = ["a job succeeds", "a job is stopped", "a job gives up", "a job ends in error", "a job is dropped"];
const FAILED = 0;
const STOPPED = 1;
const GIVEN_UP = 2;

export class HistoryMarks {
  private readonly marks: Marks;
  private readonly ordered: readonly (readonly string[])[];
  /** Which ordered queue an unfinished job waits in, by place in `ordered`. */
  private readonly laneOf = new Map<number, number>();
  private readonly laneLengths: number[];
  /** Jobs that wait for their next attempt after a failure. */
  private readonly retrying = new Set<number>();
  private readonly lost = new Map<number, number>();

  constructor(marks: Marks, config: Config) {
    this.marks = marks;
    this.ordered = config.queues.filter(({ config: { type } }) => type === "ordered").map(({ config: { topics } }) => topics);
    this.laneLengths = this.ordered.map(() => 0);
  }

  count({ epoch, events, inbox }: Commit): void {
    if (epoch > 1 && events[0]?.[0] === 0) this.marks.hit("another host opens");
    if (inbox.some(({ index }) => index > 0)) this.marks.hit("an inbox message takes several commits");
    for (const event of events) {
      const mark = markOf(event);
      if (mark !== undefined) this.marks.hit(mark);
      this.follow(event);
    }
  }

  private follow(event: Wire): void {
    const job = event[1] as number;
    switch (event[0]) {
      case CODE.JobAccepted: return this.accepted(job, event[3] as string);
      case CODE.AttemptStarted: return void this.retrying.delete(job);
      case CODE.AttemptFailed: return this.failed(job, event[3] as number);
      case CODE.JobEnded: return this.ended(event);
    }
  }

  private accepted(job: number, topic: string): void {
    const lane = this.ordered.findIndex((topics) => queueMatches(topics, topic));
    if (lane < 0) return;
    this.laneOf.set(job, lane);
    this.laneLengths[lane]!++;
  }

  private failed(job: number, kind: number): void {
    this.retrying.add(job);
    if (kind !== FAILED) this.lost.set(job, (this.lost.get(job) ?? 0) + 1);
    const lane = this.laneOf.get(job);
    if (lane !== undefined && this.laneLengths[lane]! > 1) this.marks.hit("the head of an ordered queue waits for its retry, and others behind it");
  }

  private ended([, job, state, , , reason]: Wire): void {
    if (state === STOPPED && this.retrying.has(job as number)) this.marks.hit("a retry is cancelled");
    if (state === GIVEN_UP && (reason === TAKEN_AWAY.lost || (this.lost.get(job as number) ?? 0) > 0)) this.marks.hit("a job that kills or hangs its workers is given up");
    const lane = this.laneOf.get(job as number);
    if (lane === undefined) return;
    this.laneLengths[lane]!--;
    this.laneOf.delete(job as number);
  }
}

function markOf(event: Wire): string | undefined {
  switch (event[0]) {
    case CODE.AttemptFailed: return FAILURES[event[3] as number];
    case CODE.AttemptReleased: return event[3] === 1 ? "an attempt is snoozed" : "an attempt is handed back";
    case CODE.AttemptExtended: return "an attempt is extended";
    case CODE.JobEnded: return ENDS[event[2] as number];
    case CODE.JobStopRequested: return "a running job is asked to stop";
    case CODE.JobRemoved: return "a job is removed";
    case CODE.EndedExpired: return "ended jobs leave the history";
    case CODE.QueueSuspended: return "a queue is suspended";
    case CODE.InstanceLeft: return "an instance leaves";
    case CODE.InstancesRanked: return "another instance leads";
    case CODE.JobAccepted: return (event[7] as { readonly creator?: string } | undefined)?.creator === undefined ? undefined : "a job prefers its creator";
    case CODE.OperationAdvanced: return "a bulk operation takes several commits";
    default: return KERNEL_MARKS[event[0] as number];
  }
}

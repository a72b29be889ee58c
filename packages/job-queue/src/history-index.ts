/**
 * Which commits speak of which job: what a timeline and a search in the past are made from.
 *
 * It needs events only, no state, so it can be filled from the journal's start while the fold starts from a snapshot.
 * Per job it keeps the places of its commits, not the events: they are read from the journal when somebody asks. Jobs are
 * records in typed arrays, as in the queue's own table: a million of them cost the collector nothing.
 */

import type { JobQueueEvent } from "./events.ts";
import { hashOf } from "./id-map.ts";
import { NumberIndex } from "./number-index.ts";
import { Payloads } from "./payloads.ts";
import type { MemberName } from "./public-event.ts";
import { NONE } from "./records.ts";
import { RowIndex } from "./row-index.ts";
import { Texts } from "./texts.ts";
import type { EndState } from "./vocabulary.ts";
import { END_STATES } from "./vocabulary.ts";

export interface IndexedJob {
  readonly number: number;
  /** Without the shard. */
  readonly id: string;
  readonly topic: string;
  readonly queue: string;
  /** Versions of the commits that speak of it, ascending. */
  readonly versions: readonly number[];
  readonly end: { readonly state: EndState; readonly at: number } | undefined;
}

export interface EndedFilter {
  readonly states: readonly EndState[] | undefined;
  readonly topic: string | undefined;
  readonly queue: string | undefined;
  readonly limit: number;
  /** Go on behind this place of an earlier answer. */
  readonly after: number | undefined;
}

const MEMBERS_MAX = 100_000;
const PAGE_BITS = 10;
const PAGE_MASK = (1 << PAGE_BITS) - 1;
const NO_PAYLOAD = new Uint8Array(0);

const NUMBER = 0;
const FIRST = 1;
const LAST = 2;
const ENDED_AT = 3;
const ID = 4;
const WIDE = 5;

const ID_HASH = 0;
const TOPIC = 1;
const QUEUE = 2;
const STATE = 3;
const NARROW = 4;

interface Page {
  readonly wide: Float64Array;
  readonly narrow: Int32Array;
}

export class HistoryIndex {
  private readonly pages: Page[] = [];
  private readonly freeRows: number[] = [];
  private rows = 0;
  private count = 0;
  private readonly byNumber = new NumberIndex();
  private readonly byIdHash = new RowIndex();
  private readonly ids: Payloads;
  private readonly topics = new Texts();
  private readonly queues = new Texts();
  /** Commits between the first and the last of a job; most jobs have none. */
  private readonly between = new Map<number, number[]>();
  /** Who is behind each member number, also of those that have left; the oldest give way. */
  private readonly members = new Map<number, MemberName>();
  /** Numbers of ended jobs in the order they ended; a job's place is how many had ended before it, the oldest give way. */
  private readonly ended: Float64Array;
  private endedCount = 0;

  constructor(endedMax: number) {
    this.ended = new Float64Array(endedMax);
    this.ids = new Payloads((row, _use, ref) => this.setWide(row, ID, ref));
  }

  get size(): number {
    return this.count;
  }

  /** Takes one event of the commit at `version`. */
  event(event: JobQueueEvent, version: number, at: number): void {
    if (event.type === "InstanceJoined") this.joined(event.member, { instance: event.instance, incarnation: event.incarnation });
    if (!("job" in event)) return;
    if (event.type === "JobAccepted") return this.add(event, version);
    const row = this.byNumber.get(event.job);
    if (row === NONE) return;
    this.spoken(row, version);
    if (event.type === "JobRemoved") this.forget(row);
    else if (event.type === "JobEnded") this.end(row, event.state, at);
  }

  byId(id: string): IndexedJob | undefined {
    const row = this.rowOf(id);
    return row === NONE ? undefined : this.show(row);
  }

  member(member: number): MemberName | undefined {
    return this.members.get(member);
  }

  /** Ended jobs, the latest first. */
  findEnded(filter: EndedFilter): { readonly jobs: readonly IndexedJob[]; readonly next: number | undefined } {
    const found: IndexedJob[] = [];
    const oldest = Math.max(0, this.endedCount - this.ended.length);
    for (let place = Math.min(filter.after ?? this.endedCount, this.endedCount) - 1; place >= oldest; place--) {
      const row = this.byNumber.get(this.ended[place % this.ended.length]!);
      if (row === NONE || !this.matches(row, filter)) continue;
      found.push(this.show(row));
      if (found.length === filter.limit) return { jobs: found, next: place };
    }
    return { jobs: found, next: undefined };
  }

  private joined(member: number, name: MemberName): void {
    this.members.set(member, name);
    if (this.members.size > MEMBERS_MAX) for (const oldest of this.members.keys()) return void this.members.delete(oldest);
  }

  private add({ job: number, id, topic, queue }: Extract<JobQueueEvent, { type: "JobAccepted" }>, version: number): void {
    const row = this.newRow();
    const hash = hashOf(id);
    const earlier = this.rowOf(id);
    // An id that was forgotten by the queue may come again: its latest job is meant.
    if (earlier !== NONE) this.byIdHash.remove(hash, earlier);
    const { wide, narrow } = this.pages[row >> PAGE_BITS]!;
    const w = (row & PAGE_MASK) * WIDE;
    wide[w + NUMBER] = number;
    wide[w + FIRST] = version;
    wide[w + LAST] = version;
    wide[w + ENDED_AT] = 0;
    wide[w + ID] = this.ids.storeInput(row, id, NO_PAYLOAD);
    const n = (row & PAGE_MASK) * NARROW;
    narrow[n + ID_HASH] = hash;
    narrow[n + TOPIC] = this.topics.acquire(topic);
    narrow[n + QUEUE] = this.queues.acquire(queue);
    narrow[n + STATE] = NONE;
    this.byNumber.add(number, row);
    this.byIdHash.add(hash, row);
    this.count++;
  }

  private spoken(row: number, version: number): void {
    const last = this.wide(row, LAST);
    if (last === version) return;
    if (last !== this.wide(row, FIRST)) {
      const between = this.between.get(row);
      if (between === undefined) this.between.set(row, [last]);
      else between.push(last);
    }
    this.setWide(row, LAST, version);
  }

  private end(row: number, state: EndState, at: number): void {
    this.setWide(row, ENDED_AT, at);
    this.pages[row >> PAGE_BITS]!.narrow[(row & PAGE_MASK) * NARROW + STATE] = END_STATES.indexOf(state);
    const place = this.endedCount++ % this.ended.length;
    if (this.endedCount > this.ended.length) {
      const oldest = this.byNumber.get(this.ended[place]!);
      if (oldest !== NONE) this.forget(oldest);
    }
    this.ended[place] = this.wide(row, NUMBER);
  }

  private forget(row: number): void {
    this.byNumber.remove(this.wide(row, NUMBER));
    this.byIdHash.remove(this.narrow(row, ID_HASH), row);
    this.ids.free(this.wide(row, ID));
    this.topics.release(this.narrow(row, TOPIC));
    this.queues.release(this.narrow(row, QUEUE));
    this.between.delete(row);
    this.freeRows.push(row);
    this.count--;
  }

  private rowOf(id: string): number {
    return this.byIdHash.find(hashOf(id), (row) => this.ids.idEquals(this.wide(row, ID), id));
  }

  private matches(row: number, filter: EndedFilter): boolean {
    return (filter.states === undefined || filter.states.includes(END_STATES[this.narrow(row, STATE)]!))
      && (filter.topic === undefined || filter.topic === this.topics.get(this.narrow(row, TOPIC)))
      && (filter.queue === undefined || filter.queue === this.queues.get(this.narrow(row, QUEUE)));
  }

  private show(row: number): IndexedJob {
    const first = this.wide(row, FIRST);
    const last = this.wide(row, LAST);
    const state = END_STATES[this.narrow(row, STATE)];
    return {
      number: this.wide(row, NUMBER),
      id: this.ids.idOf(this.wide(row, ID)),
      topic: this.topics.get(this.narrow(row, TOPIC)),
      queue: this.queues.get(this.narrow(row, QUEUE)),
      versions: first === last ? [first] : [first, ...(this.between.get(row) ?? []), last],
      end: state === undefined ? undefined : { state, at: this.wide(row, ENDED_AT) },
    };
  }

  private newRow(): number {
    const free = this.freeRows.pop();
    if (free !== undefined) return free;
    const rows = PAGE_MASK + 1;
    if (this.rows >> PAGE_BITS === this.pages.length) this.pages.push({ wide: new Float64Array(rows * WIDE), narrow: new Int32Array(rows * NARROW) });
    return this.rows++;
  }

  private wide(row: number, field: number): number {
    return this.pages[row >> PAGE_BITS]!.wide[(row & PAGE_MASK) * WIDE + field]!;
  }

  private setWide(row: number, field: number, value: number): void {
    this.pages[row >> PAGE_BITS]!.wide[(row & PAGE_MASK) * WIDE + field] = value;
  }

  private narrow(row: number, field: number): number {
    return this.pages[row >> PAGE_BITS]!.narrow[(row & PAGE_MASK) * NARROW + field]!;
  }
}

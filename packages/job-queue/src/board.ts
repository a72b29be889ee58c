/**
 * The board: which waiting job goes next to which free slot, answered in O(log n).
 *
 *   stations, by readiness of their first job          one per (queue, set of pools that can do it)
 *     └─ lanes, by readiness of their heads            one per topic; an ordered queue has one for all
 *     └─ seats, by turn: who started least recently    one per pool of an incarnation
 *
 * A lane whose topic nobody takes stands in a station without seats, outside the heap of stations: ten thousand such
 * topics cost nothing per commit. A seat without a free slot is parked with its member and comes back when an attempt
 * there ends. Keys of seats may lag behind (a pool has a seat in several stations): they only ever grow, so a seat that
 * comes up too early is put back where it belongs.
 *
 * Everything here follows from the rest of the state. It is built on first use, kept up to date by `evolve`, dropped
 * whenever instances or configurations change, and never part of a snapshot; who only folds never builds it.
 */

import type { HeapItem } from "./heap.ts";
import { Heap } from "./heap.ts";
import type { Job } from "./job.ts";
import type { Member, Pool } from "./members.ts";
import type { Lane, Queue } from "./queue.ts";
import { workerPatternsOf } from "./topics.ts";

/** One pool as seen from one station. */
export interface Seat extends HeapItem {
  readonly station: Station;
  readonly member: Member;
  readonly pool: Pool;
}

/** The pools that take the same topics, each incarnation once. */
interface Group {
  readonly pools: readonly { readonly member: Member; readonly pool: Pool }[];
  /** Each of them as a group of its own, where a queue wants that one. */
  readonly alone: Map<Member, Group>;
}

export interface Station extends HeapItem {
  readonly queue: Queue;
  readonly lanes: Heap<Lane>;
  readonly seats: Heap<Seat>;
}

export interface Claim {
  readonly job: Job;
  readonly seat: Seat;
}

export class Board {
  private readonly stations = new Heap<Station>();
  private readonly stationsOf = new Map<Queue, Map<Group, Station>>();
  private readonly pools: ReadonlyMap<string, Group["pools"]>;
  private readonly groups = new Map<string, Group>();
  /** Ordered lanes that wait until a worker has surely let go. */
  private readonly held = new Set<Lane>();
  private at = 0;

  /** Places in the view. */
  private readonly ranks: ReadonlyMap<string, number>;

  constructor(queues: Iterable<Queue>, members: Iterable<Member>, ranked: readonly string[]) {
    this.pools = poolsByPattern(members);
    this.ranks = new Map(ranked.map((instance, rank) => [instance, rank]));
    for (const queue of queues) {
      for (const lane of queue.lanes.values()) {
        lane.place = -1;
        lane.station = undefined;
        this.refresh(lane);
      }
    }
  }

  /** The next job that can start now, and where; the same answer until an event changes it. */
  next(): Claim | undefined {
    for (let station = this.stations.peek(); station !== undefined; station = this.stations.peek()) {
      const seat = this.freeSeat(station);
      if (seat !== undefined) return { job: station.lanes.peek()!.first!, seat };
      this.stations.remove(station);
    }
    return undefined;
  }

  private freeSeat(station: Station): Seat | undefined {
    const { seats, queue } = station;
    for (let seat = seats.peek(); seat !== undefined; seat = seats.peek()) {
      const { member, pool } = seat;
      if (!member.hasRoomFor(queue, pool)) {
        seats.remove(seat);
        member.parked.push(seat);
      } else if (seat.key === pool.lastStart) {
        return seat;
      } else {
        seat.key = pool.lastStart;
        seats.settle(seat);
      }
    }
    return undefined;
  }

  /** Who may do a job, for people who ask why it waits. */
  capable(job: Job): Group["pools"] {
    return this.placed(job).pools;
  }

  /** Puts a lane where its head belongs. To be called when its head, or what its head waits for, may have changed. */
  refresh(lane: Lane): void {
    const { first } = lane;
    if (this.held.size > 0) this.held.delete(lane);
    const station = first !== undefined && this.canStart(lane, first) ? this.stationFor(lane, first) : undefined;
    if (lane.station !== undefined && lane.station !== station) this.leave(lane, lane.station);
    if (station === undefined) return;
    lane.key = first!.order;
    if (lane.place < 0) station.lanes.push(lane);
    else station.lanes.settle(lane);
    lane.station = station;
    this.update(station);
  }

  private canStart(lane: Lane, head: Job): boolean {
    const { queue } = lane;
    if (queue.isSuspended || !head.isReady) return false;
    if (queue.heldUntil <= this.at) return true;
    this.held.add(lane);
    return false;
  }

  private leave(lane: Lane, station: Station): void {
    station.lanes.remove(lane);
    lane.station = undefined;
    this.update(station);
  }

  private update(station: Station): void {
    const first = station.lanes.peek();
    if (first === undefined || station.seats.size === 0) {
      this.stations.remove(station);
      return;
    }
    station.key = first.key;
    if (station.place < 0) this.stations.push(station);
    else this.stations.settle(station);
  }

  /** An attempt has ended on this member. */
  freed(member: Member): void {
    if (member.parked.length === 0) return;
    const { parked } = member;
    member.parked = [];
    for (const seat of parked) {
      seat.key = seat.pool.lastStart;
      seat.station.seats.push(seat);
      this.update(seat.station);
    }
  }

  /** Moves the clock: ordered queues whose hold is over may start again. */
  moveTo(at: number): void {
    this.at = at;
    for (const lane of this.held) {
      if (lane.queue.heldUntil > at) continue;
      this.held.delete(lane);
      this.refresh(lane);
    }
  }

  /** When it was last moved to. */
  get clock(): number {
    return this.at;
  }

  /** When the next hold is over. */
  nextRelease(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const lane of this.held) next = Math.min(next, lane.queue.heldUntil);
    return next;
  }

  private stationFor(lane: Lane, head: Job): Station {
    if (lane.station !== undefined && !lane.queue.isOrdered) return lane.station;
    const group = this.placed(head);
    let stations = this.stationsOf.get(lane.queue);
    if (stations === undefined) {
      stations = new Map();
      this.stationsOf.set(lane.queue, stations);
    }
    let station = stations.get(group);
    if (station === undefined) {
      station = newStation(lane.queue, group);
      stations.set(group, station);
    }
    return station;
  }

  /** The pools of a topic, or the one among them where its queue wants a job to run. */
  private placed(job: Job): Group {
    const { placement = "any" } = job.queue.config;
    const group = this.groupOf(job.topic);
    if (placement === "any") return group;
    const open = group.pools.filter(({ pool }) => pool.slots > 0);
    const one = placement === "leader" ? this.leading(open) : open.find(({ member }) => member.instance === job.extra?.creator);
    return one === undefined ? group : this.alone(group, one);
  }

  /** Always one: the first of the view, and behind its members the one that has been there longest. */
  private leading(pools: Group["pools"]): Group["pools"][number] | undefined {
    const rank = ({ member }: Group["pools"][number]): number => this.ranks.get(member.instance) ?? this.ranks.size + member.number;
    let first = pools[0];
    for (const one of pools) if (rank(one) < rank(first!)) first = one;
    return first;
  }

  private alone(group: Group, one: Group["pools"][number]): Group {
    let alone = group.alone.get(one.member);
    if (alone === undefined) {
      alone = { pools: [one], alone: new Map() };
      group.alone.set(one.member, alone);
    }
    return alone;
  }

  /** Topics that match the same announced patterns share a group. */
  private groupOf(topic: string): Group {
    const patterns = workerPatternsOf(topic).filter((pattern) => this.pools.has(pattern));
    const signature = patterns.join(" ");
    let group = this.groups.get(signature);
    if (group === undefined) {
      group = this.newGroup(patterns);
      this.groups.set(signature, group);
    }
    return group;
  }

  /** Of each incarnation the pool with the most specific pattern, the first announced among equals. */
  private newGroup(patterns: readonly string[]): Group {
    const seen = new Set<Member>();
    const pools: { readonly member: Member; readonly pool: Pool }[] = [];
    for (const pattern of patterns) {
      for (const entry of this.pools.get(pattern)!) {
        if (seen.has(entry.member)) continue;
        seen.add(entry.member);
        pools.push(entry);
      }
    }
    return { pools, alone: new Map() };
  }
}

function newStation(queue: Queue, group: Group): Station {
  const station: Station = { key: 0, tie: 0, place: -1, queue, lanes: new Heap(), seats: new Heap() };
  for (const { member, pool } of group.pools) {
    station.seats.push({ key: pool.lastStart, tie: 0, place: -1, station, member, pool });
  }
  return station;
}

function poolsByPattern(members: Iterable<Member>): ReadonlyMap<string, Group["pools"]> {
  const byPattern = new Map<string, { readonly member: Member; readonly pool: Pool }[]>();
  for (const member of members) {
    member.parked = [];
    if (!member.takesWork || member.isRoute) continue;
    for (const pool of member.pools) {
      for (const pattern of new Set(pool.topics)) {
        const entries = byPattern.get(pattern);
        if (entries === undefined) byPattern.set(pattern, [{ member, pool }]);
        else entries.push({ member, pool });
      }
    }
  }
  return byPattern;
}

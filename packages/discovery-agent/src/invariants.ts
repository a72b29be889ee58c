/**
 * What must hold of any history of a discovery agent, judged from its events alone.
 *
 * Shares nothing with `evolve`: an error in the fold must not hide itself.
 *
 * | id | what holds |
 * |---|---|
 * | INV-1 | every view has one leader, its first member |
 * | INV-2 | view numbers only grow, and what is activated is what was proposed last |
 * | INV-6 | a view is activated only when all its members have acked |
 * | INV-8 | those who stay keep their order, newcomers stand behind them |
 * | INV-9 | the leader changes only when it is not in the new view |
 * | INV-10 | the cluster id never changes |
 * | INV-12 | an incarnation that is gone never comes back |
 * | INV-15 | an instance occurs once in a view |
 *
 * INV-3 to INV-5 and INV-7 speak of what listeners are told, which this history does not know.
 */
import type { DiscoveryEvent, EventOf, Who } from "./events.ts";
import type { DiscoveryState } from "./state.ts";

export type InvariantId = "INV-1" | "INV-2" | "INV-6" | "INV-8" | "INV-9" | "INV-10" | "INV-12" | "INV-15";

export interface InvariantViolation {
  readonly invariant: InvariantId;
  /** Place of the event in the list, from 0. */
  readonly event: number;
  readonly text: string;
}

/** Every violation in a list of events, from the first of a history on, in order. */
export function violationsIn(events: readonly DiscoveryEvent[]): readonly InvariantViolation[] {
  const check = new TopologyCheck();
  for (const event of events) check.event(event);
  return check.violations;
}

interface Proposed {
  readonly event: EventOf<"ViewProposed">;
  readonly acked: Set<string>;
}

/** The same, one event at a time. */
export class TopologyCheck {
  readonly violations: InvariantViolation[] = [];
  private place = -1;
  private clusterId: string | undefined;
  private lastNumber = 0;
  private decision: Proposed | undefined;
  private activated: EventOf<"ViewProposed"> | undefined;
  private readonly leaders = new Map<number, string>();
  private readonly ended = new Set<string>();

  /** Goes on from what a snapshot holds, where the commits before it are gone. */
  static from({ clusterId, lastNumber, view, proposed, gone }: DiscoveryState): TopologyCheck {
    const check = new TopologyCheck();
    check.clusterId = clusterId;
    check.lastNumber = lastNumber;
    for (const key of gone.keys()) check.ended.add(key);
    if (view !== undefined) {
      check.activated = { type: "ViewProposed", number: view.number, members: view.members, joined: [], removed: [], reason: "asked" };
      check.leaders.set(view.number, view.members.map(keyOf)[0] ?? "");
    }
    if (proposed === undefined) return check;
    const { number, members, joined, removed, reason, acked } = proposed;
    check.decision = { event: { type: "ViewProposed", number, members, joined, removed, reason }, acked: new Set(members.filter(({ instance }) => acked.has(instance)).map(keyOf)) };
    return check;
  }

  event(event: DiscoveryEvent): void {
    this.place++;
    switch (event.type) {
      case "ClusterFormed":
        if (this.clusterId !== undefined) this.add("INV-10", `the cluster id ${this.clusterId} becomes ${event.clusterId}`);
        this.clusterId = event.clusterId;
        return;
      case "InstanceAnnounced":
        if (this.ended.has(keyOf(event))) this.add("INV-12", `incarnation ${keyOf(event)} is announced although it is gone`);
        return;
      case "InstanceLeaving": case "InstanceEvicted":
        this.ended.add(keyOf(event));
        return;
      case "ViewProposed": return this.proposed(event);
      case "ViewAcked":
        if (this.decision?.event.number === event.number) this.decision.acked.add(keyOf(event));
        return;
      case "ViewSuperseded":
        if (this.decision?.event.number !== event.number) this.add("INV-2", `view ${event.number} is superseded and not proposed`);
        this.decision = undefined;
        return;
      case "ViewActivated": return this.activates(event);
      default: return;
    }
  }

  private proposed(event: EventOf<"ViewProposed">): void {
    const { number, members } = event;
    if (number <= this.lastNumber) this.add("INV-2", `view ${number} is proposed after view ${this.lastNumber}`);
    this.lastNumber = Math.max(this.lastNumber, number);
    if (members.length === 0) this.add("INV-1", `view ${number} has no member, so nobody leads`);
    const instances = new Set(members.map(({ instance }) => instance));
    if (instances.size < members.length) this.add("INV-15", `view ${number} has an instance twice`);
    for (const who of members) if (this.ended.has(keyOf(who))) this.add("INV-12", `view ${number} has incarnation ${keyOf(who)}, which is gone`);
    this.order(event);
    this.decision = { event, acked: new Set() };
  }

  private order({ number, members }: EventOf<"ViewProposed">): void {
    if (this.activated === undefined) return;
    const before = this.activated.members.map(keyOf);
    const now = members.map(keyOf);
    const survivors = before.filter((key) => now.includes(key));
    if (survivors.some((key, i) => now[i] !== key)) this.add("INV-8", `view ${number} changes the order of those who stay, or puts a newcomer before them`);
    const leader = before[0];
    if (leader !== undefined && now.includes(leader) && now[0] !== leader) this.add("INV-9", `view ${number} takes the lead from ${leader}, which stays`);
  }

  private activates({ number }: EventOf<"ViewActivated">): void {
    const decision = this.decision;
    if (decision?.event.number !== number) return this.add("INV-2", `view ${number} is activated and not what was proposed last`);
    const { event, acked } = decision;
    for (const who of event.members) if (!acked.has(keyOf(who))) this.add("INV-6", `view ${number} is activated without an ack of ${keyOf(who)}`);
    const leader = event.members.map(keyOf)[0] ?? "";
    if (this.leaders.has(number) && this.leaders.get(number) !== leader) this.add("INV-1", `view ${number} has two leaders`);
    this.leaders.set(number, leader);
    this.activated = event;
    this.decision = undefined;
  }

  private add(invariant: InvariantId, text: string): void {
    this.violations.push({ invariant, event: this.place, text });
  }
}

const keyOf = ({ instance, incarnation }: Who): string => `${instance}/${incarnation}`;

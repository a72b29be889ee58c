/** One incarnation of a simulated instance: member, detector and listeners on the ports of its process. */
import type { Announcement, MemberEnd, MemberRecord, TopologyAnswer } from "@longshore/discovery-agent";
import { Detector, Member } from "@longshore/discovery-agent";
import type { Clock, Wire } from "@longshore/kernel";
import type { Cluster, LifeRecord } from "./cluster.ts";
import { CLUSTER } from "./cluster.ts";
import { Listening } from "./listening.ts";

export interface LifeOptions {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly instance: string;
  readonly incarnation: string;
  readonly announcement: Announcement;
  readonly listeners: number;
  readonly takesMs: () => number;
  readonly onEnded: (end: MemberEnd) => void;
}

export class Life {
  readonly incarnation: string;
  readonly record: LifeRecord;
  readonly listening: Listening;
  readonly member: Member;
  answer: TopologyAnswer | undefined;
  private readonly world: Cluster;
  private readonly detector: Detector;

  constructor(world: Cluster, options: LifeOptions) {
    const { wire, clock, instance, incarnation, announcement, listeners, takesMs } = options;
    this.world = world;
    this.incarnation = incarnation;
    const place = { cluster: CLUSTER, principal: instance, instance, incarnation };
    const self: MemberRecord = { instance, incarnation, principal: instance, joinedView: 0, propertiesVersion: 1, ...announcement };
    this.listening = new Listening(world, { self, cluster: CLUSTER, clock, listeners, takesMs, acked: () => this.member.ackOwed() });
    const { topology } = this.listening;
    const read = { read: (facts: Parameters<typeof topology.read>[0]) => this.listening.read(facts), get owedAck() { return topology.owedAck; }, raise: (doubt: Parameters<typeof topology.raise>[0]) => this.doubt(doubt), clear: topology.clear.bind(topology) };
    this.member = new Member({
      ...place, announcement, topology: world.mutation.topology?.(read, (number) => this.acked(number)) ?? read,
      onRead: (answer) => this.read(answer), onEnded: (end) => {
        this.end();
        options.onEnded(end);
      },
    }, { wire, clock });
    this.detector = new Detector({
      ...place, view: () => this.answer?.view?.number ?? 0, isRenewed: () => this.member.isRenewed,
      accuse: (accused) => {
        world.note(instance, `accuses ${accused.incarnation}: ${accused.kind}`);
        this.member.suspect(accused);
      },
      withdraw: (accused) => this.member.refute(accused),
    }, { wire, clock });
    this.record = { incarnation, process: instance, fromMs: world.nowMs, toMs: Number.POSITIVE_INFINITY, crashedAs: undefined, hungMs: undefined, wasHost: false, log: this.listening.log };
    world.lives.push(this.record);
  }

  start(): void {
    this.listening.topology.start();
    this.member.start();
    this.detector.start();
  }

  get isCurrent(): boolean {
    return this.listening.topology.view().isCurrent;
  }

  accuses(incarnation: string): boolean {
    return this.detector.accuses(incarnation);
  }

  get view(): number {
    return this.listening.topology.view().localCluster.number;
  }

  /** Incarnations in its view. */
  get members(): readonly string[] {
    return this.listening.topology.view().localCluster.instances.map(({ incarnation }) => incarnation);
  }

  private doubt(doubt: Parameters<Listening["topology"]["raise"]>[0]): void {
    const { topology } = this.listening;
    if (topology.view().isCurrent) this.world.marks.hit(`a current view comes into doubt: ${doubt}`);
    topology.raise(doubt);
  }

  private acked(number: number): void {
    this.listening.acked(number);
    this.member.ackOwed();
  }

  private read(answer: TopologyAnswer): void {
    this.answer = answer;
    const { view, proposed } = answer;
    const joining = (proposed?.members ?? []).filter(({ incarnation }) => !view?.members.some((member) => member.incarnation === incarnation));
    this.detector.observe([...(view?.members ?? []), ...joining]);
  }

  private end(): void {
    this.record.toMs = Math.min(this.record.toMs, this.world.nowMs);
    this.detector.stop();
    this.listening.stop();
  }
}

/** One incarnation of an instance: what it announces, whom it hears, what its listeners are told. */
import type { Announcement, ListenOptions, MemberEnd, MemberRecord, TopologyAnswer, TopologyHandler } from "@longshore/discovery-agent";
import { Detector, Member, Topology } from "@longshore/discovery-agent";
import type { Clock, Wire } from "@longshore/kernel";
import { SOFTWARE } from "../software.ts";
import { answerMicro } from "./micro.ts";

export interface LifeOptions {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly cluster: string;
  readonly principal: string;
  readonly instance: string;
  readonly incarnation: string;
  readonly announcement: Announcement;
  readonly listeners: ReadonlyMap<TopologyHandler, ListenOptions>;
  /** A newer picture of the topology was read. */
  readonly onRead: (answer: TopologyAnswer) => void;
  readonly onEnded: (end: MemberEnd) => void;
  /** A listener threw. */
  readonly onFault: (cause: unknown) => void;
}

export const NOTHING_ANNOUNCED: Announcement = {
  properties: {}, topics: [], slots: 0, kinds: [], endpoints: [], software: SOFTWARE, leaderPriority: 0, isReady: true,
};

export class Life {
  readonly incarnation: string;
  readonly topology: Topology;
  private readonly options: LifeOptions;
  private readonly member: Member;
  private readonly detector: Detector;
  private readonly stopMicro: () => void;
  private seen = 0;
  private ended: (() => void)[] = [];
  private isEnded = false;
  private cancelLeaving: () => void = () => undefined;

  constructor(options: LifeOptions) {
    const { wire, clock, cluster, principal, instance, incarnation, announcement } = options;
    this.options = options;
    this.incarnation = incarnation;
    const self: MemberRecord = { instance, incarnation, principal, joinedView: 0, propertiesVersion: 1, ...announcement };
    this.topology = new Topology({ self, cluster, clock, onAckOwed: () => this.member.ackOwed(), onFault: options.onFault });
    this.member = new Member({
      cluster, principal, instance, incarnation, announcement, topology: this.topology,
      onRead: (answer) => this.read(answer),
      onEnded: (end) => this.end(end),
    }, { wire, clock });
    this.detector = new Detector({
      cluster, principal, instance, incarnation,
      view: () => this.seen,
      isRenewed: () => this.member.isRenewed,
      accuse: (accused) => this.member.suspect(accused),
      withdraw: (accused) => this.member.refute(accused),
    }, { wire, clock });
    const metadata = { cluster, principal, instance, kinds: announcement.kinds.join(" "), topics: announcement.topics.join(" ").slice(0, TEXT_MAX) };
    this.stopMicro = answerMicro(wire, { id: incarnation, metadata, startedAt: new Date() });
  }

  start(): void {
    for (const [handler, listening] of this.options.listeners) this.topology.bind(handler, listening);
    this.topology.start();
    this.member.start();
    this.detector.start();
  }

  change(announcement: Announcement): void {
    this.member.change(announcement);
  }

  /** This instance holds evidence against that incarnation, and is well itself. */
  accuses(incarnation: string): boolean {
    return this.detector.accuses(incarnation);
  }

  /** Leaves, and resolves when that was heard or is waited for no longer; at once when nobody has heard that it is here. */
  leave(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isEnded) return resolve();
      this.ended.push(resolve);
      if (this.member.isThere) this.member.leave();
      else this.giveUp();
      this.cancelLeaving = this.options.clock.after(LEAVE_WITHIN_MS, () => this.giveUp());
    });
  }

  private giveUp(): void {
    this.member.stop();
    this.end({ kind: "left" });
  }

  private read(answer: TopologyAnswer): void {
    const { view, proposed } = answer;
    this.seen = view?.number ?? 0;
    const joining = (proposed?.members ?? []).filter(({ incarnation }) => !view?.members.some((member) => member.incarnation === incarnation));
    this.detector.observe([...(view?.members ?? []), ...joining]);
    this.options.onRead(answer);
  }

  private end(end: MemberEnd): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.cancelLeaving();
    this.detector.stop();
    this.stopMicro();
    this.topology.stop(() => {
      for (const run of this.ended.splice(0)) run();
    });
    this.options.onEnded(end);
  }
}

/** How long a process that ends waits for somebody to hear that it leaves; the others find out. */
const LEAVE_WITHIN_MS = 1_500;
/** Of what `nats micro info` shows. */
const TEXT_MAX = 1_000;

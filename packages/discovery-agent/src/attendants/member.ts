/**
 * The member side of one instance: it announces itself, renews, follows the history, acks, and leaves.
 *
 *            nobody answers            accepted
 *   probing ────────────────▶ joining ──────────▶ there ──leave──▶ leaving ──▶ ended
 *      ▲   └─ another incarnation answers ─▶ ended │  └─ evicted ─▶ ended
 *      └──────── refused as a duplicate ───┘
 *
 * Everything it says is repeated until it is answered, and an answer means that it is on disk. What it is told at its
 * address is only a hint to look; what it misses it learns from the answer to its next renewal. A picture older than the
 * one it has (by epoch and commit) is dropped.
 *
 * It probes its own address before it listens there: when the server knows no listener, the process before is dead, and its
 * incarnation is replaced at once. When another incarnation answers, two processes have one id, and this one ends.
 */
import type { Clock, Wire } from "@longshore/kernel";
import { encode, subjectsOf } from "@longshore/kernel";
import type { Standing } from "../commands.ts";
import type { Announcement, EvidenceKind, Who } from "../events.ts";
import type { TopologyAnswer } from "../queries.ts";
import type { Topology } from "../topology/topology.ts";
import { addressOf, TOLD } from "../vocabulary.ts";
import type { Place, Reply } from "./exchange.ts";
import { Exchange, listIn, mapIn } from "./exchange.ts";

/** Timings, milliseconds. */
export const MEMBER = {
  lookEveryMs: 1_000,
  renewEveryMs: 5_000,
  probeWithinMs: 500,
  /** Not renewed for this long, its view is not current: five seconds before others may be certain that it is gone. */
  unrenewedMs: 10_000,
  leaveEveryMs: 500,
  /** After that it goes without having been heard; the others find out. */
  leaveWithinMs: 5_000,
} as const;

/** Why this incarnation is no member any more. All but `left` need another incarnation, or a person. */
export type MemberEnd =
  | { readonly kind: "left" | "evicted" }
  | { readonly kind: "duplicate"; readonly living: string }
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

export interface MemberOptions extends Place {
  readonly instance: string;
  readonly incarnation: string;
  readonly announcement: Partial<Announcement>;
  /** What the instance's listeners are told by; it says which ack is owed (give it `onAckOwed: () => member.ackOwed()`). */
  readonly topology: Pick<Topology, "read" | "owedAck" | "raise" | "clear">;
  /** A newer picture of the topology was read. */
  readonly onRead?: (answer: TopologyAnswer) => void;
  readonly onEnded: (end: MemberEnd) => void;
}

export interface MemberPorts {
  readonly wire: Wire;
  readonly clock: Clock;
}

export class Member {
  private readonly options: MemberOptions;
  private readonly wire: Wire;
  private readonly clock: Clock;
  private readonly exchange: Exchange;
  private phase: "new" | "probing" | "joining" | "there" | "leaving" | "ended" = "new";
  private announcement: Partial<Announcement>;
  private witness = false;
  private renewedMs = 0;
  private announcedMs = Number.NEGATIVE_INFINITY;
  private isAnnouncing = false;
  private read: { readonly epoch: number; readonly commit: number; readonly change: number } | undefined;
  /** The latest epoch that this instance was told of anything in. */
  private toldEpoch = 0;
  /** How far the history was when it last heard this instance. */
  private knownChange = 0;
  private isReading = false;
  private mustReadAgain = false;
  private acked = 0;
  private isAcking = false;
  /** Words taken back that nobody has heard yet, by incarnation: at most one for each member that is observed. */
  private readonly refuted = new Map<string, Who>();
  private stopLooking: () => void = () => undefined;
  private stops: (() => void)[] = [];
  private stopAnswering: (() => void) | undefined;

  constructor(options: MemberOptions, { wire, clock }: MemberPorts) {
    this.options = options;
    this.wire = wire;
    this.clock = clock;
    this.exchange = new Exchange(wire, options);
    this.announcement = options.announcement;
  }

  /** The history has this incarnation, as far as was heard. */
  get isThere(): boolean {
    return this.phase === "there";
  }

  /** Its last renewal is on disk and not too old: what it says of others can be trusted. */
  get isRenewed(): boolean {
    return this.isThere && this.clock.monotonicMs() - this.renewedMs < MEMBER.unrenewedMs;
  }

  start(): void {
    if (this.phase !== "new") return;
    const { cluster } = this.options;
    this.phase = "probing";
    this.stops = [
      this.wire.subscribe(subjectsOf(cluster).prefix + addressOf(this.options), ({ data }) => this.told(data)),
      this.wire.onReconnect(() => this.reconnected()),
    ];
    this.look();
  }

  /** Announces other words about itself from now on. */
  change(announcement: Partial<Announcement>): void {
    this.announcement = announcement;
    if (this.isThere) this.announce();
  }

  /** The topology says that its listeners have returned: the ack goes out now, and again until it is answered. */
  ackOwed(): void {
    const owed = this.options.topology.owedAck;
    if (!this.isThere || owed === undefined || owed <= this.acked || this.isAcking) return;
    this.isAcking = true;
    this.exchange.say("ack", { ...this.who, number: owed }, (reply) => {
      this.isAcking = false;
      if (reply.kind === "accepted") this.acked = owed;
      this.ended(reply);
      // A newer one may be owed by now. What was not heard is repeated at the next look.
      if (reply.kind === "accepted") this.ackOwed();
    });
  }

  /** What its detector says against others, which repeats it while it holds. */
  suspect(accused: Who & { readonly kind: EvidenceKind; readonly isHealthy: boolean }): void {
    this.refuted.delete(accused.incarnation);
    if (this.isThere) this.exchange.say("suspect", { ...this.speaker, ...accused }, () => undefined);
  }

  /** Takes its own word back: said until it is answered, as what stands unrefuted counts. */
  refute({ instance, incarnation }: Who): void {
    const item = { instance, incarnation };
    this.refuted.set(incarnation, item);
    if (!this.isThere) return;
    this.exchange.say("refute", { ...this.speaker, ...item }, (reply) => {
      if (reply.kind !== "unheard" && this.refuted.get(incarnation) === item) this.refuted.delete(incarnation);
    });
  }

  /** Says that it leaves until it is heard, for at most `leaveWithinMs`; then ends as `left`. */
  leave(): void {
    if (this.phase === "leaving" || this.phase === "ended") return;
    if (this.phase === "new" || this.phase === "probing") return this.end({ kind: "left" });
    this.phase = "leaving";
    this.stopLooking();
    const untilMs = this.clock.monotonicMs() + MEMBER.leaveWithinMs;
    const again = (): void => {
      if (this.phase !== "leaving") return;
      if (this.clock.monotonicMs() >= untilMs) return this.end({ kind: "left" });
      this.stopLooking = this.clock.after(MEMBER.leaveEveryMs, again);
      this.exchange.say("leave", this.who, (reply) => {
        if (reply.kind !== "unheard" && this.phase === "leaving") this.end({ kind: "left" });
      });
    };
    again();
  }

  /** Stops at once without a word, as a crash would. */
  stop(): void {
    this.phase = "ended";
    this.stopLooking();
    for (const stop of this.stops) stop();
    this.stops = [];
    this.unanswer();
  }

  private get speaker(): { readonly by: string; readonly byIncarnation: string } {
    const { instance: by, incarnation: byIncarnation } = this.options;
    return { by, byIncarnation };
  }

  private get who(): { readonly instance: string; readonly incarnation: string } {
    const { instance, incarnation } = this.options;
    return { instance, incarnation };
  }

  private look(): void {
    if (this.phase === "ended" || this.phase === "leaving") return;
    this.stopLooking = this.clock.after(MEMBER.lookEveryMs, () => this.look());
    const nowMs = this.clock.monotonicMs();
    const { topology } = this.options;
    if (!this.wire.connected) topology.raise("disconnected");
    if (this.phase === "probing") return this.probe();
    if (this.isThere && nowMs - this.renewedMs >= MEMBER.unrenewedMs) topology.raise("unrenewed");
    if (this.phase === "joining" || nowMs - this.announcedMs >= MEMBER.renewEveryMs || this.renewedMs < this.announcedMs) this.announce();
    if (this.mustReadAgain) this.readOn();
    for (const item of [...this.refuted.values()]) this.refute(item);
    this.ackOwed();
  }

  /** What happened meanwhile is not known yet: trust comes back with the answer to a renewal, not with the connection. */
  private reconnected(): void {
    this.options.topology.raise("disconnected");
    if (this.isThere) this.announce();
  }

  /** The picture is as new as the history was when it last heard this instance. */
  private upToDate(): void {
    const { topology } = this.options;
    topology.clear("behind");
    if (this.wire.connected) topology.clear("disconnected");
  }

  private probe(): void {
    const { cluster, principal, instance, incarnation } = this.options;
    this.wire.request(subjectsOf(cluster).probe(principal, instance), encode({}), MEMBER.probeWithinMs, (answer) => {
      if (this.phase !== "probing") return;
      const living = answer.kind === "answer" ? mapIn(answer.data)?.["incarnation"] : undefined;
      if (typeof living === "string" && living !== incarnation) return this.end({ kind: "duplicate", living });
      this.witness = answer.kind === "no-responders";
      this.phase = "joining";
      // Whoever asks from here on finds this process, so the witness speaks for now only.
      if (this.witness) this.answerProbes();
      this.announce();
    });
  }

  private answerProbes(): void {
    const { cluster, principal, instance, incarnation } = this.options;
    this.stopAnswering ??= this.wire.subscribe(subjectsOf(cluster).probe(principal, instance), ({ reply }) => reply?.(encode({ incarnation })));
  }

  private unanswer(): void {
    this.stopAnswering?.();
    this.stopAnswering = undefined;
  }

  private announce(): void {
    if (this.isAnnouncing) return;
    const sentMs = this.clock.monotonicMs();
    this.isAnnouncing = true;
    this.announcedMs = sentMs;
    const { announcement } = this;
    this.exchange.say("announce", { ...announcement, ...this.who, witness: this.witness }, (reply) => {
      this.isAnnouncing = false;
      if (this.phase !== "joining" && this.phase !== "there") return;
      if (reply.kind === "accepted") this.renewed(reply.answer as Standing, sentMs);
      else if (reply.kind === "rejected" && reply.code === "instance/duplicate") this.again();
      else this.ended(reply);
      if (reply.kind === "accepted" && announcement !== this.announcement) this.announce();
    });
  }

  /** The other incarnation is taken for alive: it is asked again. */
  private again(): void {
    this.unanswer();
    this.phase = "probing";
  }

  private renewed(standing: Standing, sentMs: number): void {
    this.phase = "there";
    // That the history was heard is proven for when the word was sent.
    this.renewedMs = sentMs;
    this.witness = false;
    this.answerProbes();
    this.options.topology.clear("unrenewed");
    this.knownChange = standing.change;
    if (this.read?.change === standing.change) this.upToDate();
    if (this.read?.change !== standing.change || standing.owesAck) this.readOn();
  }

  /** Ends where a reply says that this incarnation has no future. Other refusals pass: room is made, a person helps. */
  private ended(reply: Reply): void {
    if (reply.kind !== "rejected" || this.phase === "ended") return;
    if (reply.code === "instance/evicted" || reply.code === "instance/stale-incarnation") return this.end({ kind: "evicted" });
    if (reply.code === "instance/not-yours" || reply.code === "command/malformed") this.end({ kind: "refused", code: reply.code, message: reply.message });
  }

  private end(end: MemberEnd): void {
    this.stop();
    this.options.onEnded(end);
  }

  private told(data: Uint8Array): void {
    const [epoch, , items] = listIn(data) ?? [];
    if (!Array.isArray(items)) return;
    if (typeof epoch === "number") this.toldEpoch = Math.max(this.toldEpoch, epoch);
    for (const item of items as readonly unknown[]) {
      const [kind, about] = Array.isArray(item) ? (item as readonly unknown[]) : [];
      if (kind === TOLD.suspected || kind === TOLD.evicted) {
        // The history says for itself whether this incarnation is still there.
        if (about === this.options.incarnation && this.isThere) this.announce();
      } else this.behind();
    }
  }

  private behind(): void {
    if (!this.isThere) return;
    this.options.topology.raise("behind");
    this.readOn();
  }

  private readOn(): void {
    this.mustReadAgain = this.isReading;
    if (this.isReading) return;
    this.isReading = true;
    this.exchange.ask({ ask: "view" }, (told) => {
      this.isReading = false;
      if (this.phase !== "there") return;
      const isTaken = told.kind === "answer" && this.take(told.epoch, told.commit, told.answer as TopologyAnswer);
      // Nobody answered, or one that has been overtaken and does not know it yet: again at the next look, not at once.
      if (!isTaken) this.mustReadAgain = true;
      else if (this.mustReadAgain) this.readOn();
    });
  }

  /** False when the picture is older than the one it has, or from before what it was told last. */
  private take(epoch: number, commit: number, answer: TopologyAnswer): boolean {
    const { read, toldEpoch } = this;
    if (epoch < toldEpoch) return false;
    if (read !== undefined && (epoch < read.epoch || (epoch === read.epoch && commit < read.commit))) return false;
    this.read = { epoch, commit, change: answer.change };
    const { topology, onRead } = this.options;
    topology.read({ view: answer.view ?? undefined, proposal: answer.proposed ?? undefined, remote: answer.remote });
    if (!this.mustReadAgain && answer.change >= this.knownChange) this.upToDate();
    onRead?.(answer);
    this.ackOwed();
    return true;
  }
}

/**
 * Who is silent: heartbeats out, heartbeats in, probes, and what follows from them as evidence. It decides nothing.
 *
 *   heard ──1.5 s──▶ probed ─┬─ an answer of that incarnation ─▶ heard
 *     ▲                      ├─ no listener, and after 1 s of grace still none ─▶ accused: witness
 *     └──── any heartbeat ───┴─ three probes in vain, and 3.5 s of silence ─▶ accused: silent
 *
 * Only this process's own clock is used, and only for when something arrived here: no two clocks are ever compared.
 *
 * Own health first. An instance whose loop stood still for 500 ms in the last 5 s, that has no connection, or that the history
 * has not heard, accuses nobody, and takes twice the time: it is more likely to be the one that is ill. Time in which it
 * did not run is no silence of others. An accusation is repeated while it holds, and withdrawn when the accused is heard.
 *
 * With more than 50 members each one listens to the nine behind it in the order of the view instead of to all.
 */
import type { Clock, Wire } from "@longshore/kernel";
import { encode, subjectsOf } from "@longshore/kernel";
import type { EvidenceKind, Who } from "../events.ts";
import type { MemberRecord } from "../vocabulary.ts";
import { listIn, mapIn } from "./exchange.ts";

/** Timings, milliseconds, and the ring. */
export const DETECTOR = {
  tickMs: 250,
  beatMs: 1_000,
  probeAfterMs: 1_500,
  probeWithinMs: 500,
  probesInVain: 3,
  witnessGraceMs: 1_000,
  silentAfterMs: 3_500,
  accuseEveryMs: 500,
  lagMs: 500,
  lagKeptMs: 5_000,
  illFactor: 2,
  ringOver: 50,
  ringOf: 9,
} as const;

export interface DetectorOptions {
  readonly cluster: string;
  readonly principal: string;
  readonly instance: string;
  readonly incarnation: string;
  /** Number of the view this instance has seen, for its heartbeat. */
  readonly view: () => number;
  /** The history has heard this instance lately. */
  readonly isRenewed: () => boolean;
  readonly accuse: (accused: Who & { readonly kind: EvidenceKind; readonly isHealthy: boolean }) => void;
  readonly withdraw: (accused: Who) => void;
}

interface Observed {
  readonly member: Pick<MemberRecord, "instance" | "incarnation" | "principal">;
  readonly unsubscribe: () => void;
  heardMs: number;
  sequence: number;
  isProbed: boolean;
  /** No probe before this. */
  probeFromMs: number;
  inVain: number;
  /** Since when the server knows no listener. */
  noneSinceMs: number | undefined;
  accusedAs: EvidenceKind | undefined;
  accusedMs: number;
}

export class Detector {
  private readonly options: DetectorOptions;
  private readonly wire: Wire;
  private readonly clock: Clock;
  /** By instance. */
  private readonly observed = new Map<string, Observed>();
  private stops: (() => void)[] = [];
  private tickedMs = 0;
  private beatMs = Number.NEGATIVE_INFINITY;
  private sequence = 0;
  private lagMs = 0;
  private laggedMs = Number.NEGATIVE_INFINITY;

  constructor(options: DetectorOptions, { wire, clock }: { readonly wire: Wire; readonly clock: Clock }) {
    this.options = options;
    this.wire = wire;
    this.clock = clock;
  }

  start(): void {
    if (this.stops.length > 0) return;
    this.tickedMs = this.clock.monotonicMs();
    this.stops = [this.clock.after(DETECTOR.tickMs, () => this.tick()), this.wire.onReconnect(() => this.everybodyHeard())];
  }

  stop(): void {
    for (const stop of this.stops) stop();
    this.stops = [];
    this.observe([]);
  }

  /**
   * From now on listens to these, or to its part of them; who is new has just been heard. Of two incarnations of one instance, the
   * one in the view and the one that joins with a proposal, the later in the list: the other is gone.
   */
  observe(members: readonly MemberRecord[]): void {
    const chosen = observedBy([...new Map(members.map((member) => [member.instance, member])).values()], this.options.instance);
    for (const [instance, { member, unsubscribe }] of this.observed) {
      if (chosen.some((one) => one.instance === instance && one.incarnation === member.incarnation)) continue;
      unsubscribe();
      this.observed.delete(instance);
    }
    for (const member of chosen) if (!this.observed.has(member.instance)) this.begin(member);
  }

  /** Well enough to accuse others. */
  get isHealthy(): boolean {
    return this.wire.connected && this.options.isRenewed() && this.clock.monotonicMs() - this.laggedMs >= DETECTOR.lagKeptMs;
  }

  /** It holds evidence against this incarnation, and is well itself. */
  accuses(incarnation: string): boolean {
    return this.isHealthy && [...this.observed.values()].some(({ member, accusedAs }) => member.incarnation === incarnation && accusedAs !== undefined);
  }

  private begin(member: MemberRecord): void {
    const { instance, incarnation, principal } = member;
    const subject = subjectsOf(this.options.cluster).heartbeat(principal, instance);
    const unsubscribe = this.wire.subscribe(subject, ({ data }) => this.beat(instance, data));
    this.observed.set(instance, {
      member: { instance, incarnation, principal }, unsubscribe, heardMs: this.clock.monotonicMs(), sequence: 0, isProbed: false, probeFromMs: 0, inVain: 0,
      noneSinceMs: undefined, accusedAs: undefined, accusedMs: Number.NEGATIVE_INFINITY,
    });
  }

  private beat(instance: string, data: Uint8Array): void {
    const entry = this.observed.get(instance);
    const [incarnation, sequence] = listIn(data) ?? [];
    if (entry === undefined || incarnation !== entry.member.incarnation || typeof sequence !== "number" || sequence <= entry.sequence) return;
    entry.sequence = sequence;
    this.heard(entry);
  }

  private heard(entry: Observed): void {
    entry.heardMs = this.clock.monotonicMs();
    entry.inVain = 0;
    entry.noneSinceMs = undefined;
    if (entry.accusedAs === undefined) return;
    entry.accusedAs = undefined;
    this.options.withdraw({ instance: entry.member.instance, incarnation: entry.member.incarnation });
  }

  private everybodyHeard(): void {
    const nowMs = this.clock.monotonicMs();
    for (const entry of this.observed.values()) Object.assign(entry, { heardMs: nowMs, inVain: 0, noneSinceMs: undefined });
  }

  private tick(): void {
    const nowMs = this.clock.monotonicMs();
    this.stops[0] = this.clock.after(DETECTOR.tickMs, () => this.tick());
    this.lagMs = Math.max(0, nowMs - this.tickedMs - DETECTOR.tickMs);
    this.tickedMs = nowMs;
    if (this.lagMs > DETECTOR.lagMs) {
      this.laggedMs = nowMs;
      this.everybodyHeard();
    }
    if (!this.wire.connected) return this.everybodyHeard();
    this.sendBeat(nowMs);
    for (const entry of this.observed.values()) this.lookAt(entry, nowMs);
  }

  private sendBeat(nowMs: number): void {
    if (nowMs - this.beatMs < DETECTOR.beatMs) return;
    this.beatMs = nowMs;
    const { cluster, principal, instance, incarnation, view } = this.options;
    this.wire.publish(subjectsOf(cluster).heartbeat(principal, instance), encode([incarnation, ++this.sequence, view(), this.lagMs]));
  }

  private lookAt(entry: Observed, nowMs: number): void {
    const factor = this.isHealthy ? 1 : DETECTOR.illFactor;
    const silentMs = nowMs - entry.heardMs;
    if (silentMs < DETECTOR.probeAfterMs * factor) return;
    if (!entry.isProbed && nowMs >= entry.probeFromMs) this.probe(entry, factor);
    if (entry.inVain >= DETECTOR.probesInVain && silentMs > DETECTOR.silentAfterMs * factor) this.accuse(entry, "silent", nowMs);
  }

  private probe(entry: Observed, factor: number): void {
    const { principal, instance, incarnation } = entry.member;
    entry.isProbed = true;
    this.wire.request(subjectsOf(this.options.cluster).probe(principal, instance), encode({}), DETECTOR.probeWithinMs * factor, (answer) => {
      entry.isProbed = false;
      if (this.observed.get(instance) !== entry) return;
      if (answer.kind === "no-responders") return this.noListener(entry);
      entry.noneSinceMs = undefined;
      if (answer.kind === "answer" && mapIn(answer.data)?.["incarnation"] === incarnation) return this.heard(entry);
      if (answer.kind === "denied") entry.probeFromMs = this.clock.monotonicMs() + DETECTOR.witnessGraceMs;
      else entry.inVain++;
    });
  }

  /** It may be on its way back: a client reconnects within the grace. */
  private noListener(entry: Observed): void {
    const nowMs = this.clock.monotonicMs();
    entry.noneSinceMs ??= nowMs;
    if (nowMs - entry.noneSinceMs >= DETECTOR.witnessGraceMs) this.accuse(entry, "witness", nowMs);
    entry.probeFromMs = nowMs + DETECTOR.witnessGraceMs;
  }

  private accuse(entry: Observed, kind: EvidenceKind, nowMs: number): void {
    if (!this.isHealthy) return;
    if (entry.accusedAs === kind && nowMs - entry.accusedMs < DETECTOR.accuseEveryMs) return;
    entry.accusedAs = kind;
    entry.accusedMs = nowMs;
    const { instance, incarnation } = entry.member;
    this.options.accuse({ instance, incarnation, kind, isHealthy: true });
  }
}

/** Whom a member listens to: all others, or in a large cluster the nine behind it in the order of the view. */
export function observedBy(members: readonly MemberRecord[], instance: string): readonly MemberRecord[] {
  const others = members.filter((member) => member.instance !== instance);
  if (members.length <= DETECTOR.ringOver) return others;
  const own = members.findIndex((member) => member.instance === instance);
  return [...members.slice(own + 1), ...members.slice(0, Math.max(0, own))].slice(0, DETECTOR.ringOf);
}

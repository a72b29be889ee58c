/**
 * Has the bytes of trips and guests moved: whatever the state waits for, a few at a time, and says what became of it.
 *
 *   event ─▶ noted ─(stored)─▶ in its lane ─▶ carried, one blob after the other ─▶ `moved` ─▶ over
 *                                  ▲                                                  │
 *                                  └──────────────── parked until it is tried again ◀─┘ not to be had now
 *
 * It keeps no truth: a host that opens finds in its state what is owed, and begins anew; what was carried before is found where it
 * lies. Each other cluster has lanes of its own, and many bytes others than few: a small file waits neither behind a large one nor
 * behind a cluster that does not answer.
 *
 * Removing is the one thing that cannot be made good. So a digest is removed only when a commit that this host has just written
 * shows that nobody needs it, and no guest relies on it until that is done (`waitsForRemoval`).
 */
import type { Attendant, BlobCarrier, BlobRef, CarryAnswer, HostContext, Telemetry } from "@longshore/kernel";
import type { MoveFailure } from "../commands.ts";
import type { OffloadEvent } from "../events.ts";
import type { MoverLimits } from "../limits.ts";
import { MOVER_LIMITS } from "../limits.ts";
import type { OffloadState } from "../state.ts";
import { GUEST_BLOBS, IMPORTED_BLOBS } from "../vocabulary.ts";
import type { OwedMove, Step } from "../work.ts";
import { moveOf, stepsOf } from "../work.ts";
import { Parking } from "./parking.ts";
import { CARRIER, Removal } from "./removal.ts";

export interface MoverOptions {
  readonly carrier: BlobCarrier;
  readonly limits?: Partial<MoverLimits>;
  readonly telemetry?: Telemetry;
}

const MESSAGE_CHARS_MAX = 1_000;

interface Lane {
  readonly max: number;
  /** In the order in which they came. */
  readonly waiting: Map<string, Step>;
  running: number;
}

export const mover = (options: MoverOptions): Attendant<OffloadState, OffloadEvent> => new Mover(options);

class Mover implements Attendant<OffloadState, OffloadEvent> {
  private readonly carrier: BlobCarrier;
  private readonly limits: MoverLimits;
  private readonly telemetry: Telemetry;
  private readonly removal: Removal;
  private readonly parking = new Parking((step) => this.admit(step));
  private context: HostContext<OffloadState> | undefined;
  private noted: Step[] = [];
  private isScheduled = false;
  private readonly lanes = new Map<string, Lane>();
  /** Carried, or being reported. */
  private readonly active = new Set<string>();
  /** What they need is on its way out of the store. */
  private readonly blocked = new Map<string, Step>();
  private readonly unreached = new Set<string>();

  constructor({ carrier, limits, telemetry = () => undefined }: MoverOptions) {
    this.carrier = carrier;
    this.limits = { ...MOVER_LIMITS, ...limits };
    this.telemetry = telemetry;
    this.removal = new Removal(carrier, this.limits);
  }

  serving(context: HostContext<OffloadState>): void {
    this.stopped();
    this.context = context;
    this.parking.start(context);
    this.removal.start(context);
    for (const step of stepsOf(context.state)) this.note(step);
  }

  event(event: OffloadEvent): void {
    switch (event.type) {
      case "TripStarted": return event.blobs.length > 0 ? this.note({ step: "stage", number: event.trip }) : undefined;
      case "TripReturned": return this.note({ step: "import", number: event.trip });
      case "GuestAccepted": return event.blobs.length > 0 ? this.note({ step: "fetch", number: event.guest }) : undefined;
      case "GuestEnded": return event.outcome.blobs.length > 0 ? this.note({ step: "collect", number: event.guest }) : undefined;
      case "PayloadReleased": return event.digests.length > 0 ? this.removal.soon() : undefined;
      case "PayloadRemoved":
        for (const step of this.blocked.values()) this.note(step);
        this.blocked.clear();
        return;
      default: return;
    }
  }

  stopped(): void {
    this.context = undefined;
    this.parking.stop();
    this.removal.stop();
    this.noted = [];
    this.isScheduled = false;
    this.lanes.clear();
    this.active.clear();
    this.blocked.clear();
  }

  /** It is looked at once the state that owes it is stored. */
  private note(step: Step): void {
    const { context } = this;
    if (context === undefined) return;
    this.noted.push(step);
    if (this.isScheduled) return;
    this.isScheduled = true;
    context.clock.after(0, () => {
      if (this.context !== context) return;
      this.isScheduled = false;
      const noted = this.noted;
      this.noted = [];
      context.whenStored(() => {
        if (this.context !== context) return;
        for (const one of noted) this.admit(one);
      });
    });
  }

  /** Into its lane, or where it waits for its time. Something that is not owed any more is let go. */
  private admit(step: Step): void {
    const { context } = this;
    const key = keyOf(step);
    if (context === undefined || this.active.has(key)) return;
    const move = moveOf(context.state, step);
    if (move === undefined || !this.isTime(key, move)) return;
    const lane = this.laneOf(move);
    lane.waiting.set(key, step);
    this.pump(lane);
  }

  private isTime(key: string, move: OwedMove): boolean {
    if (move.notBefore === Number.POSITIVE_INFINITY) this.blocked.set(key, move);
    else if (move.notBefore > this.context!.now()) this.parking.park(key, move, move.notBefore);
    else return true;
    return false;
  }

  private laneOf({ step, cluster, blobs }: OwedMove): Lane {
    const isSmall = blobs.reduce((sum, { bytes }) => sum + bytes, 0) <= this.limits.smallBytes;
    const key = `${step === "fetch" || step === "import" ? cluster : ""} ${isSmall ? "small" : "large"}`;
    let lane = this.lanes.get(key);
    if (lane === undefined) this.lanes.set(key, lane = { max: isSmall ? this.limits.smallMax : this.limits.largeMax, waiting: new Map(), running: 0 });
    return lane;
  }

  private pump(lane: Lane): void {
    const { context } = this;
    if (context === undefined) return;
    for (const [key, step] of lane.waiting) {
      if (lane.running >= lane.max) return;
      lane.waiting.delete(key);
      const move = moveOf(context.state, step);
      if (move === undefined || !this.isTime(key, move)) continue;
      lane.running++;
      this.active.add(key);
      this.carry(context, move, 0, (failure) => this.report(context, move, failure, () => this.over(context, lane, move)));
    }
  }

  /** One blob after the other; the first that cannot be had ends it. */
  private carry(context: HostContext<OffloadState>, move: OwedMove, index: number, done: (failure: MoveFailure | undefined) => void): void {
    const blob = move.blobs[index];
    if (blob === undefined || !isOwed(context, move)) return done(undefined);
    const { patienceMs, bytesPerMsMin } = this.limits;
    const withinMs = Math.ceil(patienceMs + blob.bytes / bytesPerMsMin);
    let isAnswered = false;
    const answered = (answer: CarryAnswer): void => {
      if (isAnswered || this.context !== context) return;
      isAnswered = true;
      cancel();
      this.told(move, answer);
      if (answer.kind === "here") return this.carry(context, move, index + 1, done);
      done({ kind: answer.failure.kind, message: `${blob.name}: ${answer.failure.message}` });
    };
    const cancel = context.clock.after(withinMs, () => answered({ kind: "failed", failure: { kind: "unreachable", message: `nothing was heard of it for ${withinMs} ms` } }));
    this.begin(move, { principal: blob.principal, digest: blob.digest, bytes: blob.bytes }, answered);
  }

  private begin({ step, cluster }: OwedMove, ref: BlobRef, done: (answer: CarryAnswer) => void): void {
    switch (step) {
      case "stage": return this.carrier.check(ref, done);
      case "fetch": return this.carrier.bring(cluster, ref, GUEST_BLOBS, done);
      case "collect": return this.carrier.copy(ref, GUEST_BLOBS, done);
      case "import": return this.carrier.bring(cluster, ref, IMPORTED_BLOBS, done);
    }
  }

  private report(context: HostContext<OffloadState>, move: OwedMove, failure: MoveFailure | undefined, done: () => void): void {
    if (this.context !== context) return;
    if (!isOwed(context, move)) return done();
    const { step, number } = move;
    const item = { step, [step === "stage" || step === "import" ? "trip" : "guest"]: number, ...(failure !== undefined && { failure: { kind: failure.kind, message: failure.message.slice(0, MESSAGE_CHARS_MAX) } }) };
    context.command("moved", item, CARRIER, () => {
      if (this.context === context) done();
    });
  }

  private over(context: HostContext<OffloadState>, lane: Lane, move: OwedMove): void {
    lane.running--;
    const key = keyOf(move);
    this.active.delete(key);
    const left = moveOf(context.state, move);
    // What is still owed after it was reported, and at once, was not heard: it is not asked for in a circle.
    if (left !== undefined && left.notBefore <= context.now()) this.parking.park(key, move, context.now() + this.limits.againMs);
    else this.admit(move);
    this.pump(lane);
  }

  /** Says once that a cluster does not answer, and once that it does again. */
  private told({ step, cluster }: OwedMove, answer: CarryAnswer): void {
    if (step !== "fetch" && step !== "import") return;
    if (answer.kind === "failed" && answer.failure.kind === "unreachable") {
      if (!this.unreached.has(cluster)) this.telemetry("offload.unreached", { peer: cluster });
      this.unreached.add(cluster);
    } else if (this.unreached.delete(cluster)) this.telemetry("offload.reached", { peer: cluster });
  }
}

const keyOf = ({ step, number }: Step): string => `${step} ${number}`;

const isOwed = ({ state }: HostContext<OffloadState>, move: OwedMove): boolean => moveOf(state, move) !== undefined;

/**
 * A client's numbered commands to one actor.
 *
 * Commands given in one turn of the loop share a message; those that come while it is on its way share the next. One message is in
 * flight at a time, so commands are decided in the order they were given, and a message that has to be sent again is
 * the same message under the same numbers: the host knows a repeat and gives the recorded outcome.
 *
 *   waiting ─seal─▶ in flight ─answer──────────────▶ settled (exceptions are listed, the rest is accepted)
 *      ▲               │ │ └─no responders─▶ inbox ─▶ settled as stored
 *      │               │ └─time-out─▶ the same again, now in doubt
 *      └─not decided───┘   (session expired or unknown, and never in doubt: under new numbers)
 *
 * In doubt means that some copy may have been decided without our knowing. A refusal of the session then says nothing
 * about that copy, so the outcome is unknown and is said to be.
 *
 * Into the inbox, too, a message goes under its numbers, so that a copy stored twice is decided once. One that certainly
 * reached no host goes without `notAfter`: it waits however long no host is up, where a session would expire.
 */

import type { Role, StoreAnswer } from "@longshore/kernel";
import { encode, subjectsOf } from "@longshore/kernel";
import type { Answer } from "./courier.ts";
import { Courier } from "./courier.ts";
import type { Epochs } from "./epochs.ts";
import type { HostTime } from "./host-time.ts";
import { headOf, ItemBatch } from "./item-batch.ts";
import type { ClientLimits } from "./limits.ts";
import type { ActorPlace, ClientPorts } from "./ports.ts";
import { randomText } from "./ports.ts";
import type { Settled } from "./session-answer.ts";
import { itemOutcomes } from "./session-answer.ts";

/** Who gave a command and wants to hear what became of it. Called once. */
export interface Asked {
  settled(outcome: Settled): void;
}

/** A place in the order, taken before its command is ready to travel. */
export interface Place {
  fill(encoded: Uint8Array): void;
  leave(): void;
}

interface Bundle {
  readonly verb: string;
  readonly items: ItemBatch;
  /** Undefined where nobody wants to hear any more. */
  readonly asked: (Asked | undefined)[];
  isReady: boolean;
}

const ACCEPTED: Settled = { kind: "accepted", answer: undefined };
const TRIES_MAX = 5;

export class Session {
  private readonly ports: ClientPorts;
  private readonly place: ActorPlace;
  private readonly limits: ClientLimits;
  private readonly time: HostTime;
  private readonly roles: readonly Role[];
  private readonly courier: Courier;
  private readonly bytesMax: number;
  private roleIndex = 0;
  private waiting: Bundle[] = [];
  private waitingCount = 0;
  private waitingBytes = 0;
  private flying: Bundle | undefined;
  private flyingSince = 0;
  /** A store of the message at hand was not answered, or is on its way. */
  private mayBeStored = false;
  private tries = 0;
  private id: string | undefined;
  private birth = 0;
  private next = 1;
  /** Inbox sequence that later direct messages must not overtake. */
  private after: number | undefined;
  /** Why the inbox did not take the message at hand when it was last tried, where that may pass. */
  private heldBack: "full" | "no-leader" | undefined;
  private isOpening = false;
  private willPump = false;
  private isClosed = false;
  private cancelTimer: () => void = () => undefined;

  /** `roles`: under which to speak, the preferred first; the next is tried when the server denies one. */
  constructor(ports: ClientPorts, place: ActorPlace, roles: readonly Role[], limits: ClientLimits, epochs: Epochs, time: HostTime) {
    this.ports = ports;
    this.place = place;
    this.roles = roles;
    this.limits = limits;
    this.time = time;
    this.bytesMax = Math.min(limits.messageBytesMax, Math.floor(ports.wire.maxPayloadBytes / 2));
    this.courier = new Courier(ports, limits, epochs, {
      hostSubject: () => subjectsOf(place.cluster).query(place.kind, place.actor, this.roles[this.roleIndex]!, place.principal),
      answered: (answer) => this.answered(answer),
      nobody: () => this.nobody(),
      denied: () => this.denied(),
      overdue: () => this.overdue(),
    });
  }

  /** Nothing waits and nothing is on its way. */
  get isIdle(): boolean {
    return this.flying === undefined && this.waiting.length === 0;
  }

  /** Commands given and not settled. */
  get unsettled(): number {
    return this.waitingCount + (this.flying?.items.count ?? 0);
  }

  /** Gives a command: `encoded` is one item of `verb`, copied before this returns. */
  ask(verb: string, encoded: Uint8Array, asked: Asked): void {
    const refusal = this.whyNot(encoded.length);
    if (refusal !== undefined) return asked.settled(refusal);
    const last = this.waiting.at(-1);
    const fits = last?.isReady === true && last.verb === verb && last.items.count < this.limits.commandsPerMessageMax
      && last.items.bytes + encoded.length <= this.bytesMax;
    const bundle = fits ? last : this.newBundle(verb);
    bundle.isReady = true;
    this.add(bundle, encoded, asked);
    this.pumpSoon();
  }

  /** Takes a place in the order for a command that is not ready: what is given later waits behind it. */
  reserve(verb: string, asked: Asked): Place {
    const bundle = this.newBundle(verb);
    const done = (): void => {
      bundle.isReady = true;
      this.pump();
    };
    return {
      fill: (encoded) => {
        const refusal = this.whyNot(encoded.length);
        if (refusal === undefined) this.add(bundle, encoded, asked);
        done();
        if (refusal !== undefined) asked.settled(refusal);
      },
      leave: done,
    };
  }

  /**
   * Takes a command back. `withdrawn`: it was never sent and never will be. `sent`: it may take effect. Either way
   * nobody is called back.
   */
  withdraw(asked: Asked): "withdrawn" | "sent" | "settled" {
    const inFlight = this.flying?.asked.indexOf(asked) ?? -1;
    if (inFlight >= 0) {
      this.flying!.asked[inFlight] = undefined;
      return "sent";
    }
    for (const bundle of this.waiting) {
      const index = bundle.asked.indexOf(asked);
      if (index < 0) continue;
      this.waitingCount--;
      this.waitingBytes -= bundle.items.item(index).length;
      bundle.items.remove(index);
      bundle.asked.splice(index, 1);
      return "withdrawn";
    }
    return "settled";
  }

  /** Settles everything that is open and sends nothing more. */
  close(): void {
    this.isClosed = true;
    this.cancelTimer();
    const outcome: Settled = this.inDoubt || this.courier.isBusy
      ? { kind: "unknown", message: "the client was closed before an answer came" } : closedOutcome;
    this.courier.close();
    const { flying, waiting } = this;
    this.flying = undefined;
    this.waiting = [];
    this.waitingCount = this.waitingBytes = 0;
    if (flying !== undefined) settleAll(flying, outcome);
    for (const bundle of waiting) settleAll(bundle, closedOutcome);
  }

  /** Some copy of the message at hand may have been decided, or may be, without our knowing. */
  private get inDoubt(): boolean {
    return this.courier.inDoubt || this.mayBeStored;
  }

  private whyNot(bytes: number): Settled | undefined {
    if (this.isClosed) return closedOutcome;
    if (bytes > this.bytesMax - 200) return failed("client/too-large", `the command takes ${bytes} bytes, and a message has room for ${this.bytesMax - 200}`);
    if (this.waitingCount < this.limits.commandsWaitingMax && this.waitingBytes + bytes <= this.limits.bytesWaitingMax) return undefined;
    return failed("client/overloaded", `${this.waitingCount} commands wait already: await earlier ones first, or use addAll`);
  }

  private newBundle(verb: string): Bundle {
    const bundle: Bundle = { verb, items: new ItemBatch(), asked: [], isReady: false };
    this.waiting.push(bundle);
    return bundle;
  }

  private add(bundle: Bundle, encoded: Uint8Array, asked: Asked): void {
    bundle.items.push(encoded);
    bundle.asked.push(asked);
    this.waitingCount++;
    this.waitingBytes += encoded.length;
  }

  /** Commands given in one turn of the loop travel together: the first would else go alone, and the rest wait for its answer. */
  private pumpSoon(): void {
    if (this.willPump || this.flying !== undefined) return;
    this.willPump = true;
    this.ports.clock.after(0, () => {
      this.willPump = false;
      this.pump();
    });
  }

  /** Sends the next message, if none is on its way. */
  private pump(): void {
    if (this.flying !== undefined || this.isOpening || this.isClosed) return;
    while (this.waiting[0]?.isReady === true && this.waiting[0].items.count === 0) this.waiting.shift();
    const bundle = this.waiting[0];
    if (bundle === undefined || !bundle.isReady) return;
    if (this.id === undefined || this.time.now() - this.birth > this.limits.sessionKeepMs / 2) return this.open();
    this.waiting.shift();
    this.waitingCount -= bundle.items.count;
    this.waitingBytes -= bundle.items.bytes;
    this.flying = bundle;
    this.flyingSince = this.ports.clock.monotonicMs();
    this.mayBeStored = false;
    this.send(bundle);
  }

  /** A session's id holds its birth in server time, so the host is asked for that first. */
  private open(): void {
    this.isOpening = true;
    this.time.ask(this.roles[this.roleIndex]!, () => {
      this.isOpening = false;
      this.birth = this.time.now();
      this.id = `${this.birth.toString(36)}-${randomText(this.ports.random, 16)}`;
      this.next = 1;
      this.pump();
    });
  }

  private send(bundle: Bundle): void {
    const { kind, actor, principal, cluster } = this.place;
    this.heldBack = undefined;
    const notAfter = Math.min(this.birth + this.limits.sessionKeepMs, this.time.now() + this.limits.notAfterMs);
    const meta: Record<string, unknown> = { session: this.id, first: this.next, unanswered: this.next, notAfter };
    if (this.after !== undefined) meta["after"] = this.after;
    this.next += bundle.items.count;
    const untilMs = this.ports.clock.monotonicMs() + Math.min(this.limits.giveUpMs, Math.max(0, notAfter - this.time.now()));
    const subject = subjectsOf(cluster).command(kind, actor, this.roles[this.roleIndex]!, principal);
    this.courier.send(subject, bundle.items.sealBehind(headOf(encode(meta), encode(bundle.verb))), untilMs);
  }

  private answered(answer: Answer): void {
    const bundle = this.flying!;
    const { inDoubt } = this;
    const { outcomes, error } = itemOutcomes(answer);
    if (error !== undefined) return this.finish(inDoubt ? { kind: "unknown", message: error.message } : error);
    this.after = undefined;
    if (outcomes === undefined) return this.finish(ACCEPTED);
    const undecided: number[] = [];
    let sessionCode = "";
    for (let i = 0; i < bundle.asked.length; i++) {
      const outcome = outcomes.get(i) ?? ACCEPTED;
      if (outcome.kind === "rejected" && outcome.code.startsWith("session/")) {
        sessionCode = outcome.code;
        undecided.push(i);
      } else bundle.asked[i]?.settled(outcome);
    }
    if (undecided.length === 0) return this.done();
    this.undecided(part(bundle, undecided), sessionCode, inDoubt);
  }

  /** The host refused the session before it decided these. */
  private undecided(rest: Bundle, code: string, inDoubt: boolean): void {
    this.flying = rest;
    if (inDoubt) return this.finish({ kind: "unknown", message: `the host answered ${code} to a repeat of this command, and an earlier copy may have been decided` });
    if (++this.tries > TRIES_MAX) return this.finish(failed(code, "the host refused every session this client opened"));
    this.id = undefined;
    this.waiting.unshift(rest);
    this.waitingCount += rest.items.count;
    this.waitingBytes += rest.items.bytes;
    this.flying = undefined;
    if (code !== "session/too-many") return this.pump();
    this.isOpening = true;
    this.cancelTimer = this.ports.clock.after(this.limits.backoffMax * (0.5 + this.ports.random()), () => {
      this.isOpening = false;
      this.pump();
    });
  }

  /** No host listens: the message goes where the next one will read it. */
  private nobody(): void {
    const bundle = this.flying!;
    const { kind, actor, principal, cluster } = this.place;
    const subject = subjectsOf(cluster).inbox(kind, actor, this.roles[this.roleIndex]!, principal);
    const bytes = this.inboxBytes(bundle);
    const wasInDoubt = this.mayBeStored;
    this.mayBeStored = true;
    this.ports.wire.store(subject, bytes, (answer) => {
      if (this.flying !== bundle || this.isClosed) return;
      if (answer.kind === "refused") this.mayBeStored = wasInDoubt;
      this.stored(answer);
    });
  }

  private inboxBytes(bundle: Bundle): Uint8Array {
    const sent = this.courier.bytes;
    if (this.courier.inDoubt || sent === undefined) return sent!;
    const first = this.next - bundle.items.count;
    return bundle.items.sealBehind(headOf(encode({ session: this.id, first }), encode(bundle.verb)));
  }

  private stored(answer: StoreAnswer): void {
    switch (answer.kind) {
      case "stored":
        this.courier.drop();
        this.after = Math.max(this.after ?? 0, answer.sequence);
        return this.finish({ kind: "stored", sequence: answer.sequence });
      case "unknown":
        // Stored twice it is decided once, by its numbers, which the host remembers for `sessionKeepMs`.
        if (this.ports.clock.monotonicMs() - this.flyingSince > this.limits.sessionKeepMs / 2) return this.giveUp("", "");
        this.cancelTimer = this.ports.clock.after(this.limits.backoffFirstMs * (0.5 + this.ports.random()), () => {
          if (this.flying !== undefined) this.nobody();
        });
        return;
      case "refused":
        this.heldBack = answer.cause === "full" || answer.cause === "no-leader" ? answer.cause : undefined;
        if (this.heldBack !== undefined || this.inDoubt) return this.courier.again();
        return this.refusedBy(answer.cause);
    }
  }

  private overdue(): void {
    if (this.heldBack !== undefined) return this.refusedBy(this.heldBack);
    this.giveUp("no host answered in time: see whether one runs (`longshore doctor`)", "host/unavailable");
  }

  private refusedBy(cause: keyof typeof STORE_MESSAGES): void {
    this.giveUp(STORE_MESSAGES[cause], `inbox/${cause}`);
  }

  private denied(): void {
    const bundle = this.flying!;
    if (this.roleIndex + 1 >= this.roles.length) return this.giveUp(`the server denies ${this.place.principal} the role ${this.roles.join(" or ")}`, "server/denied");
    this.roleIndex++;
    this.courier.drop();
    this.next -= bundle.items.count;
    this.send(bundle);
  }

  private giveUp(message: string, code: string): void {
    const inDoubt = this.inDoubt || this.courier.wasPushedBack;
    this.courier.drop();
    const waitedMs = Math.round(this.ports.clock.monotonicMs() - this.flyingSince);
    this.finish(inDoubt ? { kind: "unknown", message: `no answer came within ${waitedMs} ms` } : failed(code, message));
  }

  private finish(outcome: Settled): void {
    const bundle = this.flying!;
    for (const asked of bundle.asked) asked?.settled(outcome);
    this.done();
  }

  private done(): void {
    this.flying = undefined;
    this.tries = 0;
    this.pumpSoon();
  }
}

const failed = (code: string, message: string): Settled => ({ kind: "failed", code, message });
const closedOutcome: Settled = failed("client/closed", "the client was closed before the command was sent");

const STORE_MESSAGES = {
  full: "no host is up, and the inbox is full: start one (`longshore run job-queue`), which empties it",
  "no-leader": "no host is up, and no server leads the inbox: see that more than half of them run (`longshore doctor`) and that the streams are there (`longshore setup`)",
  "too-large": "the inbox takes no message of this size",
  denied: "no host is up, and the server does not let this user write to the inbox",
  "no-stream": "no host is up, and the inbox is not there: start one (`longshore up`), or create the streams (`longshore setup`)",
} as const;

function settleAll(bundle: Bundle, outcome: Settled): void {
  for (const asked of bundle.asked) asked?.settled(outcome);
}

/** The items at these places that somebody still waits for, as a bundle of their own. */
function part(bundle: Bundle, indexes: readonly number[]): Bundle {
  const rest: Bundle = { verb: bundle.verb, items: new ItemBatch(), asked: [], isReady: true };
  for (const index of indexes) {
    const asked = bundle.asked[index];
    if (asked === undefined) continue;
    rest.items.push(bundle.items.item(index));
    rest.asked.push(asked);
  }
  return rest;
}

/**
 * Who is there: turns what instances say, and their silence, into commands to the queue. It keeps no truth of its own.
 *
 *   hello, another incarnation ─▶ join (*)      3 s of silence ─▶ probe ─┬─ an answer: still there
 *   hello, other pools         ─▶ topics                                 └─ no responders, twice ─▶ leave
 *   hello, draining            ─▶ drain         30 s of silence ─▶ leave
 *   hello, leaving             ─▶ leave
 *
 * (*) When another is here already, the instance is asked which of them lives.
 *
 * Where the process follows the topology, a roster says more, and sooner: an incarnation that has left an activated view
 * leaves here at once, also in the first 10 s; and a topic that is disabled for an instance is not part of what it offers.
 *
 * Silence counts only while this host is connected and its own loop runs, and nobody leaves in the first 10 s: a host
 * that has just opened has heard nobody yet. A wrong guess costs repeated work, never wrong work: the attempts of an
 * instance that has left are superseded, and what it says of them is refused.
 *
 * A hello also says what the instance has seen of what it was told. When that is less than it should be, of another
 * epoch, or told to another member number, everything it runs is told again; it knows repeats. The answer names these attempts:
 * one that was given up and has come back had perhaps begun some of them before it heard that it is taken in again.
 *
 * The answer is a heartbeat: `proven` only while the last stored append is younger than T/2. As long as attempts of
 * ordered queues run, an idle host therefore writes an empty commit now and then.
 */

import type { Attendant, HostContext, WireMessage } from "@longshore/kernel";
import { encode, encodeJson, Fault, isToken, subjectsOf, workAddress } from "@longshore/kernel";
import type { JobQueueEvent } from "../events.ts";
import { memberOf, runItem, runningOf } from "../lookups.ts";
import type { Member } from "../members.ts";
import type { QueueState } from "../state.ts";
import { ABORT } from "../vocabulary.ts";
import type { HelloMessage } from "./hello.ts";
import { poolsDiffer, readHello } from "./hello.ts";
import { Roll } from "./roll.ts";
import type { Departed, Roster } from "./roster.ts";
import { enabledPools, NO_ROSTER } from "./roster.ts";

export interface PresenceOptions {
  /** The actor's name; it stands in front of job ids. */
  readonly shard?: string;
  readonly roster?: Roster;
}

/** Timings, milliseconds. T is 10 s. */
export const PRESENCE = {
  lookEveryMs: 1_000,
  probeAfterMs: 3_000,
  probeTimeoutMs: 1_000,
  silenceMs: 30_000,
  graceMs: 10_000,
  /** A host that has stored nothing for T/2 has proven nothing. */
  provenMs: 5_000,
  touchAfterMs: 2_000,
  /** What was told at the hello before must have been seen by now. */
  beatMs: 500,
  joinsMax: 10_000,
} as const;

export const presence = ({ shard = "main", roster = NO_ROSTER }: PresenceOptions = {}): Attendant<QueueState, JobQueueEvent> => new Presence(shard, roster);

class Presence implements Attendant<QueueState, JobQueueEvent> {
  private readonly shard: string;
  private readonly roster: Roster;
  private context: HostContext<QueueState> | undefined;
  private readonly roll = new Roll();
  /** Instances for which a command of ours is on its way, by principal and instance. */
  private readonly pending = new Set<string>();
  /** Those for whom another command was on its way when they left the topology. */
  private departed: Departed[] = [];
  private stops: (() => void)[] = [];
  private servingMs = 0;
  private lookedMs = 0;

  constructor(shard: string, roster: Roster) {
    this.shard = shard;
    this.roster = roster;
  }

  serving(context: HostContext<QueueState>): void {
    this.stopped();
    this.context = context;
    this.servingMs = this.lookedMs = context.clock.monotonicMs();
    this.stops = [
      context.wire.subscribe(subjectsOf(context.cluster).hellosTo(this.shard), (message) => this.hello(context, message)),
      context.wire.onReconnect(() => this.roll.everybodySeen(context.clock.monotonicMs())),
      context.clock.after(PRESENCE.lookEveryMs, () => this.look(context)),
      this.roster.onTopics(() => this.topicsChanged(context)),
      this.roster.onGone((who) => this.gone(context, who)),
    ];
  }

  stopped(): void {
    for (const stop of this.stops) stop();
    this.stops = [];
    this.context = undefined;
    this.pending.clear();
    this.departed = [];
    this.roll.clear();
  }

  private hello(context: HostContext<QueueState>, message: WireMessage): void {
    const [, , , principal, instance, shard, ...rest] = message.subject.split(".");
    const reply = (answer: unknown): void => message.reply?.(message.json ? encodeJson(answer) : encode(answer));
    if (!isToken(principal) || !isToken(instance) || shard !== this.shard || rest.length > 0) return reply(refusal("subject/unknown", "say hello on ls.<cluster>.hi.<principal>.<instance>.<shard>"));
    try {
      this.heard(context, { principal, instance }, readHello(message.data, message.json), reply);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      reply(refusal(error.code, error.message));
    }
  }

  private heard(context: HostContext<QueueState>, who: Who, hello: HelloMessage, reply: (answer: unknown) => void): void {
    const member = memberOf(context.state, who.instance);
    if (member !== undefined && member.principal !== who.principal) return reply(refusal("instance/not-yours", `instance "${who.instance}" is announced by another principal: choose another id`));
    if (member?.incarnation !== hello.incarnation) {
      if (hello.leaving) return reply({ epoch: context.epoch, left: true });
      return member === undefined ? this.join(context, who, hello, reply) : this.joinIfAlive(context, who, hello, reply);
    }
    this.roll.seen(who.instance, context.clock.monotonicMs());
    this.roll.offers(who.instance, hello.pools, context.clock.monotonicMs());
    const pools = enabledPools(this.roster, who.instance, hello.pools);
    const item = { instance: who.instance, incarnation: hello.incarnation };
    if (hello.leaving) return this.command(context, "leave", who, { ...item, reason: "left" }, reply, () => undefined);
    const greeted = (present: Member): void => this.greet(context, present, hello, reply);
    if (hello.draining && !member.isDraining) return this.command(context, "drain", who, item, reply, greeted);
    if (!hello.draining && poolsDiffer(member.pools, pools)) return this.command(context, "topics", who, { ...item, pools }, reply, greeted);
    this.greet(context, member, hello, reply);
  }

  /** Answers a hello, and tells everything again where that is needed. */
  private greet(context: HostContext<QueueState>, member: Member, hello: HelloMessage, reply: (answer: unknown) => void): void {
    const again = this.mustTellAgain(context, member, hello);
    const answer = this.answer(context, member, again);
    if (again) this.tellAll(context, member);
    context.whenStored(() => reply(answer));
  }

  private join(context: HostContext<QueueState>, who: Who, hello: HelloMessage, reply: (answer: unknown) => void): void {
    const { incarnation, processors } = hello;
    this.roll.offers(who.instance, hello.pools, context.clock.monotonicMs());
    const pools = enabledPools(this.roster, who.instance, hello.pools);
    // Whatever it has seen was told to what it was before.
    const greeted = (member: Member): void => this.greet(context, member, { ...hello, gap: true }, reply);
    this.command(context, "join", who, { instance: who.instance, incarnation, processors, pools }, reply, greeted);
  }

  /**
   * Another incarnation is here. Whose hello is the late one is asked of the instance itself: a word that a dead process
   * left on the way must not put out the one that lives, because both are told their work at the same address.
   */
  private joinIfAlive(context: HostContext<QueueState>, who: Who, hello: HelloMessage, reply: (answer: unknown) => void): void {
    const key = keyOf(who);
    if (this.pending.has(key)) return reply({ epoch: context.epoch, pending: true });
    this.pending.add(key);
    context.wire.request(subjectsOf(context.cluster).ping(who.principal, who.instance, this.shard), encode({}), PRESENCE.probeTimeoutMs, (answer) => {
      if (this.context !== context) return;
      this.pending.delete(key);
      if (answer.kind === "timeout") return reply({ epoch: context.epoch, pending: true });
      const alive = answer.kind === "answer" ? incarnationIn(answer.data) : hello.incarnation;
      if (alive === hello.incarnation) return this.join(context, who, hello, reply);
      reply(refusal("instance/stale-incarnation", `instance "${who.instance}" is alive as another incarnation: give every process an instance of its own`));
    });
  }

  /** Gives the actor a command about an instance, one at a time for each; `done` when it is stored and the instance here. */
  private command(context: HostContext<QueueState>, verb: string, who: Who, item: unknown, reply: (answer: unknown) => void, done: (member: Member) => void): void {
    const key = keyOf(who);
    if (this.pending.has(key)) return reply({ epoch: context.epoch, pending: true });
    if (this.pending.size >= PRESENCE.joinsMax) return reply(refusal("host/overloaded", "too many instances announce themselves at once: say hello again"));
    this.pending.add(key);
    context.command(verb, item, { role: "hello", principal: who.principal }, (answer) => {
      if (this.context !== context) return;
      this.pending.delete(key);
      const rejection = firstRejection(answer);
      if (rejection !== undefined) return reply(rejection);
      const member = memberOf(context.state, who.instance);
      if (member === undefined) return reply({ epoch: context.epoch, left: true });
      this.roll.seen(who.instance, context.clock.monotonicMs());
      done(member);
    });
  }

  private answer(context: HostContext<QueueState>, member: Member, again: boolean): Readonly<Record<string, unknown>> {
    const told = context.toldCount(this.addressOf(member));
    const running = again ? runningOf(member).map(({ number, attempt }) => [number, attempt]) : [];
    this.roll.told(member.instance, told, context.clock.monotonicMs());
    return {
      epoch: context.epoch, told, at: context.now(), member: member.number,
      proven: context.sinceStoredMs() < PRESENCE.provenMs, ...(again && { again: true }), ...(running.length > 0 && { running }),
    };
  }

  private mustTellAgain(context: HostContext<QueueState>, member: Member, { epoch, received, member: known, gap }: HelloMessage): boolean {
    if (epoch !== context.epoch || gap || (known !== 0 && known !== member.number)) return true;
    const before = this.roll.toldBefore(member.instance, context.clock.monotonicMs() - PRESENCE.beatMs);
    return before !== undefined && received < before;
  }

  private tellAll(context: HostContext<QueueState>, member: Member): void {
    for (const job of runningOf(member)) {
      context.tell(this.addressOf(member), runItem(context.state, job, this.shard));
      if (job.stopRequested) context.tell(this.addressOf(member), [ABORT, job.number, job.attempt, "stop"]);
    }
  }

  private addressOf({ principal, instance }: Member): string {
    return workAddress(principal, instance, this.shard);
  }

  /** Once a second: who has been silent, and whether this host should prove itself. */
  private look(context: HostContext<QueueState>): void {
    const { clock, wire } = context;
    const nowMs = clock.monotonicMs();
    // Time in which this process did not run is no silence of others; nor is time without a connection.
    if (nowMs - this.lookedMs > 2 * PRESENCE.lookEveryMs || !wire.connected) this.roll.everybodySeen(nowMs);
    this.lookedMs = nowMs;
    this.stops[2] = clock.after(PRESENCE.lookEveryMs, () => this.look(context));
    for (const who of this.departed.splice(0)) this.gone(context, who);
    const present = [...context.state.members.values()].filter((member) => member.leftBecause === undefined && !member.isRoute);
    this.roll.keepOnly(present.map((member) => member.instance));
    if (wire.connected) for (const member of present) this.lookAt(context, member, nowMs);
    if (context.sinceStoredMs() > PRESENCE.touchAfterMs && present.some(runsExclusive)) context.touch();
  }

  private lookAt(context: HostContext<QueueState>, member: Member, nowMs: number): void {
    const entry = this.roll.entry(member.instance, nowMs);
    const silentMs = nowMs - entry.seenMs;
    if (silentMs < PRESENCE.probeAfterMs) return;
    const mayLeave = nowMs - this.servingMs >= PRESENCE.graceMs;
    if (mayLeave && silentMs >= PRESENCE.silenceMs) return this.leave(context, member, `silent for ${Math.round(silentMs / 1_000)} s`);
    if (mayLeave && entry.noResponders >= 2) return this.leave(context, member, "no responders");
    if (entry.isProbed) return;
    entry.isProbed = true;
    const subject = subjectsOf(context.cluster).ping(member.principal, member.instance, this.shard);
    context.wire.request(subject, encode({}), PRESENCE.probeTimeoutMs, (answer) => {
      if (this.context !== context) return;
      entry.isProbed = false;
      if (answer.kind === "no-responders") entry.noResponders++;
      else if (answer.kind === "answer" && incarnationIn(answer.data) === member.incarnation) this.roll.seen(member.instance, context.clock.monotonicMs());
    });
  }

  /** What it ran is taken back, once: should it live after all, its next hello makes it join anew. */
  private gone(context: HostContext<QueueState>, who: Departed): void {
    const member = memberOf(context.state, who.instance);
    if (member?.incarnation !== who.incarnation) return;
    if (this.pending.has(keyOf(member))) this.departed.push(who);
    else this.leave(context, member, "left the topology");
  }

  /** What was offered last is looked at again, before the next hello says it. */
  private topicsChanged(context: HostContext<QueueState>): void {
    for (const member of context.state.members.values()) {
      const offered = this.roll.offered(member.instance);
      if (!member.takesWork || offered === undefined) continue;
      const { principal, instance, incarnation } = member;
      const pools = enabledPools(this.roster, instance, offered);
      if (poolsDiffer(member.pools, pools)) this.command(context, "topics", { principal, instance }, { instance, incarnation, pools }, () => undefined, () => undefined);
    }
  }

  private leave(context: HostContext<QueueState>, member: Member, reason: string): void {
    const { principal, instance, incarnation } = member;
    this.command(context, "leave", { principal, instance }, { instance, incarnation, reason }, () => undefined, () => undefined);
  }
}

interface Who {
  readonly principal: string;
  readonly instance: string;
}

const keyOf = ({ principal, instance }: Who): string => `${principal}/${instance}`;

const runsExclusive = (member: Member): boolean => runningOf(member).some((job) => job.queue.isOrdered);

const refusal = (code: string, message: string): unknown => ({ error: { code, message } });

function firstRejection(answer: Readonly<Record<string, unknown>>): unknown {
  const { rejected } = answer as { readonly rejected?: readonly (readonly [number, string, string])[] };
  const first = rejected?.[0];
  return first === undefined ? undefined : refusal(first[1], first[2]);
}

function incarnationIn(data: Uint8Array): string | undefined {
  try {
    return readHello(data, false).incarnation;
  } catch {
    return undefined;
  }
}

/**
 * A host without a world: decides, settles and folds on a virtual clock, every event through the journal's codec.
 *
 * It holds the actor to its contract: what `due` calls due must make `settle` say something, and the invariants hold.
 */
import type { Malformed, Role } from "@longshore/kernel";
import { decodeTrusted, encode, encodeCanonical, invariant } from "@longshore/kernel";
import type { DiscoveryRejection } from "../commands.ts";
import type { DiscoveryAgentActor } from "../discovery-agent.ts";
import { discoveryAgent } from "../discovery-agent.ts";
import type { DiscoveryEvent, DiscoveryEventType, EventOf } from "../events.ts";
import { TopologyCheck } from "../invariants.ts";
import type { DiscoveryLimits } from "../limits.ts";
import type { DiscoveryState } from "../state.ts";

type Fields = Readonly<Record<string, unknown>>;

export type Answer =
  | { readonly kind: "accepted"; readonly answer?: unknown; readonly events: readonly DiscoveryEvent[] }
  | { readonly kind: "rejected"; readonly rejection: DiscoveryRejection; readonly events: readonly DiscoveryEvent[] }
  | { readonly kind: "malformed"; readonly malformed: Malformed };

const START_AT = 1_700_000_000_000;

export class MiniHost {
  readonly actor: DiscoveryAgentActor;
  state: DiscoveryState;
  at: number = START_AT;
  readonly events: DiscoveryEvent[] = [];
  readonly instants: number[] = [];
  readonly told: { readonly address: string; readonly item: readonly unknown[] }[] = [];
  readonly check: TopologyCheck = new TopologyCheck();
  /** Events a commit has room for after its command. */
  room = 10_000;
  /** Members ack by themselves as soon as they are asked. */
  acksAtOnce = true;

  constructor(limits: Partial<DiscoveryLimits> = {}, peers: readonly string[] = ["far", "off"]) {
    this.actor = discoveryAgent({ cluster: "test", limits, peers });
    this.state = this.actor.initial();
  }

  /** One commit with one item of a message in it. */
  send(verb: string, item: unknown, role: Role = "hello", principal = "ann"): Answer {
    const answer = this.sendOne(verb, item, role, principal);
    if (this.acksAtOnce) this.ackAll();
    return answer;
  }

  private sendOne(verb: string, item: unknown, role: Role, principal: string): Answer {
    const parsed = this.actor.parse(verb, decodeTrusted(encode(item)), { role, principal }, () => "");
    if (parsed.kind === "malformed") return parsed;
    const from = this.events.length;
    const decision = this.actor.decide(this.state, parsed.command, this.at);
    for (const event of decision.events ?? []) this.apply(event);
    this.settleAll();
    const events = this.events.slice(from);
    return decision.kind === "rejected" ? { kind: "rejected", rejection: decision.rejection, events } : { kind: "accepted", answer: decision.answer, events };
  }

  /** Moves the clock, stopping wherever something is due. */
  advance(ms: number): void {
    const until = this.at + ms;
    for (let due = this.due(); due !== undefined && due <= until; due = this.due()) {
      this.at = Math.max(this.at, due);
      this.settleOnce();
      if (this.acksAtOnce) this.ackAll();
    }
    this.at = until;
  }

  due(): number | undefined {
    return this.actor.due(this.state);
  }

  /** The state is replaced by what a snapshot of it restores. */
  restart(): void {
    this.state = this.actor.restore(snapshotValues(this.actor, this.state));
  }

  digest(): string {
    return digestOf(this.actor, this.state);
  }

  ask<T>(ask: string, fields: Fields = {}): T {
    return decodeTrusted(encode(this.actor.query(this.state, { ask, ...fields }, { role: "operate", principal: "ann" }, this.at))) as T;
  }

  /** Shorthand for the commonest commands. */
  announce(instance: string, fields: Fields = {}, principal = "ann"): Answer {
    return this.send("announce", { instance, incarnation: `${instance}-1`, ...fields }, "hello", principal);
  }

  leave(instance: string, incarnation = `${instance}-1`): Answer {
    return this.send("leave", { instance, incarnation });
  }

  suspect(by: string, instance: string, kind: "witness" | "silent", fields: Fields = {}): Answer {
    return this.send("suspect", { by, byIncarnation: this.incarnationOf(by), instance, incarnation: this.incarnationOf(instance), kind, isHealthy: true, ...fields });
  }

  refute(by: string, instance: string): Answer {
    return this.send("refute", { by, byIncarnation: this.incarnationOf(by), instance, incarnation: this.incarnationOf(instance) });
  }

  ack(instance: string, number: number = this.state.proposed?.number ?? 1): Answer {
    return this.send("ack", { instance, incarnation: this.incarnationOf(instance), number });
  }

  /** A cluster of these members, in this order, in one activated view. */
  form(...instances: readonly string[]): this {
    for (const instance of instances) {
      this.announce(instance);
      this.at++;
    }
    this.advance(1_500);
    return this;
  }

  /** Instances of the activated view, in order. */
  get members(): readonly string[] {
    return (this.state.view?.members ?? []).map(({ instance }) => instance);
  }

  get viewNumber(): number {
    return this.state.view?.number ?? 0;
  }

  all<Type extends DiscoveryEventType>(type: Type): readonly EventOf<Type>[] {
    return this.events.filter((event): event is EventOf<Type> => event.type === type);
  }

  incarnationOf(instance: string): string {
    return this.state.living.get(instance)?.record.incarnation ?? `${instance}-1`;
  }

  private ackAll(): void {
    for (let { proposed } = this.state; proposed !== undefined; { proposed } = this.state) {
      const missing = proposed.members.find((member) => this.state.isLiving(member) && !proposed?.acked.has(member.instance));
      if (missing === undefined) return;
      const { instance, incarnation, principal } = missing;
      this.sendOne("ack", { instance, incarnation, number: proposed.number }, "hello", principal);
    }
  }

  private settleAll(): void {
    this.settleIfAny();
    for (let due = this.due(); due !== undefined && due <= this.at; due = this.due()) this.settleOnce();
  }

  private settleOnce(): void {
    const before = this.events.length;
    this.settleIfAny();
    invariant(this.events.length > before, `something is due at ${this.at}, and settle says nothing`);
  }

  private settleIfAny(): void {
    let room = this.room;
    this.actor.settle(this.state, this.at, (event) => {
      this.apply(event);
      return --room > 0;
    });
  }

  private apply(event: DiscoveryEvent): void {
    const stored = this.actor.events.decode(decodeTrusted(encode(this.actor.events.encode(event))) as unknown[], 1);
    this.actor.evolve(this.state, stored, this.at);
    this.events.push(stored);
    this.instants.push(this.at);
    this.check.event(stored);
    invariant(this.check.violations.length === 0, JSON.stringify(this.check.violations));
    this.actor.react(this.state, stored, {
      tell: (address, item) => void this.told.push({ address, item: decodeTrusted(encode(item)) as unknown[] }),
      send: () => invariant(false, "DiscoveryAgent sends nothing to other actors"),
    });
  }
}

/** A snapshot as it comes back from storage. */
const snapshotValues = (actor: DiscoveryAgentActor, state: DiscoveryState): unknown[] =>
  [...actor.snapshot(state)].map((value) => decodeTrusted(encodeCanonical(value)));

export const digestOf = (actor: DiscoveryAgentActor, state: DiscoveryState): string =>
  [...actor.snapshot(state)].map((value) => Array.from(encodeCanonical(value), (byte) => byte.toString(16).padStart(2, "0")).join("")).join("\n");

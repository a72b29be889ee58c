/**
 * A host without a world: decides, settles and folds on a virtual clock, every event and message through the codec.
 *
 * It holds the actor to its contract: what `due` calls due must make `settle` say something.
 */
import type { Droppable, Malformed, Role } from "@longshore/kernel";
import { addressKey, decodeTrusted, encode, encodeCanonical, invariant } from "@longshore/kernel";
import type { OffloadRejection } from "../commands.ts";
import type { EventOf, OffloadEvent, OffloadEventType } from "../events.ts";
import type { OffloadRouterActor, OffloadRouterOptions } from "../offload-router.ts";
import { offloadRouter } from "../offload-router.ts";
import type { OffloadState } from "../state.ts";
import type { Move } from "../work.ts";

type Fields = Readonly<Record<string, unknown>>;

export type Answer =
  | { readonly kind: "accepted"; readonly events: readonly OffloadEvent[] }
  | { readonly kind: "rejected"; readonly rejection: OffloadRejection; readonly events: readonly OffloadEvent[] }
  | { readonly kind: "malformed"; readonly malformed: Malformed };

/** Something owed to another actor: `to` is `<cluster>.<kind>.<actor>`. */
export interface Sent {
  readonly to: string;
  readonly verb: string;
  readonly item: unknown;
  /** That it may be left out. */
  readonly how?: Droppable;
}

const START_AT = 1_700_000_000_000;
export const INPUT: Uint8Array = encode({ width: 3 });
export const digestOf = (letter: string): string => letter.repeat(64);

export class MiniHost {
  readonly actor: OffloadRouterActor;
  state: OffloadState;
  at: number = START_AT;
  readonly events: OffloadEvent[] = [];
  readonly instants: number[] = [];
  readonly sent: Sent[] = [];
  /** Events a commit has room for after its command. */
  room = 10_000;

  constructor(options: Partial<OffloadRouterOptions> = {}) {
    this.actor = offloadRouter({ cluster: "home", ...options });
    this.state = this.actor.initial();
  }

  /** One commit with one item of a message in it. */
  send(verb: string, item: unknown, role: Role, principal = "host"): Answer {
    const parsed = this.actor.parse(verb, decodeTrusted(encode(item)), { role, principal }, () => "");
    if (parsed.kind === "malformed") return parsed;
    const from = this.events.length;
    const decision = this.actor.decide(this.state, parsed.command, this.at);
    for (const event of decision.events ?? []) this.apply(event);
    this.settleAll();
    const events = this.events.slice(from);
    return decision.kind === "rejected" ? { kind: "rejected", rejection: decision.rejection, events } : { kind: "accepted", events };
  }

  /** Moves the clock, stopping wherever something is due. */
  advance(ms: number): void {
    const until = this.at + ms;
    for (let due = this.due(); due !== undefined && due <= until; due = this.due()) {
      this.at = Math.max(this.at, due);
      this.settleOnce();
    }
    this.at = until;
  }

  due(): number | undefined {
    return this.actor.due(this.state);
  }

  /** The state is replaced by what a snapshot of it restores. */
  restart(): void {
    this.state = this.actor.restore([...this.actor.snapshot(this.state)].map((value) => decodeTrusted(encodeCanonical(value))));
  }

  hash(state: OffloadState = this.state): string {
    return [...this.actor.snapshot(state)].map((value) => Array.from(encodeCanonical(value), (byte) => byte.toString(16).padStart(2, "0")).join("")).join("\n");
  }

  ask<T>(ask: string, fields: Fields = {}): T {
    return decodeTrusted(encode(this.actor.query(this.state, { ask, ...fields }, { role: "operate", principal: "ann" }, this.at))) as T;
  }

  /** Shorthand for the commonest commands. */
  route(cluster: string, fields: Fields = {}): Answer {
    return this.send("route", { cluster, pools: [{ topics: ["media/*"], slots: 4 }], ...fields }, "hello");
  }

  handOver(job: number, fields: Fields = {}): Answer {
    return this.send("handover", { shard: "main", job, attempt: 1, id: `main.j${job}`, topic: "media/thumbnail", cluster: "far", input: INPUT, options: {}, ...fields }, "actor");
  }

  peer(verb: string, item: Fields, cluster = "far"): Answer {
    return this.send(verb, item, "peer", cluster);
  }

  offer(trip: number, fields: Fields = {}, cluster = "far"): Answer {
    return this.peer("offer", { trip, id: `main.j${trip}`, topic: "media/thumbnail", input: INPUT, blobs: [], options: {}, ...fields }, cluster);
  }

  moved(step: Move["step"], number: number, failure?: Fields): Answer {
    return this.send("moved", { step, [step === "stage" || step === "import" ? "trip" : "guest"]: number, ...(failure === undefined ? {} : { failure }) }, "hello");
  }

  work(): readonly string[] {
    return this.ask<readonly Move[]>("work").map(({ step, number }) => `${step} ${number}`);
  }

  all<Type extends OffloadEventType>(type: Type): readonly EventOf<Type>[] {
    return this.events.filter((event): event is EventOf<Type> => event.type === type);
  }

  /** Verbs and items owed to an actor. */
  owed(to: string): readonly (readonly [string, unknown])[] {
    return this.sent.filter((sent) => sent.to === to).map(({ verb, item }) => [verb, item]);
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
    let { room } = this;
    this.actor.settle(this.state, this.at, (event) => {
      this.apply(event);
      return --room > 0;
    });
  }

  private apply(event: OffloadEvent): void {
    const stored = this.actor.events.decode(decodeTrusted(encode(this.actor.events.encode(event))) as unknown[], 1);
    this.actor.evolve(this.state, stored, this.at);
    this.events.push(stored);
    this.instants.push(this.at);
    this.actor.react(this.state, stored, {
      tell: () => invariant(false, "OffloadRouter tells nobody anything that may be lost"),
      send: (to, body, how) => {
        const [verb, item] = decodeTrusted(encode(body)) as [string, unknown];
        this.sent.push({ to: addressKey(to), verb, item, ...(how !== undefined && { how }) });
      },
    });
  }
}

/**
 * The smallest actor that reaches every part of the kernel: it adds numbers, and misbehaves when asked to.
 *
 * | verb | item | what happens |
 * |---|---|---|
 * | `add` | number | added; rejected as `counter/negative` below 0; answers the new total above 1,000 |
 * | `later` | [at, number] | added by `settle` when `at` has come |
 * | `tell` | [address, text] | told to whoever listens there |
 * | `send` | [actor, number] | sent to a counter of this cluster, or as `<cluster>/<actor>` of another one, which adds it |
 * | `say` | [actor, number, level or null] | the same, and it may be left out |
 * | `break` | where | makes `parse`, `decide`, `evolve` or `encode` throw |
 */
import type { Actor, Decision, Emit, Parsed, Reactions, RejectionShape, Sender } from "@longshore/kernel";
import { accepted, Defect, rejected } from "@longshore/kernel";

export interface CounterState {
  total: number;
  additions: number;
  /** Sorted by instant. */
  readonly later: { readonly at: number; readonly n: number }[];
}

export type CounterCommand =
  | { readonly type: "Add"; readonly n: number }
  | { readonly type: "AddLater"; readonly at: number; readonly n: number }
  | { readonly type: "Tell"; readonly address: string; readonly text: string }
  | { readonly type: "Send"; readonly actor: string; readonly n: number }
  | { readonly type: "Say"; readonly actor: string; readonly n: number; readonly level: string | null }
  | { readonly type: "Break"; readonly where: string };

export type CounterEvent =
  | { readonly type: "Added"; readonly n: number }
  | { readonly type: "Planned"; readonly at: number; readonly n: number }
  | { readonly type: "Due"; readonly n: number }
  | { readonly type: "Told"; readonly address: string; readonly text: string }
  | { readonly type: "Sent"; readonly actor: string; readonly n: number }
  | { readonly type: "Said"; readonly actor: string; readonly n: number; readonly level: string | null }
  | { readonly type: "Broken"; readonly where: string };

export type CounterRejection = RejectionShape & { readonly code: "counter/negative" };

export class CounterActor implements Actor<CounterState, CounterCommand, CounterEvent, CounterRejection> {
  readonly kind: string = "counter";
  readonly schema: number = 1;
  readonly cluster: string;

  constructor(cluster: string) {
    this.cluster = cluster;
  }

  readonly events: Actor<CounterState, CounterCommand, CounterEvent, CounterRejection>["events"] = {
    encode(event) {
      switch (event.type) {
        case "Added": return [16, event.n];
        case "Planned": return [17, event.at, event.n];
        case "Due": return [18, event.n];
        case "Told": return [19, event.address, event.text];
        case "Sent": return [20, event.actor, event.n];
        case "Said": return [21, event.actor, event.n, event.level];
        case "Broken": throw new Error("an event that cannot be encoded");
      }
    },
    decode(wire) {
      const [code, a, b, c] = wire as [number, never, never, never];
      switch (code) {
        case 16: return { type: "Added", n: a };
        case 17: return { type: "Planned", at: a, n: b };
        case 18: return { type: "Due", n: a };
        case 19: return { type: "Told", address: a, text: b };
        case 20: return { type: "Sent", actor: a, n: b };
        case 21: return { type: "Said", actor: a, n: b, level: c };
        default: throw new Defect(`unknown counter event code ${code}`);
      }
    },
  };

  initial(): CounterState {
    return { total: 0, additions: 0, later: [] };
  }

  decide(state: CounterState, command: CounterCommand): Decision<CounterEvent, CounterRejection> {
    switch (command.type) {
      case "Add":
        if (command.n < 0) return rejected({ code: "counter/negative", message: "only what is 0 or more can be added" });
        return { kind: "accepted", events: [{ type: "Added", n: command.n }], ...(command.n > 1_000 && { answer: { total: state.total + command.n } }) };
      case "AddLater": return accepted({ type: "Planned", at: command.at, n: command.n });
      case "Tell": return accepted({ type: "Told", address: command.address, text: command.text });
      case "Send": return accepted({ type: "Sent", actor: command.actor, n: command.n });
      case "Say": return accepted({ type: "Said", actor: command.actor, n: command.n, level: command.level });
      case "Break":
        if (command.where === "decide") throw new Error("decide fails as asked");
        return accepted({ type: "Broken", where: command.where });
    }
  }

  settle(state: CounterState, at: number, emit: Emit<CounterEvent>): void {
    while (state.later.length > 0 && state.later[0]!.at <= at) if (!emit({ type: "Due", n: state.later[0]!.n })) return;
  }

  evolve(state: CounterState, event: CounterEvent): void {
    switch (event.type) {
      case "Added":
        state.total += event.n;
        state.additions++;
        return;
      case "Planned":
        state.later.push({ at: event.at, n: event.n });
        state.later.sort((a, b) => a.at - b.at);
        return;
      case "Due":
        state.later.shift();
        state.total += event.n;
        return;
      case "Broken":
        state.total = Number.NaN;
        if (event.where === "evolve") throw new Error("evolve fails as asked");
        return;
      case "Told": case "Sent": case "Said":
        return;
    }
  }

  react(_state: CounterState, event: CounterEvent, reactions: Reactions): void {
    if (event.type === "Told") reactions.tell(event.address, event.text);
    if (event.type !== "Sent" && event.type !== "Said") return;
    const [actor = "", cluster = this.cluster] = event.actor.split("/").reverse();
    const how = event.type === "Sent" ? undefined : { mayDrop: true as const, ...(event.level !== null && { levelOf: event.level }) };
    reactions.send({ cluster, kind: this.kind, actor }, ["add", event.n], how);
  }

  due(state: CounterState): number | undefined {
    return state.later[0]?.at;
  }

  parse(verb: string, item: unknown): Parsed<CounterCommand> {
    const [first, second, third = null] = (Array.isArray(item) ? item : [item]) as [unknown, unknown, unknown];
    if (verb === "add" && typeof first === "number") return { kind: "command", command: { type: "Add", n: first } };
    if (verb === "later" && typeof first === "number" && typeof second === "number") return { kind: "command", command: { type: "AddLater", at: first, n: second } };
    if (verb === "tell" && typeof first === "string" && typeof second === "string") return { kind: "command", command: { type: "Tell", address: first, text: second } };
    if (verb === "send" && typeof first === "string" && typeof second === "number") return { kind: "command", command: { type: "Send", actor: first, n: second } };
    if (verb === "say" && typeof first === "string" && typeof second === "number" && (third === null || typeof third === "string")) return { kind: "command", command: { type: "Say", actor: first, n: second, level: third } };
    if (verb === "break" && typeof first === "string") {
      if (first === "parse") throw new Error("parse fails as asked");
      return { kind: "command", command: { type: "Break", where: first } };
    }
    return { kind: "malformed", malformed: { code: "counter/malformed", field: verb, remedy: "is no item of this verb" } };
  }

  query(state: CounterState, _question: Readonly<Record<string, unknown>>, _sender: Sender): unknown {
    return { total: state.total, additions: state.additions };
  }

  *snapshot(state: CounterState): Iterable<unknown> {
    yield [state.total, state.additions];
    for (const { at, n } of state.later) yield [at, n];
  }

  restore(chunks: Iterable<unknown>): CounterState {
    const [head, ...later] = [...chunks] as [[number, number], ...[number, number][]];
    return { total: head[0], additions: head[1], later: later.map(([at, n]) => ({ at, n })) };
  }
}

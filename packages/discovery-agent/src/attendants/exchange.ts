/** Speaking to the history from any instance: one command or one question, and what was answered. */
import type { Wire } from "@longshore/kernel";
import { decodeUntrusted, encode, subjectsOf } from "@longshore/kernel";
import type { DiscoveryRejection } from "../commands.ts";
import { DISCOVERY_ACTOR, DISCOVERY_KIND } from "../discovery-agent.ts";

/** `unheard`: nobody answered, or nobody could now; ask again. */
export type Reply =
  | { readonly kind: "accepted"; readonly answer: unknown }
  | { readonly kind: "rejected"; readonly code: DiscoveryRejection["code"] | string; readonly message: string }
  | { readonly kind: "unheard" };

/** `epoch` and `commit` say how far the history was that answered. */
export type Told = { readonly kind: "answer"; readonly epoch: number; readonly commit: number; readonly answer: unknown } | { readonly kind: "unheard" };

export interface Place {
  readonly cluster: string;
  readonly principal: string;
  /** Name of the actor; by default the only one there is. */
  readonly actor?: string;
}

/** How long an answer is waited for, milliseconds. */
const REPLY_WITHIN_MS = 2_000;

type Fields = Readonly<Record<string, unknown>>;

export class Exchange {
  private readonly wire: Wire;
  private readonly commands: string;
  private readonly queries: string;

  constructor(wire: Wire, { cluster, principal, actor = DISCOVERY_ACTOR }: Place) {
    this.wire = wire;
    const subjects = subjectsOf(cluster);
    this.commands = subjects.command(DISCOVERY_KIND, actor, "hello", principal);
    this.queries = subjects.query(DISCOVERY_KIND, actor, "hello", principal);
  }

  say(verb: string, item: unknown, done: (reply: Reply) => void): void {
    this.wire.request(this.commands, encode({ [verb]: [item] }), REPLY_WITHIN_MS, (answer) => {
      const message = answer.kind === "answer" ? mapIn(answer.data) : undefined;
      done(message === undefined ? { kind: "unheard" } : replyIn(message));
    });
  }

  ask(question: Fields, done: (told: Told) => void): void {
    this.wire.request(this.queries, encode(question), REPLY_WITHIN_MS, (answer) => {
      const { epoch, commit, answer: said } = (answer.kind === "answer" ? mapIn(answer.data) : undefined) ?? {};
      const isAnswer = typeof epoch === "number" && typeof commit === "number" && said !== undefined;
      done(isAnswer ? { kind: "answer", epoch, commit, answer: said } : { kind: "unheard" });
    });
  }
}

/** What a history answers to a message of one command. */
export function replyIn({ commit, rejected, answers, error }: Fields): Reply {
  const first = Array.isArray(rejected) ? (rejected[0] as readonly unknown[]) : undefined;
  if (first !== undefined) return { kind: "rejected", code: String(first[1]), message: String(first[2]) };
  if (error !== undefined && error !== null) {
    const { code, message } = error as Fields;
    return { kind: "rejected", code: String(code), message: String(message) };
  }
  // Overloaded: nothing was decided.
  if (typeof commit !== "number") return { kind: "unheard" };
  return { kind: "accepted", answer: Array.isArray(answers) ? (answers[0] as readonly unknown[] | undefined)?.[1] : undefined };
}

/** A message as a map; undefined when it is none. */
export function mapIn(data: Uint8Array): Fields | undefined {
  const value = valueIn(data);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

export function listIn(data: Uint8Array): readonly unknown[] | undefined {
  const value = valueIn(data);
  return Array.isArray(value) ? value : undefined;
}

function valueIn(data: Uint8Array): unknown {
  try {
    return decodeUntrusted(data);
  } catch {
    return undefined;
  }
}

/** A commit as people and their tools read it: events with names, payloads as the values they hold. */
import { type Commit, decodeKernelEvent, decodeUntrusted, type EventCodec, FIRST_ACTOR_CODE } from "@longshore/kernel";
import { hex } from "../render/quantities.ts";

export function readableCommit(commit: Commit, hash: Uint8Array, actor: { readonly events: Pick<EventCodec<object>, "decode"> }): Readonly<Record<string, unknown>> {
  const { number, epoch, at, host, inbox, outboxAcked } = commit;
  return {
    number, epoch, at, host, hash: hex(hash),
    ...(inbox.length === 0 ? {} : { inbox }),
    ...(outboxAcked.length === 0 ? {} : { outboxAcked }),
    events: commit.events.map((wire) => readable((wire[0] as number) < FIRST_ACTOR_CODE ? decodeKernelEvent(wire) : actor.events.decode(wire, commit.format))),
  };
}

const DEPTH_MAX = 40;

/** Encoded payloads become what they hold; other bytes are shown in base64. */
function readable(value: unknown, depth = 0): unknown {
  if (value instanceof Uint8Array) return readable(decoded(value), depth + 1);
  if (typeof value !== "object" || value === null || value instanceof Date || depth > DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((inner) => readable(inner, depth + 1));
  return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, readable(inner, depth + 1)]])));
}

function decoded(bytes: Uint8Array): unknown {
  try {
    return decodeUntrusted(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString("base64") };
  }
}

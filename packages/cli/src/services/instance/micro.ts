/**
 * Lets NATS's own tools see this instance: `nats micro ls` asks on `$SRV`, and every instance answers for itself
 * (NATS ADR-32). Only who it is and since when: what it does is told by `longshore topology`.
 */
import type { Wire } from "@longshore/kernel";
import { encodeJson } from "@longshore/kernel";
import { VERSION } from "../../version.ts";

const NAME = "longshore";
const DESCRIPTION = "an instance of a Longshore cluster";

export interface MicroService {
  readonly id: string;
  /** Values are text. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly startedAt: Date;
}

/** Answers PING, INFO and STATS. Returns a way to stop. */
export function answerMicro(wire: Wire, { id, metadata, startedAt }: MicroService): () => void {
  const base = { name: NAME, id, version: VERSION, metadata };
  const verbs: Readonly<Record<string, () => Record<string, unknown>>> = {
    PING: () => ({ ...base, type: "io.nats.micro.v1.ping_response" }),
    INFO: () => ({ ...base, type: "io.nats.micro.v1.info_response", description: DESCRIPTION, endpoints: [] }),
    STATS: () => ({ ...base, type: "io.nats.micro.v1.stats_response", started: startedAt.toISOString(), endpoints: [] }),
  };
  const stops = Object.entries(verbs).flatMap(([verb, answer]) =>
    [`$SRV.${verb}`, `$SRV.${verb}.${NAME}`, `$SRV.${verb}.${NAME}.${id}`].map((subject) => wire.subscribe(subject, ({ reply }) => reply?.(encodeJson(answer())))));
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * OffloadRouter: owns the round trip of jobs to other clusters and back, on both sides.
 *
 * Listens to: queues of its cluster (handover, stop; guestReport, guestEnded, guestRefused), routers of others (offer, cancel,
 *             release; answer, report, return), its host (moved, removed, route, routeLost, own), operators (`commands.ts`).
 * Promises:   P12 one outcome at the origin, imported before it is visible, no payload left behind; P8 the same events give the same state.
 * Not here:   which job goes where (JobQueue claims for another cluster as for an instance), who is there (DiscoveryAgent), bytes.
 */
import type { Actor } from "@longshore/kernel";
import type { OffloadCommand, OffloadRejection } from "./commands.ts";
import { decide } from "./decider.ts";
import type { Setting } from "./decision.ts";
import { eventCodec } from "./event-codec.ts";
import type { OffloadEvent } from "./events.ts";
import { evolve } from "./evolve.ts";
import type { OffloadLimits } from "./limits.ts";
import { OFFLOAD_LIMITS } from "./limits.ts";
import { parse } from "./parse.ts";
import { query } from "./queries.ts";
import { react } from "./react.ts";
import { due, settle } from "./settle.ts";
import { restore, snapshot } from "./snapshot.ts";
import { OffloadState } from "./state.ts";
import { OFFLOAD_KIND } from "./vocabulary.ts";

export interface OffloadRouterOptions {
  readonly cluster: string;
  readonly limits?: Partial<OffloadLimits>;
  /** False: payload of guests stays in this cluster's store, and somebody else removes it. */
  readonly removesPayloads?: boolean;
}

export type OffloadRouterActor = Actor<OffloadState, OffloadCommand, OffloadEvent, OffloadRejection>;

const SCHEMA = 2;

export function offloadRouter({ cluster, limits: given, removesPayloads = true }: OffloadRouterOptions): OffloadRouterActor {
  const limits: OffloadLimits = { ...OFFLOAD_LIMITS, ...given };
  const setting: Setting = { cluster, limits, removesPayloads };
  return {
    kind: OFFLOAD_KIND,
    schema: SCHEMA,
    events: eventCodec,
    initial: () => new OffloadState(),
    decide: (state, command, at) => decide(state, command, at, setting),
    settle: (state, at, emit) => settle(state, at, emit, setting),
    evolve,
    react: (state, event, reactions) => react(state, event, reactions, { cluster, limits }),
    due: (state) => due(state, limits),
    parse,
    query: (state, question, _sender, at) => query(state, question, at, limits),
    snapshot,
    restore,
  };
}

/**
 * DiscoveryAgent: owns who is there in one cluster, in which view, and who leads. One history per cluster.
 *
 * Listens to: announce, properties, leave, ack, suspect, refute, topics, remote, remoteGone, propose; from its host: outage
 *             (`commands.ts`).
 * Promises:   P11 one leader per view, the same views in the same order, CHANGING before CHANGED everywhere; P8.
 * Not here:   who hears whom (the detector of each instance), what listeners are told (each instance's topology), who may
 *             write this history (the kernel's guard and epoch), placement of actors.
 */
import type { Actor } from "@longshore/kernel";
import type { DiscoveryCommand, DiscoveryRejection } from "./commands.ts";
import type { Setting } from "./decider.ts";
import { decide } from "./decider.ts";
import { eventCodec } from "./event-codec.ts";
import type { DiscoveryEvent } from "./events.ts";
import { evolve } from "./evolve.ts";
import type { DiscoveryLimits } from "./limits.ts";
import { DISCOVERY_LIMITS } from "./limits.ts";
import { parse } from "./parse.ts";
import { query } from "./queries.ts";
import { react } from "./react.ts";
import { due, settle } from "./settle.ts";
import { restore, snapshot } from "./snapshot.ts";
import { DiscoveryState } from "./state.ts";

export interface DiscoveryAgentOptions {
  readonly cluster: string;
  /** Names of the clusters that this one hears, and is heard by if they name it too; none when absent. */
  readonly peers?: readonly string[];
  readonly limits?: Partial<DiscoveryLimits>;
}

export type DiscoveryAgentActor = Actor<DiscoveryState, DiscoveryCommand, DiscoveryEvent, DiscoveryRejection>;

/** The kind, and the name of the one actor of this kind in a cluster. */
export const DISCOVERY_KIND = "discovery-agent";
export const DISCOVERY_ACTOR = "main";

const SCHEMA = 1;

export function discoveryAgent({ cluster, peers = [], limits: given }: DiscoveryAgentOptions): DiscoveryAgentActor {
  const limits: DiscoveryLimits = { ...DISCOVERY_LIMITS, ...given };
  const setting: Setting = { cluster, limits, peers: new Set(peers) };
  return {
    kind: DISCOVERY_KIND,
    schema: SCHEMA,
    hearsInstances: true,
    events: eventCodec,
    initial: () => new DiscoveryState(),
    decide: (state, command, at) => decide(state, command, at, setting),
    settle: (state, at, emit) => settle(state, at, emit, limits),
    evolve,
    react,
    due: (state) => due(state, limits),
    parse,
    query,
    snapshot,
    restore,
  };
}

/**
 * One opening of the topology history: the host, and beside it what makes its snapshots and forgets what is old: every renewal
 * of every member leaves a commit, 17,000 a day for each.
 */
import { join } from "node:path";
import type { DiscoveryLimits, Opening } from "@longshore/discovery-agent";
import { announcer, DISCOVERY_ACTOR, DISCOVERY_KIND, discoveryAgent, outages } from "@longshore/discovery-agent";
import type { HostPorts, StopReason, Telemetry } from "@longshore/kernel";
import { Host } from "@longshore/kernel";
import type { Connection } from "@longshore/nats";
import { inboxOf, journalOf, marksOf, serverTimeOf, snapshotsOf, wireOf } from "@longshore/nats";
import { LightFollower } from "../light-follower.ts";
import { nodeClock, sha256 } from "../node-ports.ts";
import { SOFTWARE } from "../software.ts";

export interface DiscoveryHostOptions {
  readonly connection: Connection;
  readonly cluster: string;
  /** Tells this cluster from others of the same name. */
  readonly clusterId: string;
  readonly instance: string;
  readonly incarnation: string;
  /** Where the high-water mark is kept beside NATS. */
  readonly stateDir?: string;
  readonly limits?: Partial<DiscoveryLimits>;
  readonly peers: readonly string[];
  readonly telemetry: Telemetry;
}

/** How much of the history is kept: what is told of who was there and who led. */
const KEEP = { keepMs: 30 * 86_400_000, keepBytes: 256 * 1024 ** 2 } as const;

export function openDiscoveryHost(options: DiscoveryHostOptions, serving: (epoch: number) => void, stopped: (reason: StopReason) => void): Opening {
  const { connection, cluster, instance, incarnation, limits, peers, telemetry } = options;
  const actor = discoveryAgent({ cluster, peers, ...(limits === undefined ? {} : { limits }) });
  const ports = portsOf(options);
  const follower = new LightFollower(discoveryAgent({ cluster }), { connection, cluster, actor: DISCOVERY_ACTOR }, ports, KEEP);
  const host = new Host(actor, ports, {
    cluster, actor: DISCOVERY_ACTOR, instance, incarnation, principal: connection.principal, software: SOFTWARE,
    attendants: [outages(), announcer({ peers, telemetry, ...(limits?.remoteKeepMs === undefined ? {} : { remoteKeepMs: limits.remoteKeepMs }) })],
    onServing: () => {
      follower.start();
      serving(host.current.kernel.epoch);
    },
    onStopped: (reason) => {
      void follower.close();
      stopped(reason);
    },
  });
  host.open();
  return { close: () => host.close() };
}

function portsOf({ connection, cluster, clusterId, stateDir, telemetry }: DiscoveryHostOptions): HostPorts {
  const place = { cluster, kind: DISCOVERY_KIND, actor: DISCOVERY_ACTOR };
  const file = stateDir === undefined ? {} : { file: join(stateDir, `${clusterId}.${DISCOVERY_KIND}.${DISCOVERY_ACTOR}.mark`) };
  return {
    journal: journalOf(connection, place),
    inboxes: (["inbox", "peers"] as const).map((stream) => inboxOf(connection, { ...place, stream })),
    wire: wireOf(connection, cluster),
    clock: nodeClock,
    serverTime: serverTimeOf(connection, cluster),
    marks: marksOf(connection, { ...place, ...file }),
    snapshots: snapshotsOf(connection, place),
    hash: sha256,
    telemetry,
  };
}

/**
 * OffloadRouter as a service: the host of the cluster's round trips, and beside it who moves bytes and who follows the topology.
 *
 * `longshore run offload-router` and `longshore up` call this; a program may as well.
 */

import type { Attendant, BlobCarrier } from "@longshore/kernel";
import type { Connection } from "@longshore/nats";
import { blobsOf, carrierOf, openBlobDoor, wantedOf, wireOf } from "@longshore/nats";
import type { OffloadCommand, OffloadEvent, OffloadLimits, OffloadRejection, OffloadState } from "@longshore/offload-router";
import { mover, OFFLOAD_ACTOR, OFFLOAD_KIND, offloadRouter, ReadRights, routes } from "@longshore/offload-router";
import { ActorHosts, type HostingOptions, type Stopped } from "./actor-hosts.ts";
import { type ActorService, type ActorServiceOptions, type Hosted, hostActor } from "./actor-service.ts";
import { DEFAULT_CLUSTER, type Ground, openGround, shared } from "./ground.ts";
import type { InstanceService } from "./instance/instance.ts";
import { LightFollower } from "./light-follower.ts";
import { InstanceOutlook } from "./outlook.ts";
import { sharedCarrier } from "./shared-folder.ts";

export type OffloadRouterService = ActorService<OffloadState, OffloadCommand, OffloadEvent, OffloadRejection>;

export interface OffloadRouterOptions extends ActorServiceOptions {
  /** The instance of this process: what it knows of other clusters are the routes. Without it no job leaves. */
  readonly topology?: InstanceService;
  readonly offloadLimits?: Partial<OffloadLimits>;
  /** A folder that other clusters reach, too: payloads are left and found there, and only their digests travel. */
  readonly sharedPayloads?: string;
}

/** How much of the history is kept: what is told of trips that are over. Payloads that travel inside count. */
const KEEP = { keepMs: 30 * 86_400_000, keepBytes: 1024 ** 3 } as const;

/**
 * Starts serving; resolves when commands are answered.
 *
 * @throws {Fault} as `startJobQueue`.
 */
export async function startOffloadRouter(options: OffloadRouterOptions): Promise<OffloadRouterService> {
  const ground = await openGround(options);
  return hostActor(ground, routerOn(ground, options), options);
}

export interface RouterHost {
  /** That it stops by itself; not that placement has moved it. Rejects when it is placed here and cannot be hosted. */
  readonly stopped: Promise<Stopped>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Hosts the router whenever placement says so. @throws {Fault} `nats/…`, `setup/missing` */
export async function placeOffloadRouter(options: Omit<OffloadRouterOptions, "onStandby" | "gate"> & HostingOptions<OffloadRouterService>): Promise<RouterHost> {
  const { placement, standsBy, onServing, onStandby, onMoved, onFailed, ...service } = options;
  const ground = await openGround(options);
  const hosts = new ActorHosts<OffloadRouterService>(OFFLOAD_KIND, options, (_, opening) => hostActor(shared(ground), routerOn(ground, service), { ...service, ...opening }));
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= hosts.close().then(() => ground.free()));
  try {
    await hosts.start(OFFLOAD_ACTOR);
  } catch (error) {
    await close();
    throw error;
  }
  return { stopped: hosts.stopped, close };
}

function routerOn({ connection, reading }: Ground, options: Omit<OffloadRouterOptions, "onStandby">): Hosted<OffloadState, OffloadCommand, OffloadEvent, OffloadRejection> {
  const { cluster = DEFAULT_CLUSTER, topology, offloadLimits: limits = {}, keepMs = KEEP.keepMs, keepBytes = KEEP.keepBytes, telemetry } = options;
  const { heardEveryMs } = limits;
  const actor = offloadRouter({ cluster, limits });
  const source = topology === undefined ? undefined : new InstanceOutlook(topology, wantedOf(connection, cluster));
  return {
    actor, name: OFFLOAD_ACTOR, wire: wireOf(connection, cluster),
    attendants: (serves) => [
      mover({ carrier: carrierFor(reading, cluster, options), ...(telemetry === undefined ? {} : { telemetry }) }),
      ...(source === undefined ? [] : [routes({ source, ...(heardEveryMs === undefined ? {} : { heardEveryMs }) })]),
      blobDoor(reading),
      { serving: serves, stopped: () => undefined },
    ],
    beside: (ports) => new LightFollower(actor, { connection: reading, cluster, actor: OFFLOAD_ACTOR }, ports, { keepMs, keepBytes }).start(),
  };
}

/** Over the link, or by way of a folder where there is one. */
function carrierFor(connection: Connection, cluster: string, { sharedPayloads: folder, telemetry }: Pick<OffloadRouterOptions, "sharedPayloads" | "telemetry">): BlobCarrier {
  const carrier = carrierOf(connection, cluster);
  if (folder === undefined) return carrier;
  return sharedCarrier({ carrier, folder, blobs: blobsOf(connection, cluster), onTrouble: (cause) => telemetry?.("payloads.folder", { cause }) });
}

/** Other clusters may read, while the host serves, what its state lets them. */
function blobDoor(connection: Connection): Attendant<OffloadState, OffloadEvent> {
  let close = (): void => undefined;
  return {
    serving(context) {
      const rights = new ReadRights(() => context.state);
      close = openBlobDoor(connection, { cluster: context.cluster, mayRead: (peer, digest) => rights.mayRead(peer, digest) });
    },
    stopped: () => close(),
  };
}

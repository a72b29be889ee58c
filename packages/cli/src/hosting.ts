/** The hosts of a service command: shards of JobQueue, the OffloadRouter, or both, where the views of its instance place them. */
import { isToken, type StopReason } from "@longshore/kernel";
import type { ConnectOptions } from "@longshore/nats";
import { OFFLOAD_ACTOR, OFFLOAD_KIND } from "@longshore/offload-router";
import { wrongUsage } from "./errors.ts";
import type { Log } from "./log.ts";
import type { HostingOptions } from "./services/actor-hosts.ts";
import type { InstanceService } from "./services/instance/instance.ts";
import { placeOffloadRouter } from "./services/offload-router.ts";
import { openPlacement } from "./services/open-placement.ts";
import type { HostedActor } from "./services/placed-actor.ts";
import type { ActorName } from "./services/placement.ts";
import { startShards } from "./services/shards.ts";
import type { Closing } from "./stopping.ts";

export interface HostingSettings {
  readonly connection: ConnectOptions;
  readonly cluster: string;
  /** Shards of JobQueue; none when empty. */
  readonly shards: readonly string[];
  /** Also those that the wanted configuration names. */
  readonly followsWanted?: boolean;
  readonly hasRouter: boolean;
  /** A folder that the clusters share, through which payloads go. */
  readonly sharedPayloads?: string;
  readonly stateDir: string;
  readonly takeOver?: boolean;
  readonly standsBy?: boolean;
  readonly acceptRewind?: string;
  readonly signal?: AbortSignal;
  /** The server's address, to be logged. */
  readonly url?: string;
  /** An actor is served, here or by another instance. */
  readonly onServed?: (name: ActorName) => void;
}

export interface Hosting {
  /** The first host that stops by itself. Rejects when an actor that is placed here cannot be hosted. */
  readonly stopped: Promise<{ readonly name: ActorName; readonly reason: StopReason }>;
}

/** Everything of it is closed by `closing`, also when it did not start. @throws {Fault} `nats/…`, `setup/missing` */
export async function startHosting(settings: HostingSettings, self: InstanceService, log: Log, closing: Closing): Promise<Hosting> {
  const { connection, cluster, shards, followsWanted, hasRouter, sharedPayloads, url: _, onServed: __, ...same } = settings;
  const { instance, incarnation, roster } = self;
  const placing = await openPlacement(connection, cluster, self);
  closing.add("placement", () => placing.close());
  const options = { ...same, connection, cluster, instance, incarnation, placement: placing.placement, telemetry: log.telemetry };
  const hosts: { readonly stopped: Promise<{ readonly name: ActorName; readonly reason: StopReason }>; close(): Promise<void> }[] = [];
  // A farewell takes time: they say it together.
  closing.add("hosts", async () => void (await Promise.all(hosts.map((host) => host.close()))));
  if (shards.length > 0) {
    const started = await startShards({ ...options, ...logged("job-queue", settings, log), shards, roster, ...(followsWanted === undefined ? {} : { followsWanted }) });
    hosts.push({ stopped: started.stopped.then(({ shard, reason }) => ({ name: { kind: "job-queue", actor: shard }, reason })), close: () => started.close() });
  }
  if (hasRouter) {
    const started = await placeOffloadRouter({ ...options, ...logged(OFFLOAD_KIND, settings, log), topology: self, ...(sharedPayloads === undefined ? {} : { sharedPayloads }) });
    hosts.push({ stopped: started.stopped.then(({ reason }) => ({ name: { kind: OFFLOAD_KIND, actor: OFFLOAD_ACTOR }, reason })), close: () => started.close() });
  }
  const stopped = Promise.race(hosts.map((host) => host.stopped));
  // Whoever does not look has decided so.
  stopped.catch(() => undefined);
  return { stopped };
}

/** What is logged of where actors of one kind are hosted. */
function logged<Service extends HostedActor>(kind: string, { cluster, url, onServed }: HostingSettings, log: Log): Pick<HostingOptions<Service>, "onServing" | "onStandby" | "onMoved" | "onFailed"> {
  const line = (actor: string) => ({ actor: `${kind}.${actor}`, cluster });
  return {
    onServing: (actor, { epoch }) => {
      log.event("info", "host.serving", { ...line(actor), epoch, url });
      onServed?.({ kind, actor });
    },
    onStandby: (actor) => {
      log.event("info", "host.standby", line(actor));
      onServed?.({ kind, actor });
    },
    onMoved: (actor, cause) => log.event("info", "host.moved", { ...line(actor), cause }),
    onFailed: (actor, error) => log.event("error", "host.failed", { ...line(actor), reason: error instanceof Error ? error.name : "unknown" }),
  };
}

/** Shards by name, several separated by commas. @throws {CommandFailure} `cli/usage` */
export function shardsNamed(text: string): readonly string[] {
  const shards = [...new Set(text.split(",").map((name) => name.trim()))];
  const illegal = shards.find((name) => !isToken(name));
  if (illegal !== undefined) throw wrongUsage(`"${illegal}" is no name of a shard`, "use 1 to 128 of the characters A-Z a-z 0-9 _ -, several separated by commas: --shard main,media");
  return shards;
}

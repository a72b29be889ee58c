/** Placement for an instance, on a connection of its own: what it asks must not wait behind what a host writes. */
import { type ConnectOptions, connect, wireOf } from "@longshore/nats";
import type { InstanceService } from "./instance/instance.ts";
import { nodeClock } from "./node-ports.ts";
import { Placement } from "./placement.ts";

export interface OpenPlacement {
  readonly placement: Placement;
  close(): Promise<void>;
}

export async function openPlacement(options: ConnectOptions, cluster: string, instance: InstanceService): Promise<OpenPlacement> {
  const connection = await connect({ ...options, name: "longshore placement" });
  const placement = new Placement({ wire: wireOf(connection), clock: nodeClock }, { cluster, principal: connection.principal, instance });
  return { placement, close: () => connection.close() };
}

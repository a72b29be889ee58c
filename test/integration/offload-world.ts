/** Two clusters of instances with routers, on two servers joined by a leaf node, with the users of `nats.conf`. */
import { type OffloadRouterService, openPlacement, placeOffloadRouter, type ShardsOptions, startInstance, startShards } from "@longshore/cli";
import { type ConnectOptions, connect, type Longshore } from "longshore";
import { onTestFinished } from "vitest";
import { HUB, type TwoClusters, twoClusters, WEST } from "./nats/leaf.ts";
import { until } from "./nats/world.ts";

type Name = typeof HUB | typeof WEST;

/** One process that hosts, as `longshore run job-queue offload-router` would. */
export interface Node {
  /** While it serves the router. */
  router(): OffloadRouterService | undefined;
  /** As SIGTERM would: hands over what it hosts, and ends. */
  end(): Promise<void>;
}

export interface OffloadWorld {
  readonly clusters: TwoClusters;
  node(cluster: Name, instance: string): Promise<Node>;
  client(cluster: Name, user: string, more?: Partial<ConnectOptions>): Promise<Longshore>;
  /** An instance that works on these topics, and a client for it. */
  worker(cluster: Name, topics: readonly string[], slots?: number): Promise<Longshore>;
}

interface Hosting extends Pick<ShardsOptions, "payloadSweep"> {
  readonly sharedPayloads?: string;
}

/** `hosting`: of every host. */
export async function offloadWorld(hosting: Hosting = {}): Promise<OffloadWorld> {
  const clusters = await twoClusters();
  const accessTo = (cluster: Name, principal: string) => ({ principal, password: `pw-${principal}`, servers: (cluster === HUB ? clusters.hub : clusters.west).url });
  const client: OffloadWorld["client"] = async (cluster, user, more = {}) => {
    const ls = await connect({ ...accessTo(cluster, user), cluster, ...more });
    onTestFinished(() => ls.close({ drainMs: 0 }));
    return ls;
  };
  return {
    clusters, client,
    node: (cluster, instance) => node(cluster, instance, accessTo(cluster, "host"), hosting),
    async worker(cluster, topics, slots = 4) {
      const self = await startInstance({ connection: accessTo(cluster, "worker"), cluster, instance: `worker-${cluster}`, topics, slots });
      onTestFinished(() => self.close());
      return client(cluster, "worker", { instance: self.instance, incarnation: self.incarnation });
    },
  };
}

async function node(cluster: Name, name: string, connection: { readonly principal: string; readonly servers: string }, { sharedPayloads, ...sweeping }: Hosting): Promise<Node> {
  const self = await startInstance({ connection, cluster, instance: name, kinds: ["discovery-agent", "job-queue", "offload-router"], peers: [cluster === HUB ? WEST : HUB] });
  const { instance, incarnation, roster } = self;
  const placing = await openPlacement(connection, cluster, self);
  const options = { connection, cluster, instance, incarnation, placement: placing.placement };
  const shards = await startShards({ ...options, ...sweeping, shards: ["main"], followsWanted: true, roster, follower: false });
  let router: OffloadRouterService | undefined;
  const hosted = await placeOffloadRouter({
    ...options, topology: self, ...(sharedPayloads === undefined ? {} : { sharedPayloads }), offloadLimits: { refusedDelayMs: 200, retryMs: 200, stopGraceMs: 20_000 },
    onServing: (_, service) => { router = service; },
    onMoved: () => { router = undefined; },
  });
  let ending: Promise<void> | undefined;
  const end = (): Promise<void> => (ending ??= (async () => {
    await Promise.all([shards.close(), hosted.close()]);
    await placing.close();
    await self.close();
  })());
  onTestFinished(end);
  return { router: () => router, end };
}

/** The origin's router knows that the other cluster works on a topic. */
export const routed = (ls: Longshore, cluster: string, topic: string): Promise<void> =>
  until(async () => (await ls.offload.clusters().catch(() => [])).some((route) => route.cluster === cluster && route.pools.some(({ topics }) => topics.includes(topic))), `${topic} may go to ${cluster}`, 30_000);

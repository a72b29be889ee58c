/** Two clusters on two servers joined by a leaf node, with everything that hosts and works in this process, as users that may do no more than their roles. */
import { type InstanceService, openPlacement, placeOffloadRouter, startInstance, startShards } from "@longshore/cli";
import { type ConnectOptions, connect, type Handler, type Longshore, type WorkOptions } from "longshore";
import { onTestFinished } from "vitest";
import { HUB, type TwoClusters, twoClusters, WEST } from "../nats/leaf.ts";
import { until } from "../nats/world.ts";

type Cluster = typeof HUB | typeof WEST;

export interface RowsWorld {
  /** Of the cluster where jobs are added, and of the one that does them; both may do what operators and submitters may. */
  readonly origin: Side;
  readonly there: Side;
  readonly link: Pick<TwoClusters, "cut" | "join">;
}

export interface Side {
  readonly operator: Longshore;
  readonly submitter: Longshore;
  readonly server: TwoClusters["hub"];
  /** An instance that works on one topic. */
  works(instance: string, topic: string, handler: Handler<never, unknown>, options?: WorkOptions): Promise<InstanceService>;
}

const WITHIN_MS = 30_000;

export async function rowsWorld(): Promise<RowsWorld> {
  const clusters = await twoClusters();
  const [origin, there] = await Promise.all([side(clusters, HUB), side(clusters, WEST)]);
  return { origin, there, link: clusters };
}

async function side(clusters: TwoClusters, cluster: Cluster): Promise<Side> {
  const server = cluster === HUB ? clusters.hub : clusters.west;
  const as = (user: string): ConnectOptions & { readonly principal: string } => ({ servers: server.url, cluster, principal: user, password: `pw-${user}` });
  await hosts(cluster, server.url);
  const client = async (options: ConnectOptions): Promise<Longshore> => {
    const ls = await connect(options);
    onTestFinished(() => ls.close({ drainMs: 0 }));
    return ls;
  };
  return {
    operator: await client(as("operator")), submitter: await client(as("submitter")), server,
    async works(instance, topic, handler, options = {}) {
      const { principal, password, servers } = as("worker");
      const self = await startInstance({ connection: { principal, password: password!, servers: servers! }, cluster, instance, topics: [topic], slots: options.concurrency ?? 4 });
      onTestFinished(() => self.close());
      const ls = await client({ ...as("worker"), instance, incarnation: self.incarnation });
      await ls.work(topic, handler as Handler<unknown, unknown>, { concurrency: 4, ...options });
      return self;
    },
  };
}

async function hosts(cluster: Cluster, servers: string): Promise<void> {
  const connection = { principal: "host", password: "pw-host", servers };
  const self = await startInstance({ connection, cluster, instance: `${cluster}-host`, kinds: ["discovery-agent", "job-queue", "offload-router"], peers: [cluster === HUB ? WEST : HUB] });
  onTestFinished(() => self.close());
  const { placement, close } = await openPlacement(connection, cluster, self);
  onTestFinished(() => close());
  const { instance, incarnation, roster } = self;
  const shards = await startShards({ connection, cluster, shards: ["main"], placement, instance, incarnation, roster });
  onTestFinished(() => shards.close());
  const router = await placeOffloadRouter({ connection, cluster, placement, instance, incarnation });
  onTestFinished(() => router.close());
}

export const eventually = (what: string, fact: () => boolean | Promise<boolean>): Promise<void> => until(fact, what, WITHIN_MS);

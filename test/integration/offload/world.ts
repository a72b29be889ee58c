/** Two clusters that host queue and router in this process, the second with instances that work. */
import { type InstanceService, startInstance } from "@longshore/cli";
import { connect, type Handler, type Longshore, type WorkOptions } from "longshore";
import { onTestFinished } from "vitest";
import { HUB, WEST } from "../nats/leaf.ts";
import { until } from "../nats/world.ts";
import { offloadWorld, routed } from "../offload-world.ts";

export interface RowsWorld {
  /** Of the cluster where jobs are added, and of the one that does them. */
  readonly origin: Side;
  readonly there: Side;
  /** An instance there that works on one topic; resolves when the origin knows, unless nobody may tell it. */
  works(instance: string, topic: string, handler: Handler<never, unknown>, options?: WorkOptions): Promise<InstanceService>;
}

export interface Side {
  readonly operator: Longshore;
  readonly submitter: Longshore;
}

const WITHIN_MS = 30_000;

export async function rowsWorld(): Promise<RowsWorld> {
  const { clusters, client, node } = await offloadWorld();
  await Promise.all([node(HUB, "hub-host"), node(WEST, "west-host")]);
  const side = async (cluster: typeof HUB | typeof WEST): Promise<Side> => ({ operator: await client(cluster, "operator"), submitter: await client(cluster, "submitter") });
  const [origin, there] = [await side(HUB), await side(WEST)];
  return {
    origin, there,
    async works(instance, topic, handler, options = {}) {
      const connection = { principal: "worker", password: "pw-worker", servers: clusters.west.url };
      const self = await startInstance({ connection, cluster: WEST, instance, topics: [topic], slots: options.concurrency ?? 4 });
      onTestFinished(() => self.close());
      const ls = await connect({ ...connection, cluster: WEST, instance, incarnation: self.incarnation });
      onTestFinished(() => ls.close({ drainMs: 0 }));
      await ls.work(topic, handler as Handler<unknown, unknown>, { concurrency: 4, ...options });
      await routed(origin.operator, WEST, topic);
      return self;
    },
  };
}

export const eventually = (what: string, fact: () => boolean | Promise<boolean>): Promise<void> => until(fact, what, WITHIN_MS);

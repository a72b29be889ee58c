/** The sample of `docs/guide.md` about shards, with hosts for them. */
import { startJobQueue } from "@longshore/cli";
import { connect } from "longshore";
import { expect, it } from "vitest";
import { startWorld } from "./world.ts";

it("gives a queue a shard, and another some partitions", async () => {
  const world = await startWorld();
  const connection = { principal: "host", servers: world.url };
  const hosts = await Promise.all(["video", "orders-0", "orders-1", "orders-2", "orders-3"].map((shard) => startJobQueue({ connection, shard, follower: false })));
  const ls = await connect({ servers: world.url });
  const input = {};
  try {
    // #region shard
    await ls.queues.configure("video", { topics: ["video/*"], shard: "video" });
    await ls.queues.configure("orders", { topics: ["orders/*"], type: "ordered", shard: "orders", partitions: 4 });
    const job = await ls.add("orders/paid", input, { key: "customer-17" }); // in order with the others of this customer
    // #endregion
    expect(job.id).toMatch(/^orders-[0-3]\./);
    expect((await ls.add("video/cut", input)).id).toMatch(/^video\./);
  } finally {
    await ls.close();
    for (const host of hosts) await host.close();
    await world.stop();
  }
});

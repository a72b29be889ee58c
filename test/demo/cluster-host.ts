/** What hosts one of the demo's two clusters, as `longshore run job-queue offload-router` would: its queue and its router. */
import { openPlacement, placeOffloadRouter, startInstance, startShards } from "@longshore/cli";
import { serve } from "./member.ts";

const [, , cluster = "hub", peer = "west", stateDir = "."] = process.argv;

await serve(async () => {
  const connection = { principal: "host" };
  const self = await startInstance({ connection, cluster, instance: `${cluster}-host`, stateDir, kinds: ["discovery-agent", "job-queue", "offload-router"], peers: [peer] });
  const { instance, incarnation, roster } = self;
  const placing = await openPlacement(connection, cluster, self);
  const around = { connection, cluster, instance, incarnation, stateDir, placement: placing.placement };
  const shards = await startShards({ ...around, shards: ["main"], roster });
  const router = await placeOffloadRouter({ ...around, topology: self });
  void Promise.race([shards.stopped, router.stopped]).then(({ reason }) => {
    process.stderr.write(`a host stopped: ${"message" in reason ? reason.message : reason.kind}\n`);
    process.exit(1);
  });
  return async () => {
    await Promise.all([shards.close(), router.close()]);
    await placing.close();
    await self.close();
  };
});

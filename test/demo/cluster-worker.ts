/** A worker of one of the demo's two clusters, as `longshore run worker` would run it. */
import { startInstance } from "@longshore/cli";
import { connect } from "longshore";
import { serve } from "./member.ts";
import { travel } from "./travel.ts";

const IMAGES_AT_A_TIME = 2;
const [, , cluster = "west", name = "worker", stateDir = "."] = process.argv;

await serve(async () => {
  const self = await startInstance({ connection: { principal: "worker" }, cluster, instance: name, stateDir, topics: [travel.topic], slots: IMAGES_AT_A_TIME });
  const { instance, incarnation } = self;
  const ls = await connect({ principal: "worker", cluster, instance, incarnation });
  const worker = await ls.work(travel, { concurrency: IMAGES_AT_A_TIME });
  return async () => {
    await worker.close();
    await ls.close();
    await self.close();
  };
});

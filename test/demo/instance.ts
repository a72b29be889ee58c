/** An instance of the demo, as `longshore run job-queue worker` would run it: it may host the queue, and works. */
import { openPlacement, startInstance, startShards } from "@longshore/cli";
import { hostsFor } from "@longshore/discovery-agent";
import { connect } from "longshore";
import { serve } from "./member.ts";
import { makeThumbnail, thumbnail } from "./thumbnail.ts";

/** What an instance tells its starter, each with the time at which it was so. `chosen`: who is to host the queue in that view. */
export type Said =
  | { readonly said: "view"; readonly at: number; readonly number: number; readonly instances: readonly string[]; readonly chosen: string | undefined }
  | { readonly said: "hosts" | "moved"; readonly at: number };

const IMAGES_AT_A_TIME = 2;
const SHARD = "main";

const [, , instance = "demo", stateDir = "."] = process.argv;
type Word<Told> = Told extends Said ? Omit<Told, "at"> : never;
const say = (word: Word<Said>): void => void process.send?.({ ...word, at: Date.now() });

await serve(async () => {
  const connection = { principal: "demo" };
  const self = await startInstance({ connection, instance, stateDir, kinds: ["discovery-agent", "job-queue"], topics: [thumbnail.topic], slots: IMAGES_AT_A_TIME });
  self.listen(({ newView }) => {
    if (newView?.isCurrent !== true) return;
    const { number, instances } = newView.localCluster;
    say({ said: "view", number, instances: instances.map((member) => member.instance), chosen: hostsFor(instances, "job-queue", SHARD)[0]?.instance });
  }, { barrier: false });
  const { incarnation, roster } = self;
  const placing = await openPlacement(connection, "main", self);
  const hosts = await startShards({
    connection, shards: [SHARD], placement: placing.placement, stateDir, instance, incarnation, roster,
    onServing: () => say({ said: "hosts" }), onMoved: () => say({ said: "moved" }),
  });
  void hosts.stopped.then(({ reason }) => {
    process.stderr.write(`the host stopped: ${"message" in reason ? reason.message : reason.kind}\n`);
    process.exit(1);
  });
  const ls = await connect({ principal: "demo", instance, incarnation });
  await ls.work(thumbnail, makeThumbnail, { concurrency: IMAGES_AT_A_TIME });
  return async () => {
    await ls.close();
    await hosts.close();
    await placing.close();
    await self.close();
  };
});

import { connect, defineJob } from "longshore";
import { z } from "zod";

const thumbnail = defineJob("media/thumbnail", {
  input: z.object({ path: z.string(), width: z.number().int().positive() }),
  output: z.object({ path: z.string() }),
  retries: 3,
});

const ls = await connect(); // NATS_URL, or the server of `longshore up`
await ls.work(thumbnail, async ({ path, width }, ctx) => {
  ctx.progress(0.5, "half way");
  return { path: path.replace(".jpg", `-${width}.jpg`) };
});

const job = await ls.add(thumbnail, { path: "a.jpg", width: 320 }, { id: "a.jpg@320" }); // on disk when it resolves
console.log(await job.result());
for (const { at, type } of await ls.jobs.history(job.id)) console.log(new Date(at).toISOString(), type);
await ls.close();

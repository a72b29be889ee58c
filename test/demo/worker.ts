/** A worker process of the demo. */
import { connect } from "longshore";
import { serve } from "./member.ts";
import { makeThumbnail, thumbnail } from "./thumbnail.ts";

const IMAGES_AT_A_TIME = 2;

await serve(async () => {
  const ls = await connect({ instance: process.argv[2] ?? "demo-worker" });
  const worker = await ls.work(thumbnail, makeThumbnail, { concurrency: IMAGES_AT_A_TIME });
  return async () => {
    await worker.close();
    await ls.close();
  };
});

/** Starts the follower's thread from its source: Node 20 does not hand `--import tsx` on to threads. */
import { register } from "tsx/esm/api";

register();
await import("./follower-thread.ts");

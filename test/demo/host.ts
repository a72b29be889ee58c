/** The demo's host process: one JobQueue, as `longshore run job-queue` would run it. */
import { startJobQueue } from "@longshore/cli";
import { serve } from "./member.ts";

await serve(async () => {
  const { close, stopped } = await startJobQueue({ connection: { principal: "host" }, instance: "demo-host", stateDir: process.argv[2] ?? "." });
  void stopped.then((reason) => {
    if (reason.kind === "closed") return;
    process.stderr.write(`the host stopped: ${"message" in reason ? reason.message : reason.kind}\n`);
    process.exit(1);
  });
  return close;
});

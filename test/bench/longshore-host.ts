/** The JobQueue host as a process of its own, for the benchmark: `longshore-host.ts <url> <state folder>`. */
import { startJobQueue } from "@longshore/cli";

const [url = "", stateDir = ""] = process.argv.slice(2);
const service = await startJobQueue({
  connection: { principal: "host", servers: url },
  stateDir,
  telemetry: (event, fields) => console.error(event, JSON.stringify(fields)),
});
process.on("SIGTERM", () => void service.close());
console.log(`serving epoch ${service.epoch}`);
process.exitCode = (await service.stopped).kind === "closed" ? 0 : 1;

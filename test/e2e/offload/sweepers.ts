/** Hosts of a queue and a router that remove what nobody names without waiting until it is old: `<options of a connection> <cluster>`. */
import { startJobQueue, startOffloadRouter } from "@longshore/cli";
import type { ConnectOptions } from "@longshore/nats";

const [connection = "{}", cluster = "main"] = process.argv.slice(2);
const place = { connection: JSON.parse(connection) as ConnectOptions, cluster };

await startOffloadRouter({ ...place, offloadLimits: { endedNamedMs: 0 } });
await startJobQueue({ ...place, payloadSweep: { everyMs: 500, pauseMs: 20, ageMs: 1 } });
console.log("host.serving");

/** The origin's side, in a process of its own as in life: opens its door for one payload, and says so. */
import { connect, openBlobDoor } from "@longshore/nats";

const [servers, cluster, principal, digest, bytes] = process.argv.slice(2) as [string, string, string, string, string];
const ref = { principal, digest, bytes: Number(bytes) };
openBlobDoor(await connect({ servers, principal: "host" }), { cluster, mayRead: () => ref });
process.send?.("open");
process.on("disconnect", () => process.exit(0));

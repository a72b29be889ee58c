/** A worker process of these tests: `<instance> <log file>`. What it did can be held against what the history says. */
import { decodeUntrusted, subjectsOf } from "@longshore/kernel";
import { connect as connectBare } from "@nats-io/transport-node";
import { connect } from "longshore";
import { recorded } from "./executions.ts";
import { TOPIC } from "./load.ts";

const [instance = "worker", file = "worker.log"] = process.argv.slice(2);
const PRINCIPAL = "worker";

/** Its own incarnation, as its hello says it to everybody. */
async function firstHello(): Promise<string> {
  const nc = await connectBare({ servers: (process.env["NATS_URL"] ?? "").split(",") });
  return new Promise((resolve) => {
    nc.subscribe(subjectsOf("main").hello(PRINCIPAL, instance, "main"), {
      max: 1,
      callback: (_, message) => {
        const { incarnation } = decodeUntrusted(message.data) as { readonly incarnation: string };
        void nc.close();
        resolve(incarnation);
      },
    });
    void nc.flush().then(start);
  });
}

async function start(): Promise<void> {
  const ls = await connect({ instance, principal: PRINCIPAL });
  const handler = (exclusive: boolean) => recorded({ file, exclusive, incarnation: () => mine }) as never;
  await ls.work(TOPIC.free, handler(false), { concurrency: 8 });
  await ls.work(TOPIC.ordered, handler(true), { concurrency: 2 });
  process.once("SIGTERM", () => void ls.close().finally(() => process.exit(0)));
  await mine;
  console.log("ready");
}

const mine = firstHello();

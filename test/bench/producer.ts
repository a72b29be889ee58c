/**
 * A small client in a process of its own: connects once, then adds what it is told to, and does not work.
 *
 * Started by `session.ts` with one JSON argument; orders and reports are IPC messages, one for one. It
 * ends when its parent disconnects or dies.
 */
import type { Endpoint } from "./contender.ts";
import { contenderNamed } from "./contenders.ts";
import { feed, jobMaker } from "./load.ts";

export interface Start {
  readonly contender: string;
  readonly endpoint: Endpoint;
  readonly inputBytes: number;
  readonly inFlight: number;
}

export interface Order {
  readonly from: number;
  readonly count: number;
  readonly seconds: number;
}

export interface Report {
  readonly added: number;
}

const start = JSON.parse(process.argv[2] ?? "{}") as Start;
const client = await contenderNamed(start.contender).connect(start.endpoint);
const make = jobMaker(start.inputBytes);

process.on("message", (order: Order) => void obey(order));
process.on("disconnect", () => void client.close().finally(() => process.exit(0)));

async function obey({ from, count, seconds }: Order): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  const added = await feed({ from, count, width: start.inFlight, deadline, add: (seq) => client.add(make(seq)) });
  process.send?.({ added } satisfies Report);
}

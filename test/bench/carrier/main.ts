/**
 * How fast a payload comes from another cluster: `npm run bench -- carrier`.
 *
 * Two servers that sync every write, joined by a leaf node. Ours: the carrier of one cluster asks the door of the other, which is a
 * process of its own. Measured against: a program with a connection to each server reads from the object store of one
 * and stores into that of the other, through NATS.js. In turns, on this machine.
 */
import { fork } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { BlobWritten, ByteSource, CarryAnswer } from "@longshore/kernel";
import { blobsOf, type Connection, carrierOf, connect, type NatsServer, provision, startServer } from "@longshore/nats";
import { exitOnSignals } from "../launch.ts";
import { cpuBusy, describeMachine, median } from "../measure.ts";
import { dataDirectory, importPeer, sweepDataDirectories } from "../servers.ts";

const USAGE = `npm run bench -- carrier [options]
  --sizes LIST    MiB of the payload, comma-separated (64,512)
  --rounds N      times each is brought, and copied (3)
  --json PATH     where the raw figures go`;

const { values: given } = parseArgs({
  allowPositionals: true,
  options: { help: { type: "boolean", default: false }, sizes: { type: "string", default: "64,512" }, rounds: { type: "string", default: "3" }, json: { type: "string" } },
});

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const [ORIGIN, WORKER, OWNER, KEEPER] = ["origin", "worker", "alice", "offload-guest"] as const;
const LEAF_PORT = 7_422 + (process.pid % 1_000);

/** As much of `@nats-io/obj` as is needed. */
interface ObjectStore {
  put(meta: { readonly name: string }, stream: ReadableStream<Uint8Array>): Promise<unknown>;
  get(name: string): Promise<{ readonly data: ReadableStream<Uint8Array>; readonly error: Promise<Error | null | undefined> } | null>;
  destroy(): Promise<boolean>;
}
interface ObjectStores {
  readonly Objm: new (nc: Connection["nc"]) => { create(name: string, options: { readonly storage: string; readonly max_bytes: number }): Promise<ObjectStore> };
}

const answerOf = <T>(call: (done: (answer: T) => void) => void): Promise<T> => new Promise((done) => call(done));

if (given.help) process.stdout.write(`${USAGE}\n`);
else await main();

async function main(): Promise<void> {
  exitOnSignals();
  sweepDataDirectories();
  const directory = dataDirectory("carrier");
  const [machine, othersBusy] = [describeMachine(directory), await cpuBusy(2_000)];
  const origin = await startServer({ storeDir: resolve(directory, ORIGIN), cluster: ORIGIN, serverName: ORIGIN, fileStoreBytes: 40 * GIB, leaf: { domain: ORIGIN, listen: `127.0.0.1:${LEAF_PORT}` } });
  const worker = await startServer({
    storeDir: resolve(directory, WORKER), cluster: WORKER, serverName: WORKER, fileStoreBytes: 40 * GIB, env: { LONGSHORE_HUB: `nats://127.0.0.1:${LEAF_PORT}` }, leaf: { domain: WORKER, hubVariable: "LONGSHORE_HUB" },
  });
  const rows: Row[] = [];
  for (const mebibytes of given.sizes.split(",").map(Number)) rows.push(await measured(origin, worker, mebibytes));
  const result = { startedAt: new Date().toISOString(), machine, othersBusy, server: origin.version, rows };
  if (given.json !== undefined) writeFileSync(resolve(given.json), `${JSON.stringify(result)}\n`);
  process.stdout.write([
    `\n${machine.cpu}, ${machine.cores} cores; Node ${machine.node}; two nats-servers ${result.server} that sync every write (${machine.fileSystem}, fsync ${machine.fsyncMs.toFixed(3)} ms), joined by a leaf node; others used ${Math.round(othersBusy * 100)} % of the processors just before.\n`,
    "| payload | brought through the door, MiB/s | copied between object stores, MiB/s | ratio |", "| ---: | ---: | ---: | ---: |",
    ...rows.map(({ mebibytes, brought, copied }) => `| ${mebibytes} MiB | ${shown(brought)} | ${shown(copied)} | ${(median(brought) / median(copied)).toFixed(2)} |`), "",
  ].join("\n"));
  await Promise.all([origin.stop(), worker.stop()]);
  process.exit(0);
}

function shown(rates: readonly number[]): string {
  return `${median(rates).toFixed(0)} (${rates.map((rate) => rate.toFixed(0)).join(", ")})`;
}

/** MiB per second, of each round. */
interface Row {
  readonly mebibytes: number;
  readonly brought: readonly number[];
  readonly copied: readonly number[];
}

async function measured(origin: NatsServer, worker: NatsServer, mebibytes: number): Promise<Row> {
  const [there, here] = [await connect({ servers: origin.url, principal: "host" }), await connect({ servers: worker.url, principal: "host" })];
  for (const [connection, cluster] of [[there, ORIGIN], [here, WORKER]] as const) await provision(connection, { cluster, totalBytes: 20 * GIB });
  const [brought, copied]: [number[], number[]] = [[], []];
  for (let round = 0; round < Number(given.rounds); round++) {
    const block = randomBytes(MIB);
    brought.push(mebibytes / (await bringing(there, here, origin, block, mebibytes)));
    copied.push(mebibytes / (await copying(there, here, block, mebibytes)));
    process.stderr.write(`${mebibytes} MiB: brought ${brought.at(-1)?.toFixed(0)}, copied ${copied.at(-1)?.toFixed(0)} MiB/s\n`);
  }
  await Promise.all([there.close(), here.close()]);
  return { mebibytes, brought, copied };
}

/** Seconds. */
async function bringing(there: Connection, here: Connection, origin: NatsServer, block: Uint8Array, mebibytes: number): Promise<number> {
  const hash = createHash("sha256");
  for (let i = 0; i < mebibytes; i++) hash.update(block);
  const ref = { principal: OWNER, digest: hash.digest("hex"), bytes: mebibytes * MIB };
  const written = await answerOf<BlobWritten>((done) => blobsOf(there, ORIGIN).write(ref, repeated(block, mebibytes), done));
  if (written.kind !== "stored") throw new Error(written.message);
  const door = fork(fileURLToPath(new URL("door.ts", import.meta.url)), [origin.url, ORIGIN, ref.principal, ref.digest, String(ref.bytes)]);
  await new Promise((open) => door.once("message", open));
  const carrier = carrierOf(here, WORKER);
  const bring = (): Promise<CarryAnswer> => answerOf((done) => carrier.bring(ORIGIN, ref, KEEPER, done));
  // That the door is open is known behind the link a moment later.
  await new Promise((next) => setTimeout(next, 1_000));
  const begin = performance.now();
  const answer = await bring();
  const seconds = (performance.now() - begin) / 1_000;
  if (answer.kind !== "here" || answer.travelled !== ref.bytes) throw new Error(JSON.stringify(answer));
  door.disconnect();
  await answerOf((done) => carrier.remove({ ...ref, principal: KEEPER }, done));
  await answerOf((done) => carrierOf(there, ORIGIN).remove(ref, done));
  return seconds;
}

async function copying(there: Connection, here: Connection, block: Uint8Array, mebibytes: number): Promise<number> {
  const { Objm } = importPeer("@nats-io/obj") as ObjectStores;
  const [from, to] = await Promise.all([there, here].map(({ nc }) => new Objm(nc).create("bench", { storage: "file", max_bytes: 4 * GIB })));
  let left = mebibytes;
  await from!.put({ name: "payload" }, new ReadableStream({ pull: (controller) => (left-- > 0 ? controller.enqueue(block) : controller.close()) }));
  const begin = performance.now();
  const found = await from!.get("payload");
  await to!.put({ name: "payload" }, found!.data);
  const seconds = (performance.now() - begin) / 1_000;
  const error = await found!.error;
  if (error instanceof Error) throw error;
  await Promise.all([from!.destroy(), to!.destroy()]);
  return seconds;
}

function repeated(block: Uint8Array, times: number): ByteSource {
  let left = times;
  return { next: (done) => void setImmediate(() => done(left-- > 0 ? { kind: "bytes", bytes: block } : { kind: "end" })), close: () => undefined };
}

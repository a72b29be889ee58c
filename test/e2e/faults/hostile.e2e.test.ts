/** Bytes of somebody who means harm, thrown at every door while work goes on. */
import { connect as connectSocket } from "node:net";
import { decodeTrusted, encode } from "@longshore/kernel";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { Load } from "./load.ts";
import { judge, Tape } from "./verdict.ts";
import { until, World } from "./world.ts";

const ROLES = ["submit", "outcome", "operate"] as const;
const KIB = 1_024;

interface Throw {
  readonly name: string;
  readonly data: Uint8Array;
  readonly json?: boolean;
}

test("F37 malformed, oversized and misaddressed messages are refused one by one, and the host serves on", async () => {
  const world = await World.open();
  const [host] = await Promise.all([world.servingHost(), world.worker("w1")]);
  const load = await Load.start(await world.client());
  await load.goesOn();
  const nc = await world.bare();

  const stored = new Map<number, string>();
  for (const role of ROLES) {
    await Promise.all(CORPUS.map(async (one) => {
      const sequence = await store(nc, `ls.main.in.job-queue.main.${role}.mallory`, one);
      stored.set(sequence, `${one.name} as ${role}`);
      const answer = await ask(nc, `ls.main.cm.job-queue.main.${role}.mallory`, one);
      expect(answer["error"] ?? answer["rejected"], `${one.name} as ${role}`).toBeTruthy();
    }));
  }
  const misaddressed = { name: "misaddressed", data: encode({ submit: [{ topic: "load/free" }] }) };
  stored.set(await store(nc, "ls.main.in.job-queue.nobody.submit.mallory", misaddressed), "for an actor that is not there");
  stored.set(await store(nc, "ls.main.in.job-queue.main.hello.mallory", misaddressed), "as the host itself");
  await Promise.all(CORPUS.map(async (one) => {
    for (const subject of ["ls.main.q.job-queue.main.operate.mallory", "ls.main.hi.mallory.w1.main", "ls.main.hi.mallory.m1.main", "ls.main.wa.job-queue.main.mallory"]) {
      expect(await ask(nc, subject, one), `${one.name} to ${subject}`).toHaveProperty("error");
    }
  }));
  await expect(store(nc, "ls.main.in.job-queue.main.submit.mallory", { name: "too large", data: new Uint8Array(600 * KIB) })).rejects.toThrow(/exceeds/);
  expect(await beyondMaxPayload(world.server.port)).toContain("Maximum Payload Violation");

  await load.goesOn();
  const tape = new Tape(world);
  await until("every refusal is recorded", async () => {
    await tape.read();
    for (const event of tape.kernelEvents()) if (event.type === "CommandRejected" && event.source.kind === "inbox") stored.delete(event.source.sequence);
    return stored.size === 0;
  }).catch((error: Error) => expect.soft(`${error.message}: not ${[...stored.values()].join(", ")}`).toBe(""));
  await load.rest();
  expect(await judge(world, [load], tape)).toMatchObject({ wrong: [], epochs: 1 });
  expect(host.isEnded).toBe(false);
  expect(host.text).not.toContain("door.failed");
});

const bytes = (...parts: readonly (number | readonly number[] | Uint8Array | string)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : Buffer.from(part as string))));
const repeated = (count: number, unit: readonly number[], end: readonly number[] = []): Uint8Array => bytes(Buffer.concat(Array.from({ length: count }, () => Buffer.from(unit))), end);
const text = (name: string, words: string): Throw => ({ name, data: Buffer.from(words), json: true });

const CORPUS: readonly Throw[] = [
  { name: "nothing", data: new Uint8Array(0) },
  { name: "100,000 nested arrays", data: repeated(100_000, [0x91], [0xc0]) },
  { name: "100,000 nested maps", data: repeated(100_000, [0x81, 0xa1, 0x61], [0xc0]) },
  { name: "an array that says 33 million", data: bytes([0xdd, 0x01, 0xff, 0xff, 0xff]) },
  { name: "50 nested arrays that say 8 million", data: repeated(50, [0xdd, 0x00, 0x80, 0x00, 0x00]) },
  { name: "24,000 nested arrays that say 65,535", data: repeated(24_000, [0xdc, 0xff, 0xff]) },
  { name: "a map that says 4 thousand million", data: bytes([0xdf, 0xff, 0xff, 0xff, 0xff]) },
  { name: "a text that says 4 GiB", data: bytes([0xdb, 0xff, 0xff, 0xff, 0xff]) },
  { name: "bytes that say 4 GiB", data: bytes([0xc6, 0xff, 0xff, 0xff, 0xff]) },
  { name: "an extension", data: bytes([0xc7, 0xff, 0x72], new Uint8Array(255)) },
  { name: "a key of a prototype", data: bytes([0x81, 0xa9], "__proto__", [0x91, 0xc0]) },
  { name: "a key twice", data: bytes([0x82, 0xa1, 0x61, 0x91, 0x01, 0xa1, 0x61, 0x91, 0x02]) },
  { name: "bytes after the end", data: bytes(encode({ submit: [{ topic: "load/free" }] }), 0xc0) },
  { name: "noise", data: Uint8Array.from({ length: 100 * KIB }, (_, i) => (i * 7_919 + (i >> 3)) & 0xff) },
  { name: "a number", data: encode(42) },
  { name: "a list", data: encode([1, 2]) },
  { name: "no command", data: encode({ submit: [] }) },
  { name: "a verb without a list", data: encode({ submit: 5 }) },
  { name: "an item of the wrong type", data: encode({ submit: [5, "x", null, [], [1, 2, 3, 4], { topic: 5 }, { topic: "a", retries: "many" }] }) },
  { name: "verbs that are not there", data: encode({ nope: [1], constructor: [{}], toString: [1] }) },
  { name: "outcomes of the wrong type", data: encode({ outcome: [1, [1], ["a", "b", "c"]], join: [1], leave: [{ instance: "w1" }] }) },
  { name: "a session of the wrong type", data: encode({ session: { a: 1 }, first: -1, submit: [{ topic: "load/free" }] }) },
  { name: "a link that is not his", data: encode({ from: "job-queue.other", first: 1, submit: [{ topic: "load/free" }] }) },
  text("JSON that is none", "submit this, please"),
  text("JSON that is cut off", '{"submit":[{"topic":"load/free"}'),
  text("100,000 nested JSON lists", "[".repeat(100_000)),
  text("80,000 nested JSON maps", '{"a":'.repeat(80_000)),
  text("a JSON key twice", '{"submit":[],"submit":[{"topic":"load/free"}]}'),
  text("a JSON number beyond all", '{"submit":[{"topic":"load/free","retries":1e999}]}'),
  text("a JSON key of a prototype", '{"__proto__":[{"topic":"load/free"}]}'),
];

const optionsOf = ({ json }: Throw): { readonly timeout: number; readonly headers?: ReturnType<typeof headers> } => {
  if (json !== true) return { timeout: 10_000 };
  const type = headers();
  type.set("Content-Type", "application/json");
  return { timeout: 10_000, headers: type };
};

async function store(nc: NatsConnection, subject: string, one: Throw): Promise<number> {
  const { seq, error } = (await nc.request(subject, one.data, optionsOf(one))).json<{ readonly seq?: number; readonly error?: { readonly description: string } }>();
  if (seq === undefined || error !== undefined) throw new Error(error?.description);
  return seq;
}

/** The answer in JSON, whatever was asked. */
async function ask(nc: NatsConnection, subject: string, one: Throw): Promise<Readonly<Record<string, unknown>>> {
  const answer = await nc.request(subject, one.data, optionsOf(one));
  return (one.json === true ? answer.json() : decodeTrusted(answer.data)) as Readonly<Record<string, unknown>>;
}

/** What the server says to a client that does not keep to its limits. */
function beyondMaxPayload(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, "127.0.0.1");
    let said = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => { said += chunk; }).on("error", () => undefined).on("close", () => resolve(said));
    socket.write(`CONNECT {"verbose":false}\r\nPUB ls.main.in.job-queue.main.submit.mallory ${8 * KIB * KIB}\r\n${"x".repeat(KIB)}`);
  });
}

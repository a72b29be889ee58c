/** The door that gives payloads to other clusters, as it looks from outside: over a leaf node, with a client that knows nothing of Longshore. */
import { type BlobPut, type BlobRef, type Blobs, type CarryAnswer, decodeUntrusted, encode, IMPORTED_BLOBS, streamsOf, subjectsOf } from "@longshore/kernel";
import { blobsOf, type Connection, carrierOf, openBlobDoor, wireOf } from "@longshore/nats";
import type { NatsConnection } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { EAST, HUB, type TwoClusters, twoClusters, WEST } from "./leaf.ts";
import { answerOf, bare, bytes, until } from "./world.ts";

const TEST_MS = 60_000;
const LONG = 2_000_000;
const door = (peer: string): string => subjectsOf(HUB).blobDoor(peer);

/** The hub's host with a payload of its own, and a door that gives it to whom the map names. */
async function open(clusters: TwoClusters, user = "host"): Promise<{ readonly host: Connection; readonly ref: BlobRef; readonly given: Map<string, BlobRef>; readonly askers: string[] }> {
  const host = await clusters.as(HUB, user);
  const put = await answerOf<BlobPut>((done) => blobsOf(host, HUB).put(user, bytes(LONG), done));
  if (put.kind !== "stored") throw new Error(put.message);
  const ref = { principal: user, digest: put.digest, bytes: LONG };
  const given = new Map<string, BlobRef>();
  const askers: string[] = [];
  openBlobDoor(host, {
    cluster: HUB,
    mayRead(peer, digest) {
      askers.push(peer);
      const found = given.get(peer);
      return found?.digest === digest ? found : undefined;
    },
  });
  return { host, ref, given, askers };
}

/** Asks as nobody of ours would: with a subject for the answer that the link lets through. */
async function asking(nc: NatsConnection, as: string, ask: (reply: string) => void): Promise<unknown> {
  const reply = subjectsOf(as).across(HUB, `t.${Math.random().toString(36).slice(2)}`);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("silence"), 2_000);
    nc.subscribe(reply, {
      max: 1,
      callback: (_, { data }) => {
        clearTimeout(timer);
        resolve(data.length === 0 ? "nobody" : decodeUntrusted(new Uint8Array(data)));
      },
    });
    void nc.flush().then(() => ask(reply));
  });
}

const request = (nc: NatsConnection, question: unknown, as: string = WEST): Promise<unknown> =>
  asking(nc, as, (reply) => nc.publish(door(as), question instanceof Uint8Array ? question : encode(question), { reply }));

const heard = (nc: NatsConnection): Promise<void> => until(async () => typeof (await request(nc, {})) === "object", "the door is heard of");

it("P14 a cluster reads by the door what it was given, and nothing before or after that", async () => {
  const clusters = await twoClusters();
  const { ref, given } = await open(clusters);
  const here = await clusters.as(WEST, "host");
  const carrier = carrierOf(here, WEST, { pieceTimeoutMs: 2_000 });
  const bring = (wanted = ref): Promise<unknown> => answerOf((done) => carrier.bring(HUB, wanted, IMPORTED_BLOBS, done));
  await until(async () => (await answerOf<{ readonly kind: string }>((done) => wireOf(here, WEST).request(door(WEST), encode({}), 2_000, done))).kind === "answer", "the door is heard of");
  const denied = { kind: "failed", failure: { kind: "missing", message: `${HUB} does not give that payload to this cluster` } };
  expect(await bring()).toEqual(denied);
  given.set(EAST, ref);
  expect(await bring()).toEqual(denied);
  given.set(WEST, ref);
  expect(await bring({ ...ref, digest: "0".repeat(64) })).toEqual(denied);
  expect(await bring()).toEqual({ kind: "here", travelled: LONG });
  given.delete(WEST);
  expect(await answerOf<boolean>((done) => carrier.remove({ principal: IMPORTED_BLOBS, digest: ref.digest }, done))).toBe(true);
  expect(await bring()).toEqual(denied);
}, TEST_MS);

it("P14 a cluster that may do what its role says reads and writes no payload of another cluster but by the door", async () => {
  const clusters = await twoClusters("peer");
  const { ref, given, askers } = await open(clusters, "provisioner");
  given.set(WEST, ref);
  const attacker = await bare(clusters.west);
  await heard(attacker);
  const piece = subjectsOf(HUB).blob(ref.principal, ref.digest, 0);
  const stream = streamsOf(HUB).blobs;
  for (const api of ["$JS.API", `$JS.${HUB}.API`]) {
    for (const subject of [`${api}.DIRECT.GET.${stream}.${piece}`, `${api}.STREAM.INFO.${stream}`]) {
      const answer = await attacker.request(subject, "", { timeout: 1_000 }).then((message) => message.string(), () => "nothing");
      expect(answer, subject).toMatch(/^$|nothing|"code":404/);
    }
  }
  for (const principal of [WEST, "host", "offload-guest", "offload-import", ref.principal]) attacker.publish(subjectsOf(HUB).blob(principal, ref.digest, 1), "forged");
  expect(await request(attacker, { digest: ref.digest, piece: 1 })).toMatchObject({ pieces: Math.ceil(LONG / 262_144) });
  const admin = await bare(clusters.hub, { user: "provisioner", pass: "pw-provisioner" });
  expect((await admin.request(`$JS.API.STREAM.INFO.${stream}`)).json()).toMatchObject({ state: { messages: Math.ceil(LONG / 262_144) } });
  // In the name of a third cluster nobody hears it.
  given.set(EAST, ref);
  expect(await asking(attacker, WEST, (reply) => attacker.publish(door(EAST), encode({ digest: ref.digest, piece: 0 }), { reply }))).toBe("nobody");
  expect(new Set(askers)).toEqual(new Set([WEST]));
}, TEST_MS);

it("P14 whatever is asked, the door goes on: it answers what cannot be meant as malformed, and writes nowhere but where its asker listens", async () => {
  const clusters = await twoClusters("none");
  const { ref, given, host } = await open(clusters);
  given.set(WEST, ref);
  const attacker = await bare(clusters.west);
  await heard(attacker);
  const { digest } = ref;
  const malformed = [
    {}, [], null, 7, "x", { digest }, { piece: 0 }, { digest, piece: -1 }, { digest, piece: 0.5 }, { digest, piece: 2 ** 53 }, { digest, piece: "0" }, { digest: digest.toUpperCase(), piece: 0 },
    { digest: "*", piece: 0 }, { digest: `${digest}.>`, piece: 0 }, { digest: [digest], piece: 0 }, new Uint8Array(0), new Uint8Array(250).fill(0x91), new Uint8Array(100_000).fill(0xdf), bytes(500_000, 0xc1),
  ];
  for (const question of malformed) expect(await request(attacker, question)).toMatchObject({ error: "malformed" });
  expect(await request(attacker, { digest, piece: 2 ** 40 })).toMatchObject({ error: "missing" });
  const journal = subjectsOf(HUB).journal("job-queue", "main");
  for (const reply of [journal, subjectsOf(HUB).blob("host", digest, 1), subjectsOf(EAST).across(HUB, "x.1")]) attacker.publish(door(WEST), encode({ digest, piece: 0 }), { reply });
  attacker.publish(door(WEST), encode({ digest, piece: 0 }));
  expect(await request(attacker, { digest, piece: 0 })).toMatchObject({ pieces: Math.ceil(LONG / 262_144) });
  expect((await host.nc.request(`$JS.API.STREAM.INFO.${streamsOf(HUB).journal}`)).json()).toMatchObject({ state: { messages: 0 } });
}, TEST_MS);

it("more than it reads at a time the door puts off, and answers each", async () => {
  const clusters = await twoClusters("none");
  const { ref, given } = await open(clusters);
  given.set(WEST, ref);
  const peer = await bare(clusters.west);
  await heard(peer);
  const answers = await Promise.all(Array.from({ length: 200 }, () => request(peer, { digest: ref.digest, piece: 0 })));
  const errors = answers.map((answer) => (answer as { readonly error?: string }).error);
  expect(new Set(errors)).toEqual(new Set([undefined, "busy"]));
  expect(errors.filter((error) => error === undefined).length).toBeGreaterThanOrEqual(32);
}, TEST_MS);

it("OFF-TRN-19 OFF-TRN-25 a link that breaks in the middle of a payload: the next try brings the rest", async () => {
  const clusters = await twoClusters("none");
  const host = await clusters.as(HUB, "host");
  const long = bytes(20 * 262_144, 9);
  const put = await answerOf<BlobPut>((done) => blobsOf(host, HUB).put("host", long, done));
  if (put.kind !== "stored") throw new Error(put.message);
  const wanted = { principal: "host", digest: put.digest, bytes: long.length };
  let asked = 0;
  let cut: Promise<void> | undefined;
  openBlobDoor(host, {
    cluster: HUB,
    mayRead() {
      // The eighteenth piece is asked for when the second is being stored.
      if (++asked === 18) cut = clusters.cut();
      return wanted;
    },
  });
  const here = await clusters.as(WEST, "host");
  await heard(await bare(clusters.west));
  const carrier = carrierOf(here, WEST, { pieceTimeoutMs: 2_000 });
  const bring = (): Promise<CarryAnswer> => answerOf((done) => carrier.bring(HUB, wanted, IMPORTED_BLOBS, done));
  expect(await bring()).toMatchObject({ kind: "failed", failure: { kind: "unreachable" } });
  await cut;
  await clusters.join();
  let answer = await bring();
  await until(async () => {
    if (answer.kind === "failed") answer = await bring();
    return answer.kind === "here";
  }, "the rest is brought");
  expect(answer.kind === "here" && answer.travelled).toBeLessThan(long.length);
  const found = await answerOf<Parameters<Parameters<Blobs["get"]>[2]>[0]>((done) => blobsOf(here, WEST).get(IMPORTED_BLOBS, put.digest, done));
  expect(found.kind === "found" && Buffer.from(found.bytes).equals(long)).toBe(true);
}, TEST_MS);

it("a cluster that does not answer holds up no other", async () => {
  const clusters = await twoClusters("none");
  const { ref, given, host } = await open(clusters);
  given.set(WEST, ref);
  await heard(await bare(clusters.west));
  // The hub speaks for a third cluster as well, and says nothing.
  const silent = new Promise<void>((asked) => host.nc.subscribe(subjectsOf(EAST).blobDoor(WEST), { callback: () => asked() }));
  const carrier = carrierOf(await clusters.as(WEST, "host"), WEST);
  const bring = (cluster: string, digest: string, done: (answer: unknown) => void): void => carrier.bring(cluster, { ...ref, digest }, IMPORTED_BLOBS, done);
  const late: unknown[] = [];
  await until(async () => {
    for (let i = 0; i < 40; i++) bring(EAST, i.toString(16).padStart(64, "0"), (answer) => late.push(answer));
    return Promise.race([silent.then(() => true), new Promise<false>((next) => setTimeout(() => next(false), 100))]);
  }, "the third cluster is asked");
  expect(await answerOf((done) => bring(HUB, ref.digest, done))).toEqual({ kind: "here", travelled: LONG });
  expect(late.filter((answer) => (answer as { readonly kind: string }).kind === "here")).toEqual([]);
}, TEST_MS);

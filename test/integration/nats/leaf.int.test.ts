/** From one cluster to another over a leaf node: the contract of the link, and what neither side can do to the other. */
import { createHash } from "node:crypto";
import { type HostPorts, type StoreAnswer, streamsOf, subjectsOf, type WireAnswer } from "@longshore/kernel";
import { type Connection, inboxOf, journalOf, marksOf, serverTimeOf, snapshotsOf, wireOf } from "@longshore/nats";
import { type LinkSide, linkContract } from "@longshore/testkit/contract";
import type { NatsConnection } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { EAST, HUB, twoClusters, WEST } from "./leaf.ts";
import { answerOf, bare, SUITE, until } from "./world.ts";

const KIND = "counter";

const clock: HostPorts["clock"] = {
  monotonicMs: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

function sideOf(cluster: string, connection: Connection): LinkSide {
  return {
    cluster,
    ports(actor) {
      const place = { cluster, kind: KIND, actor };
      return {
        journal: journalOf(connection, place),
        inboxes: (["inbox", "peers"] as const).map((stream) => inboxOf(connection, { ...place, stream })),
        wire: wireOf(connection, cluster), clock, serverTime: serverTimeOf(connection, cluster), marks: marksOf(connection, place),
        snapshots: snapshotsOf(connection, place), hash: (bytes) => createHash("sha256").update(bytes).digest(), telemetry: () => undefined,
      };
    },
  };
}

linkContract(`a leaf node between two nats-servers of ${SUITE}`, async () => {
  const { as, cut, join } = await twoClusters();
  return { near: sideOf(WEST, await as(WEST, "host")), far: sideOf(HUB, await as(HUB, "host")), cut, join };
});

/** Whatever one cluster has: every kind of subject, as somebody would write on it who means harm. */
function harmful(cluster: string, peer: string): readonly string[] {
  const subjects = subjectsOf(cluster);
  const { prefix } = subjects;
  return [
    subjects.journal("k", "a"), subjects.mark("k", "a"), subjects.snapshot("k", "a", "x", "0"), subjects.blob("host", "digest", 0), subjects.blob(peer, "digest", 0), subjects.blob("offload-guest", "digest", 0), subjects.blobDoor("other"), subjects.wanted("queue.main"),
    ...["submit", "outcome", "operate", "actor", "hello"].flatMap((role) => [`${prefix}cm.k.a.${role}.${peer}`, `${prefix}in.k.a.${role}.${peer}`]),
    `${prefix}in.k.a.peer.other`, `${prefix}cm.k.a.peer.other`, `${prefix}q.k.a.operate.${peer}`, `${prefix}wa.k.a.${peer}`, `${prefix}hi.host.i.main`, `${prefix}hb.host.i`,
    `${prefix}tp.host.i`, `${prefix}wk.host.i.main`, `${prefix}re.host.c`, `${prefix}ev.k.x.y`, "_INBOX.host.x.1", `$JS.API.STREAM.PURGE.${streamsOf(cluster).journal}`,
    `$JS.API.STREAM.DELETE.${streamsOf(cluster).journal}`,
  ];
}

/** What of these messages, sent on one server, arrives at somebody on the other who hears everything. That a last one passes proves that the rest would have come before it. */
async function arrived(from: NatsConnection, to: NatsConnection, subjects: readonly string[], allowed: string): Promise<readonly string[]> {
  const heard: string[] = [];
  to.subscribe(">", { callback: (_, { subject }) => void heard.push(subject) });
  await to.flush();
  // What somebody listens to behind the link is known here a moment later.
  await until(() => {
    from.publish(allowed, "!");
    return heard.includes(allowed);
  }, `${allowed} passes`);
  for (const subject of subjects) from.publish(subject, "?");
  from.publish(allowed, "last");
  const before = heard.filter((subject) => subject === allowed).length;
  await until(() => heard.filter((subject) => subject === allowed).length > before, "the last one passes");
  return heard.filter((subject) => subjects.includes(subject));
}

const TEST_MS = 60_000;

it("OFF-TOP-03 P14 a leaf node may publish into the inboxes it is given and nowhere else, whatever its own cluster lets it do, and hears nothing that is not for it", async () => {
  const { hub, west } = await twoClusters("peer");
  const attacker = await bare(west);
  const admin = await bare(hub, { user: "provisioner", pass: "pw-provisioner" });
  const everything = [...harmful(HUB, WEST), ...harmful("east", WEST)].filter((subject) => !subject.startsWith("$JS.API"));
  expect(await arrived(attacker, admin, everything, subjectsOf(HUB).inbox("k", "a", "peer", WEST))).toEqual([]);
  expect(await arrived(attacker, admin, [], subjectsOf(HUB).command("k", "a", "peer", WEST))).toEqual([]);

  const secrets = [...harmful(HUB, WEST), ...harmful("east", WEST), subjectsOf(HUB).across("east", "id.1")];
  expect(await arrived(admin, attacker, secrets, subjectsOf(WEST).inbox("k", "a", "peer", HUB))).toEqual([]);
}, TEST_MS);

it("P14 whoever runs the hub may say in a leaf node's cluster what a peer says, and nothing else", async () => {
  const { hub, west } = await twoClusters("none");
  const [attacker, admin] = [await bare(hub), await bare(west)];
  expect(await arrived(attacker, admin, harmful(WEST, HUB).filter((subject) => !/peer\.other$/.test(subject)), subjectsOf(WEST).inbox("k", "a", "peer", HUB))).toEqual([]);
}, TEST_MS);

it("OFF-TOP-04 P14 clusters behind two leaf nodes of one hub reach each other through it, each in its own name only", async () => {
  const clusters = await twoClusters();
  const there = wireOf(await clusters.east(), EAST);
  const here = wireOf(await clusters.as(WEST, "host"), WEST);
  there.subscribe(subjectsOf(EAST).commands(KIND, "a"), ({ subject, reply }) => reply?.(new TextEncoder().encode(subject)));
  const { inbox, command } = subjectsOf(EAST);
  const stored = (): Promise<StoreAnswer> => answerOf((done) => here.store(inbox(KIND, "a", "peer", WEST), new Uint8Array(5), done));
  // What somebody listens to behind two links is known here a moment later.
  await until(async () => (await stored()).kind === "stored", "the far server stores it");
  const ask = (): Promise<WireAnswer> => answerOf((done) => here.request(command(KIND, "a", "peer", WEST), new Uint8Array(5), 2_000, done));
  await until(async () => (await ask()).kind === "answer", "the far host answers");
  expect(await answerOf<StoreAnswer>((done) => here.store(inbox(KIND, "a", "peer", HUB), new Uint8Array(5), done))).toEqual({ kind: "refused", cause: "denied" });
}, TEST_MS);

it("the streams of one domain cannot be reached from the other", async () => {
  const { hub, west } = await twoClusters("none");
  const [here, there] = [await bare(west), await bare(hub)];
  for (const [nc, cluster] of [[here, HUB], [there, WEST]] as const) {
    const { error } = (await nc.request(`$JS.API.STREAM.PURGE.${streamsOf(cluster).journal}`)).json<{ readonly error?: { readonly code: number } }>();
    expect(error?.code).toBe(404);
  }
}, TEST_MS);

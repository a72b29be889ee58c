/** The adapters keep the contracts that the in-memory twins keep. */
import { blobsOf, type Connection, inboxOf, journalOf, marksOf, provision, snapshotsOf, wantedOf, wireOf } from "@longshore/nats";
import { blobsContract, inboxContract, journalContract, marksContract, snapshotsContract, wantedContract, wireContract } from "@longshore/testkit/contract";
import { headers } from "@nats-io/transport-node";
import { bare, CLUSTER, connected, provisioned, SUITE, server } from "./world.ts";

const NAME = `nats-server of ${SUITE}`;
const ACTOR = { cluster: CLUSTER, kind: "k", actor: "a" } as const;

/** Two connections, as two processes have. */
async function two(): Promise<{ readonly here: Connection; readonly there: Connection }> {
  const { nats, connection } = await provisioned();
  return { here: connection, there: await connected(nats) };
}

journalContract(NAME, async () => {
  const { connection } = await provisioned();
  return { journal: journalOf(connection, ACTOR), neighbor: journalOf(connection, { ...ACTOR, actor: "b" }), maxPayloadBytes: connection.maxPayloadBytes };
});

inboxContract(NAME, async () => {
  const { nats, connection } = await provisioned();
  const nc = await bare(nats);
  return {
    inbox: inboxOf(connection, { ...ACTOR, stream: "inbox" }),
    subjects: { mine: "ls.t.in.k.a.submit.alice", alsoMine: "ls.t.in.k.a.operate.bob", foreign: "ls.t.in.k.b.submit.alice" },
    async store(subject, data, json = false) {
      const type = headers();
      type.set("Content-Type", json ? "application/json" : "application/msgpack");
      return (await nc.request(subject, data, { headers: type, timeout: 5_000 })).json<{ seq: number }>().seq;
    },
  };
});

const SECRETS = `authorization { users: [
  { user: alice, password: "pw-alice", permissions: { publish: { deny: ["secret.>"] } } }
  { user: bob, password: "pw-bob" }
] }`;

wireContract(NAME, async () => {
  const nats = await server({ extraConfig: SECRETS });
  const [a, b] = [await connected(nats, { principal: "alice", password: "pw-alice" }), await connected(nats, { principal: "bob", password: "pw-bob" })];
  await provision(b, { cluster: CLUSTER });
  return {
    a: wireOf(a),
    b: wireOf(b),
    prefix: "ls.t.x.",
    captured: "ls.t.in.k.a.submit.alice",
    forbidden: "secret.plan",
    async flush() {
      await a.nc.flush();
      await b.nc.flush();
    },
    interrupt: () => a.nc.reconnect(),
  };
});

marksContract(NAME, async () => {
  const { here, there } = await two();
  return { marks: marksOf(here, ACTOR), elsewhere: marksOf(there, ACTOR) };
});

snapshotsContract(NAME, async () => {
  const { here, there } = await two();
  return { snapshots: snapshotsOf(here, ACTOR), elsewhere: snapshotsOf(there, ACTOR) };
});

snapshotsContract(`${NAME}, as an observer reads`, async () => {
  const { here, there } = await two();
  return { snapshots: snapshotsOf(here, ACTOR), elsewhere: snapshotsOf(there, { ...ACTOR, from: "replica" }) };
});

blobsContract(NAME, async () => {
  const { connection } = await provisioned();
  return {
    blobs: blobsOf(connection, CLUSTER), principals: ["alice", "bob"], aged: () => blobsOf(connection, CLUSTER, { youngMs: 0 }),
    // The last sequence of the stream: every piece that was ever stored.
    sent: async () => Number((await connection.nc.request("$JS.API.STREAM.INFO.LS_t_BLOBS")).json<{ readonly state: { readonly last_seq: number } }>().state.last_seq),
  };
});

wantedContract(NAME, async () => {
  const { here, there } = await two();
  return { wanted: wantedOf(here, CLUSTER), elsewhere: wantedOf(there, CLUSTER) };
});

/** The twins keep the contracts that the NATS adapters keep. */
import { BLOB_YOUNG_MS } from "@longshore/kernel";
import { MemoryServer, VirtualClock } from "../index.ts";
import type { ContractWorld } from "./index.ts";
import { blobsContract, carrierContract, inboxContract, journalContract, linkContract, marksContract, snapshotsContract, wantedContract, wireContract } from "./index.ts";

function setup(): { readonly clock: VirtualClock; readonly server: MemoryServer; readonly world: ContractWorld } {
  const clock = new VirtualClock();
  return { clock, server: new MemoryServer({ cluster: "t", clock }), world: { drive: (isDone) => void clock.runUntil(isDone) } };
}

journalContract("in memory", () => {
  const { server, world } = setup();
  return { ...world, journal: server.journal("k", "a"), neighbor: server.journal("k", "b"), maxPayloadBytes: server.bus.maxPayloadBytes };
});

inboxContract("in memory", () => {
  const { server, world } = setup();
  const stream = server.stream("LS_t_INBOX");
  return {
    ...world,
    inbox: server.inboxes("k", "a")[0]!,
    subjects: { mine: "ls.t.in.k.a.submit.alice", alsoMine: "ls.t.in.k.a.operate.bob", foreign: "ls.t.in.k.b.submit.alice" },
    store: (subject, data, json = false) => {
      const answer = stream.store(subject, data, { json });
      return answer.kind === "stored" ? Promise.resolve(answer.sequence) : Promise.reject(new Error(answer.cause));
    },
  };
});

wireContract("in memory", () => {
  const { server, world } = setup();
  const a = server.wire("alice");
  server.bus.allow = (_principal, _action, subject) => !subject.startsWith("secret");
  return {
    ...world, a, b: server.wire("bob"), prefix: "ls.t.x.", captured: "ls.t.in.k.a.submit.alice", forbidden: "secret.plan",
    flush: () => Promise.resolve(),
    interrupt: () => {
      a.disconnect();
      a.reconnect();
    },
  };
});

marksContract("in memory", () => {
  const { server, world } = setup();
  return { ...world, marks: server.marksOf("k", "a"), elsewhere: server.marksOf("k", "a") };
});

snapshotsContract("in memory", () => {
  const { server, world } = setup();
  return { ...world, snapshots: server.snapshotsOf("k", "a"), elsewhere: server.snapshotsOf("k", "a") };
});

blobsContract("in memory", () => {
  const { server, world } = setup();
  return {
    ...world, blobs: server.blobs, principals: ["alice", "bob"], sent: () => server.blobs.sentBytes,
    aged: () => {
      server.serverTime.offsetMs += BLOB_YOUNG_MS;
      return server.blobs;
    },
  };
});

wantedContract("in memory", () => {
  const { server, world } = setup();
  return { ...world, wanted: server.wanted, elsewhere: server.wanted };
});

linkContract("in memory", () => {
  const { server: near, clock, world } = setup();
  const far = new MemoryServer({ cluster: "far", clock });
  const link = near.linkTo(far);
  return {
    ...world,
    near: { cluster: "t", ports: (actor) => near.hostPorts("counter", actor, "host") },
    far: { cluster: "far", ports: (actor) => far.hostPorts("counter", actor, "host") },
    cut: () => link.cut(),
    join: () => link.join(),
  };
});

carrierContract("in memory", () => {
  const { server: near, clock, world } = setup();
  const far = new MemoryServer({ cluster: "far", clock });
  const link = near.linkTo(far);
  const carrier = near.carrier();
  return {
    ...world,
    near: { cluster: "t", blobs: near.blobs, carrier }, far: { cluster: "far", blobs: far.blobs },
    open: (mayRead) => void far.openBlobDoor(mayRead),
    cut: () => link.cut(),
    join: () => link.join(),
    spoil(side, { principal, digest }) {
      const key = `${principal}/${digest}`;
      const bytes = (side === "near" ? near : far).blobs.held.get(key)?.bytes ?? carrier.left.get(key)![1]!;
      bytes[bytes.length - 1]! ^= 1;
    },
    aged: () => {
      near.serverTime.offsetMs += BLOB_YOUNG_MS;
      return carrier;
    },
  };
});

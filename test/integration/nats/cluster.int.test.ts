/** Three servers, three copies: what a killed server may do to a reader and to a writer. */
import { createServer } from "node:net";
import type { AppendAnswer, Journal } from "@longshore/kernel";
import { inboxOf, journalOf, type NatsServer, provision, verify, wireOf } from "@longshore/nats";
import { describe, expect, it } from "vitest";
import { answerOf, bare, bytes, CLUSTER, connected, server, until, utf8 } from "./world.ts";

const MINUTES = 120_000;

async function cluster(): Promise<readonly NatsServer[]> {
  const ports = await Promise.all([0, 1, 2].map(freePort));
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
  return Promise.all(
    ports.map((port, i) => server({ serverName: `n${i}`, readyWithinMs: MINUTES, extraConfig: `cluster { name: c, listen: "127.0.0.1:${port}", routes: [${routes}] }` })),
  );
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const listener = createServer().listen(0, "127.0.0.1", () => {
      const address = listener.address();
      listener.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });

const urls = (servers: readonly NatsServer[]): string => servers.map(({ url }) => url).join(",");

async function leaderOf(servers: readonly NatsServer[], stream: string): Promise<NatsServer> {
  let leader: NatsServer | undefined;
  await until(
    async () => {
      const asked = servers.find(({ isRunning }) => isRunning);
      if (asked === undefined) return false;
      const nc = await bare(asked);
      const info = await nc.request(`$JS.API.STREAM.INFO.${stream}`, "", { timeout: 2_000 }).catch(() => undefined);
      await nc.close();
      const name = info?.json<{ cluster?: { leader?: string } }>().cluster?.leader;
      leader = servers[Number(name?.slice(1))];
      return leader !== undefined;
    },
    "the stream has a leader",
    MINUTES,
  );
  return leader as NatsServer;
}

/** The host's protocol: after a doubt it looks, and goes on from what it finds. */
async function appendSurely(to: Journal, data: Uint8Array, expected: number): Promise<number> {
  const deadlineMs = performance.now() + MINUTES;
  while (performance.now() < deadlineMs) {
    const answer = await answerOf<AppendAnswer>(to.append.bind(null, data, expected));
    if (answer.kind === "stored") return answer.version;
    if (answer.kind === "stop") throw new Error(answer.cause);
    const last = await answerOf(to.last);
    if (last.kind === "last" && last.commit !== undefined && last.commit.version > expected && Buffer.compare(last.commit.bytes, data) === 0) return last.commit.version;
  }
  throw new Error("not stored in time");
}

describe("three servers", { timeout: MINUTES }, () => {
  it("keep three copies of each stream", async () => {
    const servers = await cluster();
    const connection = await connected(servers[0] as NatsServer);
    await provision(connection, { cluster: CLUSTER, replicas: 3 });
    expect((await verify(connection, { cluster: CLUSTER, replicas: 3 })).findings).toEqual([]);
    expect((await verify(connection, { cluster: CLUSTER, replicas: 1 })).findings).toHaveLength(6);
  });

  it("lose and double no commit when the leader is killed in the middle, and the reader gets them all", async () => {
    const servers = await cluster();
    const writing = await connected(servers[0] as NatsServer, { servers: urls(servers) });
    const reading = await connected(servers[0] as NatsServer, { servers: urls(servers) });
    await provision(writing, { cluster: CLUSTER, replicas: 3 });
    const to = journalOf(writing, { cluster: CLUSTER, kind: "job-queue", actor: "main", reading });
    let version = 0;
    for (let i = 0; i < 300; i++) {
      if (i === 100) void (await leaderOf(servers, "LS_t_JOURNAL")).kill();
      version = await appendSurely(to, utf8(`commit ${i}`), version);
    }
    const read: string[] = [];
    const end = await new Promise((resolve) => to.read(0, (commit) => read.push(new TextDecoder().decode(commit.bytes)), resolve));
    expect(end).toEqual({ kind: "end", last: version });
    expect(read).toEqual(Array.from({ length: 300 }, (_, i) => `commit ${i}`));
  });

  it("let a reader go on whichever of them is killed while it reads", async () => {
    const servers = await cluster();
    const connection = await connected(servers[0] as NatsServer, { servers: urls(servers) });
    await provision(connection, { cluster: CLUSTER, replicas: 3 });
    const wire = wireOf(connection);
    const count = 3_000;
    for (let i = 0; i < count; i += 100) {
      await Promise.all(Array.from({ length: 100 }, () => answerOf(wire.store.bind(null, "ls.t.in.job-queue.main.submit.alice", bytes(2_000)))));
    }
    for (const victim of servers) {
      const inbox = inboxOf(connection, { cluster: CLUSTER, kind: "job-queue", actor: "main", stream: "inbox" });
      const reads = answerOf(inbox.read.bind(null, 0, count));
      await victim.kill();
      let answer = await reads;
      await victim.restart();
      const isRead = async (): Promise<boolean> => {
        if (answer.kind !== "messages") answer = await answerOf(inbox.read.bind(null, 0, count));
        return answer.kind === "messages";
      };
      await until(isRead, "readable", MINUTES);
      expect(answer.kind === "messages" && answer.messages.length).toBe(count);
    }
  });
});

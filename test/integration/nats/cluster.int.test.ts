/** Three servers, three copies: what a killed server may do to a reader and to a writer. */
import { inboxOf, journalOf, type NatsServer, preflight, provision, verify, wireOf } from "@longshore/nats";
import { describe, expect, it, onTestFinished } from "vitest";
import { appendSurely } from "../../chaos/append-surely.ts";
import { leaderOf, startServers, urlsOf } from "../../chaos/servers.ts";
import { answerOf, binary, bytes, CLUSTER, connected, tempDir, until, utf8 } from "./world.ts";

const MINUTES = 120_000;

async function cluster(): Promise<readonly NatsServer[]> {
  const servers = await startServers(await tempDir(), 3, { binary: await binary(), syncAlways: false });
  for (const { stop } of servers) onTestFinished(stop);
  return servers;
}

async function killLeader(servers: readonly NatsServer[], stream: string): Promise<void> {
  await until(async () => (await leaderOf(servers, stream)) !== undefined, "the stream has a leader", MINUTES);
  await (await leaderOf(servers, stream))?.kill();
}

describe("three servers", { timeout: MINUTES }, () => {
  it("keep three copies of each stream, also when a later setup does not say how many", async () => {
    const servers = await cluster();
    const connection = await connected(servers[0] as NatsServer);
    const copies = async () => (await preflight(connection, { cluster: CLUSTER })).find(({ check }) => check.startsWith("copies"));
    await provision(connection, { cluster: CLUSTER });
    expect(await copies()).toMatchObject({ ok: false, found: expect.stringContaining("LS_t_JOURNAL"), remedy: expect.stringContaining("--replicas 3") });

    await provision(connection, { cluster: CLUSTER, replicas: 3 });
    await provision(connection, { cluster: CLUSTER });
    expect((await verify(connection, { cluster: CLUSTER, replicas: 3 })).findings).toEqual([]);
    expect((await verify(connection, { cluster: CLUSTER, replicas: 1 })).findings.map(({ what }) => what)).toEqual(Array.from({ length: 7 }, () => "num_replicas"));
    await until(async () => (await copies())?.ok === true, "all copies are whole", MINUTES);
    await servers[2]?.kill();
    await until(async () => /n2 is (?:silent|away)/.test((await copies())?.found ?? ""), "the server that is gone is named", MINUTES);
  });

  it("lose and double no commit when the leader is killed in the middle, and the reader gets them all", async () => {
    const servers = await cluster();
    const writing = await connected(servers[0] as NatsServer, { servers: urlsOf(servers) });
    const reading = await connected(servers[0] as NatsServer, { servers: urlsOf(servers) });
    await provision(writing, { cluster: CLUSTER, replicas: 3 });
    const to = journalOf(writing, { cluster: CLUSTER, kind: "job-queue", actor: "main", reading });
    let version = 0;
    for (let i = 0; i < 300; i++) {
      if (i === 100) void killLeader(servers, "LS_t_JOURNAL");
      version = await appendSurely(to, utf8(`commit ${i}`), version);
    }
    const read: string[] = [];
    const end = await new Promise((resolve) => to.read(0, (commit) => read.push(new TextDecoder().decode(commit.bytes)), resolve));
    expect(end).toEqual({ kind: "end", last: version });
    expect(read).toEqual(Array.from({ length: 300 }, (_, i) => `commit ${i}`));
  });

  it("let a reader go on whichever of them is killed while it reads", async () => {
    const servers = await cluster();
    const connection = await connected(servers[0] as NatsServer, { servers: urlsOf(servers) });
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

/**
 * What each role of `nats.conf` may do, tried from outside with a client that knows nothing of Longshore. Everything in
 * the table works, and everything another role may do is refused.
 */
import { blobsOf, historiesOf, inboxOf, journalOf, marksOf, type NatsServer, permissionsOf, preflight, provision, ROLE_NAMES, ROLE_USERS, serverTimeOf, snapshotsOf, wireOf } from "@longshore/nats";
import { type Msg, type NatsConnection, PermissionViolationError } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { answerOf, bare, bytes, CLUSTER, connected, server, until, utf8 } from "./world.ts";

/** A literal subject for a pattern of the table. */
const literal = (pattern: string): string => pattern.replaceAll("*", "x").replace(/>$/, "x.y");

/** Takes part in the account like an administrator would: has every role. */
const users = [...ROLE_USERS, { name: "everybody", roles: ROLE_NAMES, passwordVariable: "LONGSHORE_PASSWORD_EVERYBODY" }];
const env = Object.fromEntries(users.map((user) => [user.passwordVariable, `pw-${user.name}`]));

async function world(): Promise<NatsServer> {
  const nats = await server({ users, env, cluster: CLUSTER });
  await provision(await connected(nats, { principal: "provisioner", password: "pw-provisioner" }), { cluster: CLUSTER });
  return nats;
}

const as = (nats: NatsServer, role: string): Promise<NatsConnection> => bare(nats, { user: role, pass: `pw-${role}` });

/** The subjects of these publishes that the server refused. */
async function refusedPublishes(nc: NatsConnection, subjects: readonly string[]): Promise<readonly string[]> {
  return violations(nc, "publish", () => {
    for (const subject of subjects) nc.publish(subject, "?");
  });
}

async function refusedSubscriptions(nc: NatsConnection, subjects: readonly string[]): Promise<readonly string[]> {
  return violations(nc, "subscription", () => {
    for (const subject of subjects) nc.subscribe(subject, { callback: () => undefined });
  });
}

/** The server's errors arrive before the answer to a ping sent after. */
async function violations(nc: NatsConnection, operation: string, act: () => void): Promise<readonly string[]> {
  const refused: string[] = [];
  const statuses = nc.status();
  const listening = (async () => {
    for await (const status of statuses) {
      if (status.type === "error" && status.error instanceof PermissionViolationError && status.error.operation === operation) refused.push(status.error.subject);
    }
  })();
  act();
  await nc.flush();
  (statuses as unknown as { stop(): void }).stop();
  await listening;
  return refused;
}

/** Everything that any role may publish, with the name of the role as its principal. */
const everything = (kind: "publish" | "subscribe"): readonly string[] => [...new Set(ROLE_NAMES.flatMap((role) => permissionsOf([role], CLUSTER, role)[kind]))];

/** Whether a subject is covered by a pattern, as the server reads it. */
const isCovered = (patterns: readonly string[], subject: string): boolean =>
  patterns.some((pattern) => new RegExp(`^${pattern.replaceAll(/[.$]/g, "\\$&").replaceAll("*", "[^.]+").replace(/>$/, ".+")}$`).test(subject));

describe("the roles of nats.conf", () => {
  it.each(ROLE_NAMES)("%s may publish exactly what the table gives it", async (role) => {
    const own = permissionsOf([role], CLUSTER, role).publish;
    const subjects = everything("publish").map(literal);
    const refused = await refusedPublishes(await as(await world(), role), subjects);
    expect([...refused].sort()).toEqual(subjects.filter((subject) => !isCovered(own, subject)).sort());
  });

  it.each(ROLE_NAMES)("%s may listen exactly where the table says", async (role) => {
    const own = permissionsOf([role], CLUSTER, role).subscribe;
    const subjects = everything("subscribe");
    const refused = await refusedSubscriptions(await as(await world(), role), subjects);
    expect([...refused].sort()).toEqual(subjects.filter((subject) => !own.includes(subject)).sort());
  });

  it.each(ROLE_NAMES.filter((role) => role !== "host"))("%s may not write a history, change a stream, create a consumer, or see everything", async (role) => {
    const nc = await as(await world(), role);
    const publishes = [
      "ls.t.jr.job-queue.main",
      "ls.t.mk.job-queue.main",
      "ls.t.sn.job-queue.main.a.0",
      "ls.t.wk.worker.i.main",
      "ls.t.ev.job-queue.x.y",
      "$JS.API.STREAM.PURGE.LS_t_JOURNAL",
      "$JS.API.STREAM.DELETE.LS_t_JOURNAL",
      "$JS.API.STREAM.MSG.DELETE.LS_t_JOURNAL",
      "$JS.API.STREAM.RESTORE.LS_t_JOURNAL",
      "$JS.API.CONSUMER.CREATE.LS_t_JOURNAL",
      "$JS.API.CONSUMER.CREATE.LS_t_JOURNAL.c",
      "$JS.API.CONSUMER.CREATE.LS_t_JOURNAL.c.ls.t.jr.>",
      "$JS.API.CONSUMER.DURABLE.CREATE.LS_t_JOURNAL.c",
    ];
    expect(await refusedPublishes(nc, publishes)).toEqual(publishes);
    const subscriptions = [">", "ls.>", "ls.t.>", "ls.t.in.>", "ls.t.cm.>", "_INBOX.>", "_INBOX.host.>", "_INBOX.*.x", "$JS.>"];
    expect([...(await refusedSubscriptions(nc, subscriptions))].sort()).toEqual([...subscriptions].sort());
  });

  it.each(["DELETE", "MSG.DELETE", "RESTORE", "SNAPSHOT", "CREATE", "UPDATE"])("a host may not %s the streams", async (verb) => {
    const subject = `$JS.API.STREAM.${verb}.LS_t_JOURNAL`;
    expect(await refusedPublishes(await as(await world(), "host"), [subject])).toEqual([subject]);
  });

  it.each(ROLE_NAMES.filter((role) => role !== "peer"))("%s cannot speak in another's name", async (role) => {
    const subjects = ["submit", "outcome", "operate", "actor", "peer", "hello"].flatMap((as) => ["cm", "in", "q"].map((what) => `ls.t.${what}.job-queue.main.${as}.root`));
    expect(await refusedPublishes(await as(await world(), role), subjects)).toEqual(subjects);
  });
});

describe("what a role is for", () => {
  it("submitter: asks a host, is answered, stores in the inbox, puts and reads payloads, hears its results", async () => {
    const nats = await world();
    const [host, submitter] = [await as(nats, "host"), await as(nats, "submitter")];
    host.subscribe("ls.t.cm.job-queue.main.>", { callback: (_, message) => void message.respond(`to ${message.subject}`) });
    await host.flush();
    expect((await submitter.request("ls.t.cm.job-queue.main.submit.submitter", "x")).string()).toBe("to ls.t.cm.job-queue.main.submit.submitter");
    expect((await submitter.request("ls.t.in.job-queue.main.submit.submitter", "x")).json()).toMatchObject({ stream: "LS_t_INBOX", seq: 1 });
    expect((await submitter.request("ls.t.bl.submitter.digest.0", "payload")).json()).toMatchObject({ stream: "LS_t_BLOBS" });
    expect((await submitter.request("$JS.API.DIRECT.GET.LS_t_BLOBS.ls.t.bl.submitter.digest.0")).string()).toBe("payload");
    expect((await submitter.request("$JS.API.STREAM.INFO.LS_t_INBOX")).json()).toHaveProperty("ts");
    const result = new Promise<Msg>((resolve) => submitter.subscribe("ls.t.re.submitter.*", { callback: (_, message) => resolve(message) }));
    await submitter.flush();
    host.publish("ls.t.re.submitter.c1", "done");
    expect((await result).string()).toBe("done");
  });

  it("worker: says hello, takes dispatches, answers probes, reports outcomes", async () => {
    const nats = await world();
    const [host, worker] = [await as(nats, "host"), await as(nats, "worker")];
    const hello = new Promise<Msg>((resolve) => host.subscribe("ls.t.hi.>", { callback: (_, message) => resolve(message) }));
    const dispatch = new Promise<Msg>((resolve) => worker.subscribe("ls.t.wk.worker.i1.main", { callback: (_, message) => resolve(message) }));
    worker.subscribe("ls.t.ping.worker.i1.main", { callback: (_, message) => void message.respond("here") });
    host.subscribe("ls.t.cm.>", { callback: (_, message) => void message.respond("taken") });
    await Promise.all([host.flush(), worker.flush()]);
    worker.publish("ls.t.hi.worker.i1.main", "hello");
    expect((await hello).subject).toBe("ls.t.hi.worker.i1.main");
    host.publish("ls.t.wk.worker.i1.main", "work");
    expect((await dispatch).string()).toBe("work");
    expect((await host.request("ls.t.ping.worker.i1.main")).string()).toBe("here");
    expect((await worker.request("ls.t.cm.job-queue.main.outcome.worker", "done")).string()).toBe("taken");
    expect((await worker.request("ls.t.cm.discovery.main.hello.worker", "joined")).string()).toBe("taken");
  });

  it("P14 whoever asks itself cannot answer anywhere", async () => {
    const nats = await world();
    const worker = await as(nats, "worker");
    const places = ["ls.t.jr.job-queue.main", "ls.t.in.job-queue.main.operate.operator", "ls.t.cm.job-queue.main.operate.operator"];
    let answered = 0;
    worker.subscribe("ls.t.pb.worker.*", {
      callback: (_, message) => {
        message.respond("forged");
        answered++;
      },
    });
    await worker.flush();
    const refused: string[] = [];
    void (async () => {
      for await (const status of worker.status()) {
        if (status.type === "error" && status.error instanceof PermissionViolationError) refused.push(status.error.subject);
      }
    })();
    for (const reply of places) worker.publish("ls.t.pb.worker.i1", "?", { reply });
    await until(() => answered === places.length, "it was asked by itself");
    await worker.flush();
    await until(() => refused.length === places.length, "every answer was refused");
    expect(refused).toEqual(places);
  });

  it("observer and operator: read histories, and only the operator commands", async () => {
    const nats = await world();
    const host = await as(nats, "host");
    await host.request("ls.t.jr.job-queue.main", "commit");
    host.subscribe("ls.t.cm.>", { callback: (_, message) => void message.respond("commanded") });
    host.subscribe("ls.t.q.>", { callback: (_, message) => void message.respond("answered") });
    await host.flush();
    for (const role of ["observer", "operator"] as const) {
      const nc = await as(nats, role);
      expect((await nc.request("$JS.API.DIRECT.GET.LS_t_JOURNAL", JSON.stringify({ seq: 1 }))).string()).toBe("commit");
      expect((await nc.request(`ls.t.q.job-queue.main.operate.${role}`, "?")).string()).toBe("answered");
    }
    const operator = await as(nats, "operator");
    expect((await operator.request("ls.t.cm.job-queue.main.operate.operator", "pause")).string()).toBe("commanded");
    expect(await refusedPublishes(await as(nats, "observer"), ["ls.t.cm.job-queue.main.operate.observer"])).toEqual(["ls.t.cm.job-queue.main.operate.observer"]);
  });

  it("observer: reads histories and snapshots with our own ports, and cannot append", async () => {
    const nats = await world();
    const host = await connected(nats, { principal: "host", password: "pw-host" });
    const observer = await connected(nats, { principal: "observer", password: "pw-observer" });
    const actor = { cluster: CLUSTER, kind: "job-queue", actor: "main" };
    const written = journalOf(host, actor);
    const versions: number[] = [];
    for (let i = 0; i < 100; i++) {
      const answer = await answerOf(written.append.bind(null, utf8(`commit ${i}`), versions.at(-1) ?? 0));
      if (answer.kind === "stored") versions.push(answer.version);
    }
    const snapshot = { schema: 1, epoch: 1, number: 1, version: 1, commitHash: bytes(32), stateHash: bytes(32), chunks: [bytes(900_000)] };
    expect(await answerOf(snapshotsOf(host, actor).save.bind(null, snapshot))).toBe(true);

    const observed = journalOf(observer, { ...actor, from: "replica" });
    const read: string[] = [];
    const end = await new Promise((resolve) => observed.read(versions[9] ?? 0, (commit) => read.push(new TextDecoder().decode(commit.bytes)), resolve));
    expect(end).toEqual({ kind: "end", last: versions[99] });
    expect(read).toEqual(Array.from({ length: 90 }, (_, i) => `commit ${i + 10}`));
    expect(await answerOf(observed.last)).toMatchObject({ commit: { version: versions[99] } });
    expect(await answerOf(observed.get.bind(null, versions[5] ?? 0))).toMatchObject({ bytes: utf8("commit 5") });
    expect(await answerOf(observed.size)).toMatchObject({ commits: 100, first: versions[0] });
    expect((await answerOf(snapshotsOf(observer, { ...actor, from: "replica" }).latest))?.chunks[0]?.length).toBe(900_000);
    expect(await answerOf(observed.append.bind(null, bytes(5), versions[99] ?? 0))).toEqual({ kind: "stop", cause: "denied" });
    expect(await answerOf(journalOf(observer, actor).last)).toEqual({ kind: "stop", cause: "denied" });
  });

  it("host: has with our own ports everything that it needs", async () => {
    const nats = await world();
    const host = await connected(nats, { principal: "host", password: "pw-host" });
    const actor = { cluster: CLUSTER, kind: "job-queue", actor: "main" };
    const journal = journalOf(host, actor);
    let version = 0;
    for (let i = 0; i < 20; i++) {
      const answer = await answerOf(journal.append.bind(null, bytes(50), version));
      version = answer.kind === "stored" ? answer.version : version;
      expect((await answerOf(wireOf(host).store.bind(null, "ls.t.in.job-queue.main.actor.host", bytes(5)))).kind).toBe("stored");
    }
    let commits = 0;
    expect(await new Promise((resolve) => journal.read(0, () => commits++, resolve))).toEqual({ kind: "end", last: version });
    expect(commits).toBe(20);
    expect(await answerOf(journal.purge.bind(null, version))).toBe(true);
    const inbox = inboxOf(host, { ...actor, stream: "peers" });
    expect(await answerOf(inbox.read.bind(null, 0, 100))).toMatchObject({ kind: "messages", last: 20 });
    inbox.purge(20);
    const marks = marksOf(host, actor);
    marks.write({ number: 1, hash: bytes(32) });
    await until(async () => {
      const answer = await answerOf(marks.read);
      return answer.kind === "mark" && answer.mark?.number === 1;
    }, "the mark is stored");
    const put = await answerOf(blobsOf(host, CLUSTER).put.bind(null, "host", bytes(300_000)));
    if (put.kind !== "stored") throw new Error(put.message);
    expect((await answerOf(blobsOf(host, CLUSTER).get.bind(null, "host", put.digest))).kind).toBe("found");
    expect(await answerOf(blobsOf(host, CLUSTER).list)).toEqual([{ principal: "host", digest: put.digest }]);
    expect(await answerOf(blobsOf(host, CLUSTER).removeOlder.bind(null, { principal: "host", digest: put.digest }, Number.MAX_SAFE_INTEGER))).toEqual({ kind: "removed" });
    expect(await answerOf(historiesOf(host, CLUSTER))).toEqual([["job-queue", "main"]]);
    expect(await answerOf(serverTimeOf(host, CLUSTER).sample)).toBeGreaterThan(0);
    const findings = await preflight(host, { cluster: CLUSTER, roles: ["host"], monitorUrl: nats.monitorUrl });
    expect(findings.find(({ check }) => check === "permissions")?.ok).toBe(true);
  });

  it("peer cluster: asks a host in its own name, and is answered where nobody else may listen", async () => {
    const nats = await world();
    const [host, peer] = [await as(nats, "host"), await as(nats, "peer")];
    host.subscribe("ls.t.cm.>", { callback: (_, message) => void message.respond(message.subject) });
    const answer = new Promise<Msg>((resolve) => peer.subscribe("ls.peer.ak.t.x.*", { callback: (_, message) => resolve(message) }));
    await Promise.all([host.flush(), peer.flush()]);
    peer.publish("ls.t.cm.discovery-agent.main.peer.peer", "?", { reply: "ls.peer.ak.t.x.1" });
    expect((await answer).string()).toBe("ls.t.cm.discovery-agent.main.peer.peer");
    expect(await refusedSubscriptions(peer, ["ls.t.ak.>", "_INBOX.host.>", "ls.t.cm.>", "ls.*.in.>"])).toHaveLength(4);
  });

  it("peer cluster: reaches the inboxes of actors, in its own name only", async () => {
    const nats = await world();
    const peer = await as(nats, "peer");
    expect((await peer.request("ls.t.in.offload-router.main.peer.peer", "x")).json()).toMatchObject({ stream: "LS_t_PEERS" });
    const refused = [
      "ls.t.in.offload-router.main.peer.other", "ls.t.in.offload-router.main.actor.peer", "ls.t.cm.job-queue.main.operate.peer", "ls.t.jr.offload-router.main",
      "ls.t.ak.other.x.1", "_INBOX.host.x", "_INBOX.submitter.x",
    ];
    expect(await refusedPublishes(peer, refused)).toEqual(refused);
  });

  it("P14 a host answers nowhere that its asker may not listen: its answers do not become commits", async () => {
    const nats = await world();
    const [submitter, peer] = [await as(nats, "submitter"), await as(nats, "peer")];
    const wire = wireOf(await connected(nats, { principal: "host", password: "pw-host" }), CLUSTER);
    const journal = "ls.t.jr.job-queue.main";
    wire.subscribe("ls.t.cm.job-queue.main.>", ({ reply }) => reply?.(utf8("a commit, would be")));
    const [mine, peers] = ["ls.t.cm.job-queue.main.submit.submitter", "ls.t.cm.job-queue.main.peer.peer"];
    await until(async () => (await submitter.request(mine).then(() => true, () => false)), "the host listens");
    for (const reply of [journal, "ls.t.ak.x.y.1", "$JS.API.STREAM.PURGE.LS_t_JOURNAL"]) submitter.publish(mine, "?", { reply });
    for (const reply of [journal, "_INBOX.submitter.x", "ls.t.ak.x.y.1"]) peer.publish(peers, "?", { reply });
    await peer.flush();
    expect((await submitter.request(mine)).string()).toBe("a commit, would be");
    const host = await as(nats, "host");
    expect((await host.request(journal, "the first commit")).json()).toMatchObject({ seq: 1 });
  });

  it("one user may hold every role", async () => {
    const nats = await world();
    const everybody = await as(nats, "everybody");
    expect(await refusedPublishes(everybody, ["ls.t.cm.job-queue.main.submit.everybody", "ls.t.cm.job-queue.main.operate.everybody", "ls.t.jr.job-queue.main"])).toEqual([]);
  });
});

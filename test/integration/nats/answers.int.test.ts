/** The server sends its answers wherever it is told, whoever may speak there (ADR 13). Nothing of that is taken for somebody's word. */
import { startJobQueue } from "@longshore/cli";
import { type AppendAnswer, encode, type InboxAnswer, type LastAnswer, type StoredCommit } from "@longshore/kernel";
import { inboxOf, journalOf, marksOf, provision, ROLE_USERS, wantedOf, wireOf } from "@longshore/nats";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { connect } from "longshore";
import { expect, it, onTestFinished } from "vitest";
import { answerOf, bare, CLUSTER, connected, server, utf8 } from "./world.ts";

const PLACE = { cluster: CLUSTER, kind: "job-queue", actor: "main" };
const HISTORY = "ls.t.jr.job-queue.main";

async function world() {
  const env = Object.fromEntries(ROLE_USERS.map((user) => [user.passwordVariable, `pw-${user.name}`]));
  const nats = await server({ users: ROLE_USERS, env, cluster: CLUSTER });
  const as = (role: string) => connected(nats, { principal: role, password: `pw-${role}` });
  await provision(await as("provisioner"), { cluster: CLUSTER });
  const submitter = await bare(nats, { user: "submitter", pass: "pw-submitter" });
  return { as, submitter, servers: nats.url };
}

/** Has the server send a payload of the submitter's own to a subject that it may not speak on. */
async function forge(submitter: NatsConnection, bytes: Uint8Array, subject: string, forged = headers()): Promise<void> {
  const digest = "f".repeat(64);
  const put = await submitter.request(`ls.t.bl.submitter.${digest}.0`, bytes, { headers: forged, timeout: 5_000 });
  expect(JSON.parse(put.string())).toMatchObject({ stream: "LS_t_BLOBS" });
  submitter.publish(`$JS.API.DIRECT.GET.LS_t_BLOBS.ls.t.bl.submitter.${digest}.0`, "", { reply: subject });
  await submitter.flush();
  // The server has answered when it has stored what came after.
  await submitter.request(`ls.t.bl.submitter.${digest}.1`, utf8("x"));
}

const textsOf = async (journal: ReturnType<typeof journalOf>): Promise<readonly string[]> => {
  const commits: StoredCommit[] = [];
  await answerOf((done) => journal.read(0, (commit) => commits.push(commit), done));
  return commits.map(({ bytes }) => new TextDecoder().decode(bytes));
};

it("P7 P14 acknowledgements and forged commits in a history are no commits, for hosts and observers, and stop nobody", async () => {
  const { as, submitter } = await world();
  const journal = journalOf(await as("host"), PLACE);
  const first = await answerOf<AppendAnswer>((done) => journal.append(utf8("one"), 0, done));
  expect(first.kind).toBe("stored");
  submitter.publish("ls.t.in.job-queue.main.submit.submitter", "{}", { reply: HISTORY });
  const forged = headers();
  forged.set("Nats-Expected-Last-Subject-Sequence", "0");
  await forge(submitter, utf8("forged"), HISTORY, forged);
  // A name before it that ends alike hides it from older servers, which store it then.
  const hidden = headers();
  hidden.set("X-Nats-Expected-Stream", "LS_t_BLOBS");
  hidden.set("Nats-Expected-Stream", "LS_t_JOURNAL");
  await forge(submitter, utf8("forged too"), HISTORY, hidden).catch(() => undefined);
  await forge(submitter, utf8("forged again"), HISTORY);
  const version = first.kind === "stored" ? first.version : 0;
  const last = await answerOf<LastAnswer>((done) => journal.last(done));
  expect(last).toMatchObject({ kind: "last", commit: { version, bytes: utf8("one") } });
  const tail = last.kind === "last" ? (last.tail ?? 0) : 0;
  expect(tail).toBeGreaterThan(version);
  expect(await answerOf<AppendAnswer>((done) => journal.append(utf8("two"), tail, done))).toMatchObject({ kind: "stored" });
  expect(await textsOf(journal)).toEqual(["one", "two"]);
  expect(await textsOf(journalOf(await as("observer"), { ...PLACE, from: "replica" }))).toEqual(["one", "two"]);
});

it("P1 P7 P14 a host goes on over what was put into its history, and so does the next", async () => {
  const { as, submitter, servers } = await world();
  const reading = await as("host");
  const connection = { servers, principal: "host", password: "pw-host" };
  const ls = await connect({ servers, cluster: CLUSTER, user: "submitter", password: "pw-submitter" });
  onTestFinished(() => ls.close());
  const added: string[] = [];
  const rounds = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      added.push((await ls.add("a/b", i)).id);
      submitter.publish("ls.t.in.job-queue.main.submit.submitter", "{}", { reply: HISTORY });
      await forge(submitter, utf8("forged"), HISTORY);
    }
  };
  for (const life of [1, 2]) {
    const host = await startJobQueue({ connection, cluster: CLUSTER, follower: false });
    onTestFinished(() => host.close());
    await rounds();
    await host.close();
    expect(host.epoch).toBe(life);
  }
  const { length } = await textsOf(journalOf(reading, PLACE));
  expect(length).toBeGreaterThan(6);
  const last = await startJobQueue({ connection, cluster: CLUSTER, follower: false });
  onTestFinished(() => last.close());
  const operator = await connect({ servers, cluster: CLUSTER, user: "operator", password: "pw-operator" });
  onTestFinished(() => operator.close());
  expect((await Promise.all(added.map((id) => operator.jobs.get(id)))).map((job) => job?.state)).toEqual(added.map(() => "queued"));
});

it("P7 P14 a payload cannot be stored under the name of the history's stream", async () => {
  const { submitter } = await world();
  const forged = headers();
  forged.set("Nats-Expected-Stream", "LS_t_JOURNAL");
  const put = await submitter.request(`ls.t.bl.submitter.${"f".repeat(64)}.0`, utf8("forged"), { headers: forged, timeout: 5_000 });
  expect(JSON.parse(put.string())).toMatchObject({ error: { code: 400 } });
});

it("P14 a forged command, in an inbox or on the direct way, is not taken for an operator's", async () => {
  const { as, submitter } = await world();
  const host = await as("host");
  const heard: string[] = [];
  wireOf(host, CLUSTER).subscribe("ls.t.cm.job-queue.main.>", ({ subject }) => heard.push(subject));
  await host.nc.flush();
  const command = encode({ suspend: [{ queue: "main" }] });
  await forge(submitter, command, "ls.t.cm.job-queue.main.operate.operator");
  await forge(submitter, command, "ls.t.in.job-queue.main.operate.operator");
  await host.nc.flush();
  expect(heard).toEqual([]);
  const read = await answerOf<InboxAnswer>((done) => inboxOf(host, { ...PLACE, stream: "inbox" }).read(0, 10, done));
  expect(read).toMatchObject({ kind: "messages", messages: [{ subject: "ls.t.in.job-queue.main.operate.operator", data: new Uint8Array(0) }] });
});

it("P14 a forged mark or configuration is none", async () => {
  const { as, submitter } = await world();
  const host = await as("host");
  await forge(submitter, utf8(JSON.stringify({ number: 9_999, hash: "AAAA" })), "ls.t.mk.job-queue.main");
  expect(await answerOf((done) => marksOf(host, PLACE).read(done))).toEqual({ kind: "unavailable" });
  await forge(submitter, utf8("{}"), "$KV.LS_t_CONFIG.queue.main");
  expect(await answerOf((done) => wantedOf(host, CLUSTER).read(0, 10, done))).toEqual({ kind: "entries", entries: [] });
});

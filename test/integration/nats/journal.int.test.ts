import type { AppendAnswer, Journal, StoredCommit } from "@longshore/kernel";
import { type Connection, journalOf } from "@longshore/nats";
import { headers } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { answerOf, bare, bytes, CLUSTER, connected, provisioned, server, until, utf8 } from "./world.ts";

const journal = (connection: Connection, actor = "main"): Journal => journalOf(connection, { cluster: CLUSTER, kind: "job-queue", actor });
const append = (to: Journal, data: Uint8Array, expected: number): Promise<AppendAnswer> => answerOf(to.append.bind(null, data, expected));

async function appended(to: Journal, data: Uint8Array, expected: number): Promise<number> {
  const answer = await append(to, data, expected);
  if (answer.kind !== "stored") throw new Error(`not stored: ${JSON.stringify(answer)}`);
  return answer.version;
}

const commitsAfter = async (from: Journal, after: number): Promise<{ readonly commits: readonly StoredCommit[]; readonly end: unknown }> => {
  const commits: StoredCommit[] = [];
  const end = await new Promise((resolve) => from.read(after, (commit) => commits.push(commit), resolve));
  return { commits, end };
};

describe("a guarded append", () => {
  it("is stored only after the commit it expects", async () => {
    const { connection } = await provisioned();
    const main = journal(connection);
    const first = await appended(main, utf8("one"), 0);
    const second = await appended(main, utf8("two"), first);
    expect(await append(main, utf8("other"), first)).toEqual({ kind: "doubt", cause: "conflict" });
    expect(await append(main, utf8("other"), 0)).toEqual({ kind: "doubt", cause: "conflict" });
    expect(await append(main, utf8("other"), second + 100)).toEqual({ kind: "doubt", cause: "conflict" });
    expect(await answerOf(main.last)).toEqual({ kind: "last", commit: { version: second, bytes: utf8("two") } });
  });

  it("expects the last commit of its own history, whatever others append", async () => {
    const { connection } = await provisioned();
    const [main, other] = [journal(connection), journal(connection, "other")];
    const first = await appended(main, utf8("main 1"), 0);
    const foreign = await appended(other, utf8("other 1"), 0);
    expect(foreign).toBeGreaterThan(first);
    expect(await appended(main, utf8("main 2"), first)).toBeGreaterThan(foreign);
  });

  it("lets exactly one of two hosts win", async () => {
    const { nats, connection } = await provisioned();
    const two = [journal(connection), journal(await connected(nats))];
    const answers = await Promise.all(two.map((each, i) => append(each, utf8(`host ${i}`), 0)));
    expect(answers.map(({ kind }) => kind).sort()).toEqual(["doubt", "stored"]);
    const winner = answers.findIndex(({ kind }) => kind === "stored");
    expect(await answerOf(journal(connection).last)).toMatchObject({ commit: { bytes: utf8(`host ${winner}`) } });
  });

  it("is not taken for a repeat of itself: the same bytes again conflict", async () => {
    const { connection } = await provisioned();
    const main = journal(connection);
    await appended(main, utf8("one"), 0);
    expect(await append(main, utf8("one"), 0)).toEqual({ kind: "doubt", cause: "conflict" });
  });

  it("stops when it is larger than the server takes", async () => {
    const { connection } = await provisioned();
    expect(await append(journal(connection), bytes(1_048_577), 0)).toEqual({ kind: "stop", cause: "too-large" });
    expect(await append(journal(connection), bytes(1_048_570), 0)).toEqual({ kind: "stop", cause: "too-large" });
    expect(await append(journal(connection), bytes(524_288), 0)).toMatchObject({ kind: "stored" });
  });

  it("is in doubt when the stream is full, and is stored once there is room", async () => {
    const { nats, connection } = await provisioned();
    const nc = await bare(nats);
    const info = (await nc.request("$JS.API.STREAM.INFO.LS_t_JOURNAL")).json<{ config: object }>();
    await nc.request("$JS.API.STREAM.UPDATE.LS_t_JOURNAL", JSON.stringify({ ...info.config, max_bytes: 1_000_000 }));
    const main = journal(connection);
    const first = await appended(main, bytes(600_000), 0);
    expect(await append(main, bytes(600_000), first)).toEqual({ kind: "doubt", cause: "full" });
    expect(await answerOf(main.last)).toMatchObject({ commit: { version: first } });
    await nc.request("$JS.API.STREAM.UPDATE.LS_t_JOURNAL", JSON.stringify(info.config));
    await appended(main, bytes(600_000), first);
  });

  it("is in doubt without a stream, and looking says that there is none", async () => {
    const connection = await connected(await server());
    const main = journal(connection);
    expect(await append(main, bytes(5), 0)).toEqual({ kind: "doubt", cause: "unavailable" });
    expect(await answerOf(main.last)).toEqual({ kind: "stop", cause: "no-stream" });
    expect((await commitsAfter(main, 0)).end).toEqual({ kind: "stop", cause: "no-stream" });
  });

  it("is in doubt at once when the server dies, and looking settles it after the restart", async () => {
    const { nats, connection } = await provisioned();
    const main = journal(connection);
    const first = await appended(main, utf8("one"), 0);
    const answers: AppendAnswer[] = [];
    main.append(utf8("two"), first, (answer) => answers.push(answer));
    await nats.kill();
    await until(() => answers.length === 1, "answered");
    expect(await append(main, utf8("three"), first)).toEqual({ kind: "doubt", cause: "unavailable" });
    expect(await answerOf(main.last)).toEqual({ kind: "unavailable" });
    await nats.restart();
    await until(() => connection.isUp, "reconnected");
    const last = await answerOf(main.last);
    const wasStored = last.kind === "last" && last.commit !== undefined && last.commit.version > first;
    const next = wasStored && last.commit !== undefined ? last.commit.version : await appended(main, utf8("two"), first);
    const { commits } = await commitsAfter(main, 0);
    expect(commits.map((commit) => [commit.version, commit.bytes])).toEqual([
      [first, utf8("one")],
      [next, utf8("two")],
    ]);
  });
});

describe("reading a history", () => {
  it("ends at once when there is nothing", async () => {
    const { connection } = await provisioned();
    expect(await answerOf(journal(connection).last)).toEqual({ kind: "last", commit: undefined });
    expect(await commitsAfter(journal(connection), 0)).toEqual({ commits: [], end: { kind: "end", last: 0 } });
  });

  it("gives 50,000 commits of one history among others, in order and whole", async () => {
    const { nats, connection } = await provisioned();
    await fill(connection, 50_000);
    const reading = journal(await connected(nats));
    const startedMs = performance.now();
    const { commits, end } = await commitsAfter(reading, 0);
    const tookMs = performance.now() - startedMs;
    expect(commits.length).toBe(50_000);
    expect(commits.every((commit, i) => new DataView(commit.bytes.buffer, commit.bytes.byteOffset).getUint32(0) === i)).toBe(true);
    expect(commits.every((commit, i) => i === 0 || commit.version > (commits[i - 1]?.version ?? 0))).toBe(true);
    expect(end).toEqual({ kind: "end", last: commits.at(-1)?.version });
    expect(tookMs).toBeLessThan(10_000);
    const middle = commits[25_000]?.version ?? 0;
    expect((await commitsAfter(reading, middle)).commits.length).toBe(24_999);
    expect(await answerOf(reading.get.bind(null, middle))).toEqual({ version: middle, bytes: commits[25_000]?.bytes });
    expect(await answerOf(reading.get.bind(null, middle + 1))).toBeUndefined();
    await until(async () => (await consumers(nats)) === 0, "the consumers are gone");
  });

  it("reads commits of half a megabyte", async () => {
    const { connection } = await provisioned();
    const main = journal(connection);
    let version = 0;
    for (let i = 0; i < 30; i++) version = await appended(main, bytes(500_000, i), version);
    const { commits } = await commitsAfter(main, 0);
    expect(commits.map((commit) => [commit.bytes.length, commit.bytes[0]])).toEqual(Array.from({ length: 30 }, (_, i) => [500_000, i]));
  });

  it("goes on after the consumer was lost", async () => {
    const { nats, connection } = await provisioned();
    await fill(connection, 20_000);
    const nc = await bare(nats);
    let seen = 0;
    let removing: Promise<number> | undefined;
    const end = await new Promise((resolve) =>
      journal(connection).read(
        0,
        () => {
          if (++seen === 6_000) removing = removeConsumers(nc);
        },
        resolve,
      ),
    );
    expect(end).toMatchObject({ kind: "end" });
    expect(seen).toBe(20_000);
    expect(await removing).toBe(1);
  });

  it("goes on after the server was killed", async () => {
    const { nats, connection } = await provisioned();
    await fill(connection, 20_000);
    let seen = 0;
    let killed: Promise<void> | undefined;
    const end = new Promise((resolve) =>
      journal(connection).read(
        0,
        () => {
          if (++seen === 5_000) killed = nats.kill();
        },
        resolve,
      ),
    );
    await until(() => killed !== undefined, "in the middle");
    await killed;
    await nats.restart();
    expect(await end).toMatchObject({ kind: "end" });
    expect(seen).toBe(20_000);
  });

  it("forgets commits below a version, and never the last", async () => {
    const { connection } = await provisioned();
    const [main, other] = [journal(connection), journal(connection, "other")];
    const versions: number[] = [];
    for (let i = 0; i < 10; i++) versions.push(await appended(main, utf8(`commit ${i}`), versions.at(-1) ?? 0));
    const fifth = versions[5] ?? 0;
    for (const nothing of [0, 1, versions[0] ?? 0]) {
      expect(await answerOf(main.purge.bind(null, nothing))).toBe(true);
      expect((await commitsAfter(main, 0)).commits.length).toBe(10);
    }
    await appended(other, utf8("other"), 0);
    expect(await answerOf(main.purge.bind(null, fifth))).toBe(true);
    expect((await commitsAfter(main, 0)).commits.map(({ version }) => version)).toEqual(versions.slice(5));
    expect(await answerOf(main.size)).toMatchObject({ commits: 5, first: fifth });
    expect(await answerOf(main.purge.bind(null, Number.MAX_SAFE_INTEGER))).toBe(true);
    expect((await commitsAfter(main, 0)).commits.map(({ version }) => version)).toEqual(versions.slice(9));
    expect(await append(main, utf8("again"), 0)).toEqual({ kind: "doubt", cause: "conflict" });
    await appended(main, utf8("next"), versions.at(-1) ?? 0);
    expect((await commitsAfter(other, 0)).commits.length).toBe(1);
  });
});

/** Numbered commits, pipelined without a guard, every fifth with one of another history after it. */
async function fill(connection: Connection, count: number): Promise<void> {
  const meant = headers();
  meant.set("Nats-Expected-Stream", "LS_t_JOURNAL");
  let next = 0;
  let open = 0;
  await new Promise<void>((resolve, reject) => {
    const more = (): void => {
      while (next < count && open < 400) {
        const data = new Uint8Array(64);
        new DataView(data.buffer).setUint32(0, next);
        const subjects = next % 5 === 0 ? ["main", "other"] : ["main"];
        next++;
        for (const actor of subjects) {
          open++;
          connection.calls.request(`ls.t.jr.job-queue.${actor}`, data, { timeoutMs: 5_000, headers: meant, whileDown: "fail" }, (answer) => {
            open--;
            if (answer.kind !== "answer") reject(new Error(answer.kind));
            else if (next === count && open === 0) resolve();
            else more();
          });
        }
      }
    };
    more();
  });
}

async function consumers(nats: Awaited<ReturnType<typeof server>>): Promise<number> {
  const nc = await bare(nats);
  const info = (await nc.request("$JS.API.STREAM.INFO.LS_t_JOURNAL")).json<{ state: { consumer_count: number } }>();
  return info.state.consumer_count;
}

async function removeConsumers(nc: Awaited<ReturnType<typeof bare>>): Promise<number> {
  const { consumers: names } = (await nc.request("$JS.API.CONSUMER.NAMES.LS_t_JOURNAL", "{}")).json<{ consumers: string[] }>();
  for (const name of names) await nc.request(`$JS.API.CONSUMER.DELETE.LS_t_JOURNAL.${name}`);
  return names.length;
}

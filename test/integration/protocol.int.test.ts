/**
 * What `docs/protocol.md` promises, seen from outside: a NATS client, JSON, and msgpack where a worker needs it. Nothing
 * of ours is used but to start the server and the host, and once to see that the library reads what was put by hand. The
 * messages are those of the document (`test/docs/wire`).
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Decoder, Encoder } from "@msgpack/msgpack";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { connect as connectLibrary } from "longshore";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorld, until, type World } from "../docs/world.ts";

const COMMAND = "ls.main.cm.job-queue.main.submit.me";
const INBOX = "ls.main.in.job-queue.main.submit.me";
const OPERATE = "ls.main.cm.job-queue.main.operate.me";
const OUTCOME = "ls.main.cm.job-queue.main.outcome.me";
const QUERY = "ls.main.q.job-queue.main.operate.me";
const HISTORY_QUERY = "ls.main.q.job-queue-history.main.operate.me";
const JOB = "main.media~thumbnail.a.jpg@320";

type Json = Readonly<Record<string, unknown>>;

let world: World;
let nc: NatsConnection;

beforeAll(async () => {
  world = await startWorld();
  nc = await connect({ servers: world.url, inboxPrefix: "_INBOX.me" });
});

afterAll(async () => {
  await nc?.close();
  await world?.stop();
});

const example = (name: string): Json => JSON.parse(readFileSync(new URL(`../docs/wire/${name}.json`, import.meta.url), "utf8")) as Json;

const json = headers();
json.set("Content-Type", "application/json");
const encoder = new Encoder();
const decoder = new Decoder();

async function ask(subject: string, message: unknown): Promise<Json> {
  const answer = await nc.request(subject, JSON.stringify(message), { headers: json, timeout: 5_000 });
  return answer.json<Json>();
}

/** The feed begins a moment after the host: what happened before is in the history only. */
async function untilFeedIsLive(): Promise<void> {
  const feed = listen("ls.main.ev.job-queue.JobAccepted.probe");
  await until("the feed", async () => {
    await ask(COMMAND, { submit: [{ topic: "probe", input: null }] });
    await new Promise((next) => setTimeout(next, 100));
    return feed.messages[0];
  });
  feed.stop();
}

/** Messages of a subject as they come. */
function listen(subject: string): { readonly messages: Msg[]; readonly stop: () => void } {
  const messages: Msg[] = [];
  const subscription = nc.subscribe(subject, { callback: (_, message) => void messages.push(message) });
  return { messages, stop: () => subscription.unsubscribe() };
}

/** The same fields, each of the same type. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
  return value === null ? "null" : typeof value;
}

const encode = (value: unknown): Uint8Array => encoder.encode(value);
const decode = (bytes: Uint8Array): unknown => decoder.decode(bytes);

describe("a job by hand", () => {
  it("is accepted on the command subject, and answered when it is on disk", async () => {
    const answer = await ask(COMMAND, example("submit"));
    expect(shapeOf(answer)).toEqual(shapeOf(example("submit-answer")));
    expect(answer).toMatchObject({ epoch: 1, count: 1 });
  });

  it("is known again by its id", async () => {
    const { answers } = await ask(COMMAND, example("submit"));
    expect(answers).toEqual(example("submit-repeated-answer")["answers"]);
  });

  it("is refused under the same id with another input", async () => {
    const { rejected } = await ask(COMMAND, { submit: [{ topic: "media/thumbnail", input: { path: "b.jpg" }, id: "a.jpg@320" }] });
    expect(rejected).toEqual(example("submit-rejected-answer")["rejected"]);
  });

  it("without an id is told the one it got", async () => {
    const answer = await ask(COMMAND, { submit: [{ topic: "un/named", input: null }] });
    expect(shapeOf(answer)).toEqual(shapeOf(example("submit-unnamed-answer")));
    const [[, { created }]] = answer["answers"] as [[number, { created: string }]];
    expect((await ask(QUERY, { ask: "job", id: created }))["answer"]).toMatchObject({ topic: "un/named", state: "queued" });
  });

  it("goes through the inbox as well, acknowledged by JetStream and read once", async () => {
    await untilFeedIsLive();
    const feed = listen("ls.main.ev.job-queue.JobAccepted.>");
    await nc.flush();
    const published = await jetstream(nc).publish(INBOX, JSON.stringify({ submit: [{ topic: "by/inbox", input: 1, id: "i1" }] }), { headers: json });
    expect(published.stream).toBe("LS_main_INBOX");
    const accepted = await until("the inbox job", () => feed.messages.map((message) => message.json<Json>()).find(({ topic }) => topic === "by/inbox"));
    expect(accepted).toMatchObject({ id: "main.by~inbox.i1", queue: "main" });
    feed.stop();
  });

  it("waits in the inbox while no host is up", async () => {
    await world.stopHost();
    await expect(ask(COMMAND, example("submit"))).rejects.toThrow(/no responders/i);
    await jetstream(nc).publish(INBOX, JSON.stringify({ submit: [{ topic: "by/inbox", input: 2, id: "i2" }] }), { headers: json });
    await world.startHost();
    const { answers } = await ask(COMMAND, { submit: [{ topic: "by/inbox", input: 2, id: "i2" }] });
    expect(answers).toEqual([[0, { deduplicated: "main.by~inbox.i2" }]]);
  });

  it("is answered the same under the same number of a session, and counted once", async () => {
    const { session: _, ...rest } = example("session");
    const message = { ...rest, session: `${Date.now().toString(36)}-4f9a0c2e71`, notAfter: Date.now() + 60_000 };
    const first = await ask(COMMAND, message);
    expect(first["rejected"]).toBeUndefined();
    const again = await ask(COMMAND, message);
    expect(again["answers"]).toEqual(first["answers"]);
    const { answer } = await ask(QUERY, { ask: "find", filter: { state: "all", topic: "media/thumbnail" } });
    const jobs = (answer as { jobs: readonly Json[] }).jobs;
    expect(jobs).toHaveLength(2);
  });

  it("that says nothing understandable is told so", async () => {
    expect(await ask(COMMAND, { submit: 1 })).toEqual({ error: { code: "message/malformed", message: "submit must be a list of items" } });
  });
});

describe("a follower", () => {
  it("sees what happens as JSON, with the fields of the document", async () => {
    await untilFeedIsLive();
    const feed = listen("ls.main.ev.job-queue.>");
    await ask(COMMAND, { submit: [{ topic: "media/thumbnail", input: 3, id: "seen" }] });
    const event = await until("the event", () => feed.messages.map((message) => message.json<Json>()).find(({ id }) => id === "main.media~thumbnail.seen"));
    expect(shapeOf(event)).toEqual(shapeOf(example("feed")));
    await ask(COMMAND, { stop: [{ id: "main.media~thumbnail.seen", reason: "seen enough" }] });
    const end = await until("the end", () => feed.messages.find(({ subject }) => subject === "ls.main.ev.job-queue.JobEnded.media.thumbnail"));
    expect(end.json<Json>()).toMatchObject({ type: "JobEnded", state: "stopped", reason: "seen enough" });
    feed.stop();
  });
});

describe("a worker by hand", () => {
  it("says hello, takes a dispatch, reports an outcome, and the client is told the result", async () => {
    const work = listen("ls.main.wk.me.w1.main");
    const results = listen("ls.main.re.me.c1");
    await nc.flush();

    const watching = await ask("ls.main.wa.job-queue.main.me", example("watch"));
    expect(shapeOf(watching)).toEqual(shapeOf(example("watch-answer")));

    const hello = await nc.request("ls.main.hi.me.w1.main", JSON.stringify(example("hello")), { headers: json, timeout: 5_000 });
    expect(shapeOf(hello.json())).toEqual(shapeOf(example("hello-answer")));

    const dispatch = await until("the dispatch", () => work.messages.map(({ data }) => decode(data) as [number, number, unknown[][]])
      .find(([, , items]) => items.some((item) => item[3] === JOB)));
    const item = dispatch[2].find((candidate) => candidate[3] === JOB)!;
    const [, job, attempt, id, topic, payload, options] = item;
    const [, , [documented]] = example("dispatch") as unknown as [number, number, [unknown[]]];
    expect([id, topic, decode(payload as Uint8Array), options]).toEqual(documented.slice(3));

    const outcome = encode({ outcome: [[job, attempt, 0, encode({ path: "t.jpg", bytes: 1234 })]] });
    const answer = decode((await nc.request(OUTCOME, outcome, { timeout: 5_000 })).data) as Json;
    expect(shapeOf(answer)).toEqual(shapeOf(example("submit-answer")));

    const told = await until("the result", () => results.messages.map(({ data }) => decode(data) as [number, number, unknown[][]])[0]);
    const [end] = told[2];
    const [, , [documentedEnd]] = example("results") as unknown as [number, number, [unknown[]]];
    expect(end!.with(2, decode(end![2] as Uint8Array))).toEqual(documentedEnd);

    const repeated = decode((await nc.request(OUTCOME, outcome, { timeout: 5_000 })).data) as { rejected: unknown[][] };
    expect(repeated.rejected[0]![1]).toBe("job/stale-attempt");
    work.stop();
    results.stop();
  });
});

describe("a large payload", () => {
  it("put piece by piece, is what the library reads", async () => {
    const value = { text: "x".repeat(600_000) };
    const bytes = encode(value);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const pieces = [0, 1, 2].map((i) => bytes.slice(i * 262_144, (i + 1) * 262_144));
    const count = headers();
    count.set("Longshore-Pieces", String(pieces.length));
    for (const i of [1, 2]) await jetstream(nc).publish(`ls.main.bl.me.${digest}.${i}`, pieces[i]);
    await jetstream(nc).publish(`ls.main.bl.me.${digest}.0`, pieces[0], { headers: count });
    const submit = encode({ submit: [["large", "media/large", ["me", digest, bytes.length], null]] });
    expect(decode((await nc.request(COMMAND, submit, { timeout: 5_000 })).data)).toMatchObject({ count: 1 });

    const ls = await connectLibrary({ servers: world.url });
    expect((await ls.jobs.get("main.media~large.large"))?.input).toEqual(value);
    await ls.close();
  });
});

describe("an operator", () => {
  it("asks about one job", async () => {
    const answer = await ask(QUERY, example("question-job"));
    expect(shapeOf(answer)).toEqual(shapeOf(example("question-job-answer")));
    const { createdAt: _, startedAt: __, endedAt: ___, ...expected } = example("question-job-answer")["answer"] as Json;
    expect(answer["answer"]).toMatchObject(expected);
  });

  it("finds jobs, page by page", async () => {
    await ask(COMMAND, { submit: ["waiting", "waiting2", "waiting3"].map((id) => ({ topic: "no/body", input: null, id, properties: { tenant: "blue" } })) });
    const question = { ask: "find", filter: { ...(example("question-find")["filter"] as Json), topic: "no/body" }, limit: 2 };
    const first = (await ask(QUERY, question))["answer"] as { jobs: readonly Json[]; next: string | null };
    const second = (await ask(QUERY, { ...question, after: first.next }))["answer"] as { jobs: readonly Json[]; next: string | null };
    expect([...first.jobs, ...second.jobs].map(({ id }) => id)).toEqual(["main.no~body.waiting", "main.no~body.waiting2", "main.no~body.waiting3"]);
  });

  it("asks why a job waits", async () => {
    const answer = await ask(QUERY, { ask: "why", id: "main.no~body.waiting" });
    expect((answer["answer"] as Json)["waits"]).toBe("no-capable-instance");
    expect(Object.keys(answer["answer"] as Json)).toEqual(Object.keys(example("question-why-answer")["answer"] as Json));
  });

  it.each(["queues", "statistics", "instances", "operations", "host", "parked"])("asks for %s", async (what) => {
    expect(await ask(QUERY, { ask: what })).toEqual({ epoch: 2, commit: expect.any(Number), answer: expect.any(Object) });
  });

  it("suspends and resumes a queue", async () => {
    expect(await ask(OPERATE, { suspend: [{ queue: "main" }] })).toMatchObject({ count: 1 });
    expect(await ask(OPERATE, { resume: [{ queue: "main" }] })).toMatchObject({ count: 1 });
  });

  it("reads the timeline of a job from the follower", async () => {
    const answer = await until("the timeline", async () => {
      const { answer: events } = await ask(HISTORY_QUERY, example("timeline"));
      return Array.isArray(events) && events.length >= 3 ? (events as readonly Json[]) : undefined;
    });
    expect(answer.map(({ type }) => type)).toEqual(["JobAccepted", "AttemptStarted", "JobEnded"]);
  });
});

describe("the journal", () => {
  it("holds everything, one commit a message, each chained to the one before", async () => {
    const { streams } = await jetstreamManager(nc);
    const { state } = await streams.info("LS_main_JOURNAL");
    let previous: Uint8Array = new Uint8Array(0);
    let number = 0;
    const events: unknown[][] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await streams.getMessage("LS_main_JOURNAL", { seq });
      const commit = decode(message!.data) as unknown[];
      const documented = example("commit") as unknown as unknown[];
      expect(commit).toHaveLength(documented.length);
      expect(commit[0]).toBe(1);
      expect(commit[3]).toBe(++number);
      expect(commit[5]).toEqual(previous);
      previous = new Uint8Array(createHash("sha256").update(message!.data).digest());
      events.push(...(commit[8] as unknown[][]));
    }
    const accepted = events.find(([code, , id]) => code === 16 && id === "media~thumbnail.a.jpg@320")!;
    const ends = events.filter(([code, job]) => code === 21 && job === accepted[1]);
    expect(decode(accepted[5] as Uint8Array)).toEqual({ path: "a.jpg", width: 320 });
    expect(ends).toHaveLength(1);
    expect(ends[0]![2]).toBe(0);
  });
});

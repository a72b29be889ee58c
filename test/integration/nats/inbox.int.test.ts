import type { Inbox, InboxAnswer } from "@longshore/kernel";
import { type InboxOptions, inboxOf, wireOf } from "@longshore/nats";
import { headers } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { answerOf, bare, CLUSTER, connected, provisioned, server, until, utf8 } from "./world.ts";

type Messages = Extract<InboxAnswer, { readonly kind: "messages" }>;

const subject = (actor: string, role = "submit", principal = "alice"): string => `ls.t.in.job-queue.${actor}.${role}.${principal}`;

async function world(stream: InboxOptions["stream"] = "inbox") {
  const { nats, connection } = await provisioned();
  const wire = wireOf(connection);
  const store = async (to: string, text: string): Promise<number> => {
    const answer = await answerOf(wire.store.bind(null, to, utf8(text)));
    if (answer.kind !== "stored") throw new Error(JSON.stringify(answer));
    return answer.sequence;
  };
  return { nats, connection, store, inbox: inboxOf(connection, { cluster: CLUSTER, kind: "job-queue", actor: "main", stream }) };
}

async function read(inbox: Inbox, after: number, max: number): Promise<Messages> {
  const answer = await answerOf(inbox.read.bind(null, after, max));
  if (answer.kind !== "messages") throw new Error(answer.kind);
  return answer;
}

const texts = ({ messages }: Messages): readonly string[] => messages.map(({ data }) => new TextDecoder().decode(data));

describe("an inbox", () => {
  it("gives the messages of its actor, in order, and where the stream ends", async () => {
    const { inbox, store } = await world();
    await store(subject("main"), "one");
    await store(subject("other"), "not mine");
    const second = await store(subject("main", "outcome", "bob"), "two");
    const last = await store(subject("other"), "not mine");
    const answer = await read(inbox, 0, 100);
    expect(texts(answer)).toEqual(["one", "two"]);
    expect(answer.messages[1]).toMatchObject({ sequence: second, subject: subject("main", "outcome", "bob"), json: false });
    expect(answer.last).toBe(last);
    expect(Date.parse(answer.created)).toBeGreaterThan(0);
    expect(await read(inbox, last, 100)).toMatchObject({ messages: [], last });
    expect(texts(await read(inbox, second - 1, 100))).toEqual(["two"]);
  });

  it("says where the stream ends also when nothing in it is its own", async () => {
    const { inbox, store } = await world();
    expect(await read(inbox, 0, 100)).toMatchObject({ messages: [], last: 0 });
    const last = await store(subject("other"), "not mine");
    expect(await read(inbox, 0, 100)).toMatchObject({ messages: [], last });
  });

  it("keeps actors' messages apart from all others", async () => {
    const { connection, inbox, store } = await world("peers");
    await store(subject("main", "actor", "host"), "from an actor");
    await store(subject("main", "peer", "far"), "from another cluster");
    await store(subject("main", "submit"), "from a client");
    expect(texts(await read(inbox, 0, 100))).toEqual(["from an actor", "from another cluster"]);
    const clients = inboxOf(connection, { cluster: CLUSTER, kind: "job-queue", actor: "main", stream: "inbox" });
    expect(texts(await read(clients, 0, 100))).toEqual(["from a client"]);
  });

  it("gives at most as many as asked for, and the rest when asked again", async () => {
    const { inbox, store } = await world();
    for (let i = 0; i < 30; i++) await store(subject("main"), `${i}`);
    const got: string[] = [];
    let after = 0;
    for (const max of [1, 2, 7, 15, 100]) {
      const answer = await read(inbox, after, max);
      expect(answer.messages.length).toBeLessThanOrEqual(max);
      got.push(...texts(answer));
      after = answer.messages.at(-1)?.sequence ?? after;
    }
    expect(got).toEqual(Array.from({ length: 30 }, (_, i) => `${i}`));
  });

  it("knows JSON by its content type, whichever way a message was read", async () => {
    const { nats, inbox } = await world();
    const nc = await bare(nats);
    const json = headers();
    json.set("Content-Type", "application/json");
    for (let i = 0; i < 20; i++) await nc.request(subject("main"), `{"n":${i}}`, i % 2 === 0 ? { headers: json, timeout: 5_000 } : { timeout: 5_000 });
    expect((await read(inbox, 0, 100)).messages.map((message) => message.json)).toEqual(Array.from({ length: 20 }, (_, i) => i % 2 === 0));
  });

  it("hints that something may have arrived, until it is stopped", async () => {
    const { inbox, store } = await world();
    let hints = 0;
    const stop = inbox.onArrival(() => hints++);
    await store(subject("other"), "not mine");
    await store(subject("main"), "mine");
    await until(() => hints > 0, "a hint");
    expect(texts(await read(inbox, 0, 10))).toEqual(["mine"]);
    stop();
    const before = hints;
    await store(subject("main"), "mine too");
    expect(texts(await read(inbox, 0, 10))).toEqual(["mine", "mine too"]);
    expect(hints).toBe(before);
  });

  it("hints after a reconnection", async () => {
    const { nats, inbox } = await world();
    let hints = 0;
    inbox.onArrival(() => hints++);
    await nats.kill();
    await nats.restart();
    await until(() => hints > 0, "a hint");
  });

  it("forgets only its own messages, up to a sequence", async () => {
    const { connection, inbox, store } = await world();
    await store(subject("main"), "one");
    const second = await store(subject("main"), "two");
    await store(subject("other"), "not mine");
    await store(subject("main"), "three");
    inbox.purge(0);
    expect(texts(await read(inbox, 0, 10))).toEqual(["one", "two", "three"]);
    inbox.purge(second);
    await until(async () => (await read(inbox, 0, 10)).messages.length === 1, "purged");
    expect(texts(await read(inbox, 0, 10))).toEqual(["three"]);
    const other = inboxOf(connection, { cluster: CLUSTER, kind: "job-queue", actor: "other", stream: "inbox" });
    expect(texts(await read(other, 0, 10))).toEqual(["not mine"]);
  });

  it("is unavailable without a server, and without its stream", async () => {
    const { nats, connection, inbox } = await world();
    await nats.stop();
    await until(() => !connection.isUp, "disconnected");
    expect(await answerOf(inbox.read.bind(null, 0, 10))).toEqual({ kind: "unavailable" });
    const unprovisioned = inboxOf(await connected(await server()), { cluster: CLUSTER, kind: "job-queue", actor: "main", stream: "inbox" });
    expect(await answerOf(unprovisioned.read.bind(null, 0, 10))).toEqual({ kind: "unavailable" });
  });
});

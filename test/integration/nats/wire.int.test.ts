import type { Fault } from "@longshore/kernel";
import { serverTimeOf, wireOf } from "@longshore/nats";
import { headers } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { answerOf, bare, bytes, CLUSTER, connected, provisioned, server, until, utf8 } from "./world.ts";

const INBOX = "ls.t.in.job-queue.main.submit.alice";

describe("the wire", () => {
  it("carries messages to all who listen, in order", async () => {
    const nats = await server();
    const here = wireOf(await connected(nats));
    const there = wireOf(await connected(nats));
    const got: string[] = [];
    there.subscribe("a.*.c", (message) => got.push(`${message.subject} ${message.data.length} ${message.reply === undefined}`));
    await answerOf(there.request.bind(null, "nobody", bytes(1), 1_000));
    for (let i = 0; i < 100; i++) here.publish("a.b.c", bytes(i));
    await until(() => got.length === 100, "all arrived");
    expect(got).toEqual(Array.from({ length: 100 }, (_, i) => `a.b.c ${i} true`));
  });

  it("answers a request with the answer of whoever listens", async () => {
    const nats = await server();
    const there = wireOf(await connected(nats));
    const stop = there.subscribe("echo", (message) => message.reply?.(message.data));
    await answerOf(there.request.bind(null, "echo", bytes(1), 1_000));
    const here = wireOf(await connected(nats));
    expect(await answerOf(here.request.bind(null, "echo", bytes(3), 1_000))).toMatchObject({ kind: "answer", data: bytes(3) });
    stop();
    await until(async () => (await answerOf(here.request.bind(null, "echo", bytes(3), 200))).kind === "no-responders", "nobody listens any more");
  });

  it("says of requests that were on their way when the last listener stopped that nobody listens", async () => {
    const nats = await server();
    const there = wireOf(await connected(nats));
    const here = wireOf(await connected(nats));
    const stop = there.subscribe("ends", (message) => message.reply?.(message.data));
    await answerOf(there.request.bind(null, "nobody", bytes(1), 1_000));
    const kinds = new Map<string, number>();
    let open = 0;
    const ask = (): void => {
      open++;
      here.request("ends", bytes(1), 10_000, ({ kind }) => {
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        open--;
      });
    };
    for (let turn = 0; turn < 100; turn++) {
      for (let i = 0; i < 20; i++) ask();
      if (turn === 50) stop(true);
      await new Promise((next) => setImmediate(next));
    }
    await until(() => open === 0, "every request has its answer");
    expect([...kinds.keys()].toSorted()).toEqual(["answer", "no-responders"]);
  });

  it("says at once that nobody listens", async () => {
    const wire = wireOf(await connected(await server()));
    const askedMs = performance.now();
    expect(await answerOf(wire.request.bind(null, "nobody", bytes(1), 10_000))).toEqual({ kind: "no-responders" });
    expect(performance.now() - askedMs).toBeLessThan(2_000);
  });

  it("says that nobody answered in time, once", async () => {
    const wire = wireOf(await connected(await server()));
    let late: (() => void) | undefined;
    wire.subscribe("silent", (message) => {
      late = () => message.reply?.(bytes(1));
    });
    const answers: string[] = [];
    await new Promise<void>((resolve) =>
      wire.request("silent", bytes(1), 100, ({ kind }) => {
        answers.push(kind);
        resolve();
      }),
    );
    late?.();
    await answerOf(wire.request.bind(null, "nobody", bytes(1), 1_000));
    expect(answers).toEqual(["timeout"]);
  });

  it("knows JSON by its content type", async () => {
    const nats = await server();
    const wire = wireOf(await connected(nats));
    const got: boolean[] = [];
    wire.subscribe("x", (message) => got.push(message.json));
    await answerOf(wire.request.bind(null, "nobody", bytes(1), 1_000));
    const nc = await bare(nats);
    const json = headers();
    json.set("content-type", "application/json; charset=utf-8");
    nc.publish("x", "{}", { headers: json });
    nc.publish("x", "{}");
    await until(() => got.length === 2, "both arrived");
    expect(got).toEqual([true, false]);
  });

  it("stores what is acknowledged", async () => {
    const { nats, connection } = await provisioned();
    const wire = wireOf(connection);
    expect(await answerOf(wire.store.bind(null, INBOX, bytes(5)))).toEqual({ kind: "stored", sequence: 1 });
    const nc = await bare(nats);
    const message = (await nc.request("$JS.API.STREAM.MSG.GET.LS_t_INBOX", JSON.stringify({ seq: 1 }))).json<{ message: { subject: string } }>();
    expect(message.message.subject).toBe(INBOX);
  });

  it("says why it is not stored", async () => {
    const { connection } = await provisioned();
    const wire = wireOf(connection);
    expect(await answerOf(wire.store.bind(null, INBOX, bytes(600_000)))).toEqual({ kind: "refused", cause: "too-large" });
    expect(await answerOf(wire.store.bind(null, INBOX, bytes(2_000_000)))).toEqual({ kind: "refused", cause: "too-large" });
    expect(await answerOf(wire.store.bind(null, "ls.t.other", bytes(5)))).toEqual({ kind: "refused", cause: "no-stream" });
  });

  it("does not call a request that is too large a time-out", async () => {
    const faults: Fault[] = [];
    const wire = wireOf(await connected(await server(), { onFault: (fault) => faults.push(fault) }));
    expect(await answerOf(wire.request.bind(null, "x", bytes(2_000_000), 1_000))).toEqual({ kind: "denied" });
    wire.publish("x", bytes(2_000_000));
    expect(faults.map(({ code }) => code)).toEqual(["nats/not-sent", "nats/not-sent"]);
  });

  it("ends what is under way when the connection breaks, and goes on after it is back", async () => {
    const { nats, connection } = await provisioned();
    const wire = wireOf(connection);
    let reconnections = 0;
    wire.onReconnect(() => reconnections++);
    wire.subscribe("silent", () => undefined);
    wire.subscribe("echo", (message) => message.reply?.(message.data));
    await answerOf(wire.request.bind(null, "echo", bytes(1), 1_000));
    const underWay = answerOf(wire.request.bind(null, "silent", bytes(1), 60_000));
    await nats.kill();
    expect(await underWay).toEqual({ kind: "timeout" });
    expect(wire.connected).toBe(false);
    expect(await answerOf(wire.store.bind(null, INBOX, bytes(5)))).toEqual({ kind: "unknown" });
    const waiting = answerOf(wire.request.bind(null, "echo", bytes(4), 20_000));
    await nats.restart();
    expect(await waiting).toMatchObject({ kind: "answer", data: bytes(4) });
    await until(() => reconnections === 1 && wire.connected, "reconnected");
    expect((await answerOf(wire.store.bind(null, INBOX, bytes(5)))).kind).toBe("stored");
  });

  it("answers a time-out also while there is no server", async () => {
    const nats = await server();
    const connection = await connected(nats);
    const wire = wireOf(connection);
    await nats.stop();
    await until(() => !wire.connected, "disconnected");
    expect(await answerOf(wire.request.bind(null, "x", bytes(1), 50))).toEqual({ kind: "timeout" });
  });

  it("survives a listener that throws", async () => {
    const wire = wireOf(await connected(await server()));
    const thrown = new Promise<unknown>((resolve) => {
      const listeners = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException");
      process.once("uncaughtException", (error) => {
        for (const listener of listeners) process.on("uncaughtException", listener);
        resolve(error);
      });
    });
    wire.subscribe("x", () => {
      throw new Error("planted");
    });
    wire.publish("x", utf8("now"));
    expect(await thrown).toMatchObject({ message: "planted" });
    expect(await answerOf(wire.request.bind(null, "nobody", bytes(1), 1_000))).toEqual({ kind: "no-responders" });
  });
});

describe("the server's time", () => {
  it("is near this machine's, both being one", async () => {
    const { connection } = await provisioned();
    const serverMs = await answerOf(serverTimeOf(connection, CLUSTER).sample);
    expect(Math.abs((serverMs ?? 0) - Date.now())).toBeLessThan(500);
  });

  it("cannot be had without a server", async () => {
    const { nats, connection } = await provisioned();
    await nats.stop();
    await until(() => !connection.isUp, "disconnected");
    expect(await answerOf(serverTimeOf(connection, CLUSTER).sample)).toBeUndefined();
  });
});

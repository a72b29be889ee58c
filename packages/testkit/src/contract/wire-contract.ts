/** What every wire must do. Run by the twin and by the NATS adapter. */
import type { StoreAnswer, Wire, WireAnswer } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import type { ContractWorld } from "./world.ts";
import { answerTo, bytesOf, noise, textOf, until } from "./world.ts";

export interface WireFixture extends ContractWorld {
  /** Two connections. */
  readonly a: Wire;
  readonly b: Wire;
  /** A prefix (ending in `.`) under which both may publish and subscribe, captured by no stream. */
  readonly prefix: string;
  /** A subject captured by a stream, to which `a` may publish. */
  readonly captured: string;
  /** Waits until what was subscribed so far is known to the server. */
  flush(): Promise<void>;
  /** Breaks the connection of `a` and lets it come back; absent where it cannot be done. */
  readonly interrupt?: () => Promise<void> | void;
  /** A subject to which `a` may not publish; absent where everybody may everything. */
  readonly forbidden?: string;
}

type Rule = (title: string, body: (fixture: WireFixture) => Promise<void>) => void;

const TIMEOUT_MS = 2_000;

const ask = (fixture: WireFixture, wire: Wire, subject: string, data: Uint8Array, timeoutMs = TIMEOUT_MS): Promise<WireAnswer> =>
  answerTo(fixture, (done) => wire.request(subject, data, timeoutMs, done));

const store = (fixture: WireFixture, subject: string, data: Uint8Array): Promise<StoreAnswer> =>
  answerTo(fixture, (done) => fixture.a.store(subject, data, done));

export function wireContract(name: string, makeFixture: () => Promise<WireFixture> | WireFixture): void {
  const rule: Rule = (title, body) => {
    test(title, async () => {
      const fixture = await makeFixture();
      try {
        await body(fixture);
      } finally {
        await fixture.close?.();
      }
    });
  };

  describe(`wire: ${name}`, () => {
    describe("publish and subscribe", () => publishRules(rule));
    describe("requests", () => requestRules(rule));
    describe("storing", () => storeRules(rule));
    describe("connections", () => connectionRules(rule));
  });
}

function publishRules(rule: Rule): void {
  rule("a star stands for one token, a greater-than for one or more", async (fixture) => {
    const { a, b, prefix } = fixture;
    const heard: Record<string, string[]> = { exact: [], star: [], rest: [] };
    const patterns = { exact: `${prefix}x.y`, star: `${prefix}x.*`, rest: `${prefix}x.>` };
    for (const [key, pattern] of Object.entries(patterns)) {
      b.subscribe(pattern, (message) => heard[key]!.push(message.subject.slice(prefix.length)));
    }
    let isOver = false;
    b.subscribe(`${prefix}end`, () => { isOver = true; });
    await fixture.flush();
    for (const subject of ["x", "x.y", "x.z", "x.y.z", "y.x", "end"]) a.publish(prefix + subject, bytesOf("m"));
    await until(fixture, () => isOver);
    expect(heard).toEqual({ exact: ["x.y"], star: ["x.y", "x.z"], rest: ["x.y", "x.z", "x.y.z"] });
  });

  rule("messages of one connection arrive in their order, with their bytes and without a way to answer", async (fixture) => {
    const { a, b, prefix } = fixture;
    const heard: { text: string; reply: boolean; json: boolean }[] = [];
    b.subscribe(`${prefix}o`, (message) => heard.push({ text: textOf(message.data), reply: message.reply !== undefined, json: message.json }));
    await fixture.flush();
    for (let i = 0; i < 50; i++) a.publish(`${prefix}o`, bytesOf(`m${i}`));
    await until(fixture, () => heard.length === 50);
    expect(heard).toEqual(Array.from({ length: 50 }, (_, i) => ({ text: `m${i}`, reply: false, json: false })));
  });

  rule("every subscription gets its own copy, and a stopped one gets nothing more", async (fixture) => {
    const { a, b, prefix } = fixture;
    const heard = { first: 0, second: 0, stopped: 0 };
    b.subscribe(`${prefix}c`, () => heard.first++);
    a.subscribe(`${prefix}*`, () => heard.second++);
    const stop = b.subscribe(`${prefix}c`, () => heard.stopped++);
    stop();
    await fixture.flush();
    a.publish(`${prefix}c`, bytesOf("m"));
    await until(fixture, () => heard.first === 1 && heard.second === 1);
    expect(heard.stopped).toBe(0);
  });

  rule("a message may be empty, and may be as large as the wire says", async (fixture) => {
    const { a, b, prefix } = fixture;
    const heard: Uint8Array[] = [];
    b.subscribe(`${prefix}s`, (message) => heard.push(message.data.slice()));
    await fixture.flush();
    const large = noise(a.maxPayloadBytes, 3);
    a.publish(`${prefix}s`, new Uint8Array(0));
    a.publish(`${prefix}s`, large);
    await until(fixture, () => heard.length === 2);
    expect(heard[0]).toHaveLength(0);
    expect(Buffer.from(heard[1]!).equals(large)).toBe(true);
  });
}

function requestRules(rule: Rule): void {
  rule("a request is answered by whoever listens", async (fixture) => {
    const { a, b, prefix } = fixture;
    b.subscribe(`${prefix}q.*`, (message) => message.reply?.(bytesOf(`re: ${textOf(message.data)}`)));
    await fixture.flush();
    const answer = await ask(fixture, a, `${prefix}q.one`, bytesOf("hello"));
    expect(answer.kind === "answer" && textOf(answer.data)).toBe("re: hello");
  });

  rule("a request that nobody listens to is told so at once", async (fixture) => {
    expect(await ask(fixture, fixture.a, `${fixture.prefix}nobody`, bytesOf("x"))).toEqual({ kind: "no-responders" });
  });

  rule("a request that is heard but not answered times out", async (fixture) => {
    let heard = false;
    fixture.b.subscribe(`${fixture.prefix}silent`, () => { heard = true; });
    await fixture.flush();
    expect(await ask(fixture, fixture.a, `${fixture.prefix}silent`, bytesOf("x"), 100)).toEqual({ kind: "timeout" });
    expect(heard).toBe(true);
  });

  rule("the first of two answers counts, and the second disturbs nobody", async (fixture) => {
    const { a, b, prefix } = fixture;
    b.subscribe(`${prefix}two`, (message) => {
      message.reply?.(bytesOf("first"));
      message.reply?.(bytesOf("second"));
    });
    await fixture.flush();
    const answer = await ask(fixture, a, `${prefix}two`, bytesOf("x"));
    expect(answer.kind === "answer" && textOf(answer.data)).toBe("first");
  });

  rule("many requests at a time each get their own answer", async (fixture) => {
    const { a, b, prefix } = fixture;
    b.subscribe(`${prefix}echo`, (message) => message.reply?.(message.data));
    await fixture.flush();
    const answers: string[] = [];
    for (let i = 0; i < 20; i++) {
      a.request(`${prefix}echo`, bytesOf(`${i}`), TIMEOUT_MS, (answer) => answers.push(`${i}=${answer.kind === "answer" ? textOf(answer.data) : answer.kind}`));
    }
    await until(fixture, () => answers.length === 20);
    expect(answers.sort()).toEqual(Array.from({ length: 20 }, (_, i) => `${i}=${i}`).sort());
  });

  rule("a request to a forbidden subject is denied", async (fixture) => {
    if (fixture.forbidden === undefined) return;
    expect(await ask(fixture, fixture.a, fixture.forbidden, bytesOf("x"))).toEqual({ kind: "denied" });
  });
}

function storeRules(rule: Rule): void {
  rule("what a stream captures is stored under growing sequences", async (fixture) => {
    const first = await store(fixture, fixture.captured, bytesOf("one"));
    const second = await store(fixture, fixture.captured, bytesOf("two"));
    if (first.kind !== "stored" || second.kind !== "stored") throw new Error(`not stored: ${first.kind}, ${second.kind}`);
    expect(second.sequence).toBeGreaterThan(first.sequence);
  });

  rule("a subject that no stream captures is refused", async (fixture) => {
    expect(await store(fixture, `${fixture.prefix}nowhere`, bytesOf("x"))).toEqual({ kind: "refused", cause: "no-stream" });
  });

  rule("a message larger than the wire takes is refused", async (fixture) => {
    expect(await store(fixture, fixture.captured, noise(fixture.a.maxPayloadBytes + 1))).toEqual({ kind: "refused", cause: "too-large" });
  });
}

function connectionRules(rule: Rule): void {
  rule("a connection that was interrupted says so when it is back, and hears again", async (fixture) => {
    if (fixture.interrupt === undefined) return;
    const { a, b, prefix } = fixture;
    let reconnects = 0;
    let heard = 0;
    a.onReconnect(() => reconnects++);
    a.onReconnect(() => undefined)();
    a.subscribe(`${prefix}again`, () => heard++);
    await fixture.flush();
    await fixture.interrupt();
    await until(fixture, () => reconnects === 1);
    expect(a.connected).toBe(true);
    await fixture.flush();
    b.publish(`${prefix}again`, bytesOf("x"));
    await until(fixture, () => heard === 1);
  });
}

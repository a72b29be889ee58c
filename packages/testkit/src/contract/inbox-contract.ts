/** What every inbox must do. Run by the twin and by the NATS adapter. */
import type { Inbox, InboxAnswer, InboxMessage } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import type { ContractWorld } from "./world.ts";
import { answerTo, bytesOf, textOf, until } from "./world.ts";

export interface InboxFixture extends ContractWorld {
  readonly inbox: Inbox;
  /** Subjects that the stream captures: two senders of this actor, and one of another actor. */
  readonly subjects: { readonly mine: string; readonly alsoMine: string; readonly foreign: string };
  /** Stores one message; its sequence. */
  store(subject: string, data: Uint8Array, json?: boolean): Promise<number>;
}

type Rule = (title: string, body: (inbox: Inbox, fixture: InboxFixture) => Promise<void>) => void;
type Messages = Extract<InboxAnswer, { kind: "messages" }>;

async function read(fixture: InboxFixture, after: number, max = 100): Promise<Messages> {
  const answer = await answerTo<InboxAnswer>(fixture, (done) => fixture.inbox.read(after, max, done));
  if (answer.kind !== "messages") throw new Error("the inbox is not available");
  return answer;
}

const texts = (messages: readonly InboxMessage[]): string[] => messages.map((message) => textOf(message.data));

export function inboxContract(name: string, makeFixture: () => Promise<InboxFixture> | InboxFixture): void {
  const rule: Rule = (title, body) => {
    test(title, async () => {
      const fixture = await makeFixture();
      try {
        await body(fixture.inbox, fixture);
      } finally {
        await fixture.close?.();
      }
    });
  };

  describe(`inbox: ${name}`, () => {
    describe("reading", () => readingRules(rule));
    describe("arrival and purge", () => arrivalRules(rule));
  });
}

function readingRules(rule: Rule): void {
  rule("an empty inbox gives no messages and names its stream's creation", async (_inbox, fixture) => {
    const { messages, created } = await read(fixture, 0);
    expect(messages).toEqual([]);
    expect(created).not.toBe("");
    expect((await read(fixture, 0)).created).toBe(created);
  });

  rule("messages are read after a sequence, in order, with their full subject", async (_inbox, fixture) => {
    const { mine, alsoMine } = fixture.subjects;
    const first = await fixture.store(mine, bytesOf("a"));
    const second = await fixture.store(alsoMine, bytesOf("b"));
    const third = await fixture.store(mine, bytesOf("c"));
    const { messages, last } = await read(fixture, first);
    expect(texts(messages)).toEqual(["b", "c"]);
    expect(messages.map((message) => message.subject)).toEqual([alsoMine, mine]);
    expect(messages.map((message) => message.sequence)).toEqual([second, third]);
    expect(last).toBe(third);
  });

  rule("messages of another actor are not given, but count in the stream's last sequence", async (_inbox, fixture) => {
    const { mine, foreign } = fixture.subjects;
    const first = await fixture.store(mine, bytesOf("a"));
    const second = await fixture.store(foreign, bytesOf("not mine"));
    expect(texts((await read(fixture, 0)).messages)).toEqual(["a"]);
    const { messages, last } = await read(fixture, first);
    expect(messages).toEqual([]);
    expect(last).toBe(second);
  });

  rule("at most `max` messages come at a time, and fewer mean that there is no other", async (_inbox, fixture) => {
    for (let i = 0; i < 7; i++) {
      await fixture.store(fixture.subjects.mine, bytesOf(`m${i}`));
      await fixture.store(fixture.subjects.foreign, bytesOf("x"));
    }
    const first = await read(fixture, 0, 4);
    expect(texts(first.messages)).toEqual(["m0", "m1", "m2", "m3"]);
    const second = await read(fixture, first.messages.at(-1)!.sequence, 4);
    expect(texts(second.messages)).toEqual(["m4", "m5", "m6"]);
    expect((await read(fixture, second.last, 4)).messages).toEqual([]);
  });

  rule("the content type tells JSON from msgpack", async (_inbox, fixture) => {
    await fixture.store(fixture.subjects.mine, bytesOf("{}"), true);
    await fixture.store(fixture.subjects.mine, bytesOf("x"), false);
    expect((await read(fixture, 0)).messages.map((message) => message.json)).toEqual([true, false]);
  });

  rule("what was read may be read again", async (_inbox, fixture) => {
    await fixture.store(fixture.subjects.mine, bytesOf("a"));
    expect(texts((await read(fixture, 0)).messages)).toEqual(["a"]);
    expect(texts((await read(fixture, 0)).messages)).toEqual(["a"]);
  });
}

function arrivalRules(rule: Rule): void {
  rule("an arrival is hinted at, until the hints are stopped", async (inbox, fixture) => {
    let hints = 0;
    const stop = inbox.onArrival(() => hints++);
    // Hints may be early or late, and one may stand for many: each round asks for at least one more.
    await fixture.store(fixture.subjects.mine, bytesOf("a"));
    await until(fixture, () => hints > 0);
    stop();
    const before = hints;
    await fixture.store(fixture.subjects.mine, bytesOf("b"));
    await read(fixture, 0);
    expect(hints).toBe(before);
  });

  rule("a purge forgets this actor's messages up to and including a sequence", async (inbox, fixture) => {
    const { mine, alsoMine, foreign } = fixture.subjects;
    await fixture.store(mine, bytesOf("a"));
    await fixture.store(foreign, bytesOf("x"));
    const upTo = await fixture.store(alsoMine, bytesOf("b"));
    await fixture.store(mine, bytesOf("c"));
    inbox.purge(upTo);
    await untilRead(fixture, (found) => found.length === 1);
    expect(texts((await read(fixture, 0)).messages)).toEqual(["c"]);
  });

  rule("sequences go on growing after everything was purged", async (inbox, fixture) => {
    const first = await fixture.store(fixture.subjects.mine, bytesOf("a"));
    inbox.purge(first);
    await untilRead(fixture, (found) => found.length === 0);
    const second = await fixture.store(fixture.subjects.mine, bytesOf("b"));
    expect(second).toBeGreaterThan(first);
    expect(texts((await read(fixture, first)).messages)).toEqual(["b"]);
  });
}

/** A purge is not answered: reads again until it shows. */
async function untilRead(fixture: InboxFixture, fact: (messages: readonly InboxMessage[]) => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries++) if (fact((await read(fixture, 0)).messages)) return;
  throw new Error("the purge did not show");
}

/** What a keeper of the wanted configuration must do. Run by the twin and by the NATS adapter. */
import type { PutAnswer, WantedAnswer, WantedConfiguration, WantedEntry } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import type { ContractWorld } from "./world.ts";
import { answerTo, bytesOf, textOf, until, within } from "./world.ts";

export interface WantedFixture extends ContractWorld {
  readonly wanted: WantedConfiguration;
  /** The same configuration as another process sees it. */
  readonly elsewhere: WantedConfiguration;
}

async function put(fixture: WantedFixture, key: string, text: string, expected: number): Promise<number> {
  const answer = await answerTo<PutAnswer>(fixture, (done) => fixture.wanted.put(key, bytesOf(text), expected, done));
  if (answer.kind !== "stored") throw new Error(`it was not stored: ${answer.kind}`);
  return answer.revision;
}

async function read(fixture: WantedFixture, after: number, max = 100): Promise<readonly WantedEntry[]> {
  const answer = await answerTo<WantedAnswer>(fixture, (done) => fixture.elsewhere.read(after, max, done));
  if (answer.kind !== "entries") throw new Error(`it cannot be read: ${answer.kind}`);
  return answer.entries;
}

const shown = (entries: readonly WantedEntry[]): readonly unknown[] =>
  entries.map(({ key, revision, value }) => [key, revision, value === undefined ? undefined : textOf(value)]);

export function wantedContract(name: string, makeFixture: () => Promise<WantedFixture> | WantedFixture): void {
  describe(`wanted configuration: ${name}`, () => {
    test("nothing is wanted before the first put", () => within(makeFixture(), async (fixture) => {
      expect(await read(fixture, 0)).toEqual([]);
    }));

    test("what was put is read by another process, ascending by revision", () => within(makeFixture(), async (fixture) => {
      const first = await put(fixture, "queue.b", "one", 0);
      const second = await put(fixture, "queue.a=20x", "two", 0);
      expect(second).toBeGreaterThan(first);
      expect(shown(await read(fixture, 0))).toEqual([["queue.b", first, "one"], ["queue.a=20x", second, "two"]]);
      expect(shown(await read(fixture, first))).toEqual([["queue.a=20x", second, "two"]]);
      expect(await read(fixture, second)).toEqual([]);
      expect(shown(await read(fixture, 0, 1))).toEqual([["queue.b", first, "one"]]);
    }));

    test("only the newest value of a key is kept", () => within(makeFixture(), async (fixture) => {
      const first = await put(fixture, "queue.a", "one", 0);
      await put(fixture, "queue.b", "other", 0);
      const last = await put(fixture, "queue.a", "two", first);
      expect(shown(await read(fixture, 0)).at(-1)).toEqual(["queue.a", last, "two"]);
      expect(await read(fixture, 0)).toHaveLength(2);
    }));

    test("a put on another revision than expected is a conflict and changes nothing", () => within(makeFixture(), async (fixture) => {
      const first = await put(fixture, "queue.a", "one", 0);
      for (const expected of [0, first + 1]) {
        expect(await answerTo<PutAnswer>(fixture, (done) => fixture.wanted.put("queue.a", bytesOf("two"), expected, done))).toEqual({ kind: "conflict" });
      }
      expect(shown(await read(fixture, 0))).toEqual([["queue.a", first, "one"]]);
    }));

    test("an empty value takes the key away, and that has a revision", () => within(makeFixture(), async (fixture) => {
      const first = await put(fixture, "queue.a", "one", 0);
      const last = await put(fixture, "queue.a", "", first);
      expect(shown(await read(fixture, 0))).toEqual([["queue.a", last, undefined]]);
    }));

    test("a change is hinted at, until the listener stops", () => within(makeFixture(), async (fixture) => {
      let hints = 0;
      const stop = fixture.elsewhere.onChange(() => void hints++);
      const first = await put(fixture, "queue.a", "one", 0);
      await until(fixture, () => hints > 0);
      stop();
      await put(fixture, "queue.a", "two", first);
    }));
  });
}

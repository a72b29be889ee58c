import type { Longshore } from "longshore";
import { expect, test } from "vitest";
import { addLines } from "./add-lines.ts";

interface Added {
  readonly topic: string;
  readonly input: unknown;
  readonly options: unknown;
}

/** Takes everything but the topic `no`; the id `twice` was there before. */
function setup() {
  const added: Added[] = [];
  const add = (topic: string, input: unknown, options: { readonly id?: string }): Promise<unknown> => {
    if (topic === "no") return Promise.reject(Object.assign(new Error("not that"), { code: "queue/backlog-full" }));
    added.push({ topic, input, options });
    const result = (): Promise<unknown> => ((input as { fails?: boolean }).fails === true ? Promise.reject(new Error("failed")) : Promise.resolve(1));
    return Promise.resolve({ id: `main.${added.length}`, outcome: options.id === "twice" ? "deduplicated" : "created", result });
  };
  const ls = { add } as unknown as Pick<Longshore, "add">;
  const run = (text: string, more: { readonly topic?: string; readonly isWaiting?: boolean } = {}) =>
    addLines(ls, lines(text), { topic: more.topic, given: { retries: 1 }, isWaiting: more.isWaiting === true, signal: new AbortController().signal, progress: () => undefined });
  return { added, run };
}

async function* lines(text: string): AsyncGenerator<string> {
  yield* text.split("\n");
}

test("with a topic each line is an input, in order", async () => {
  const { added, run } = setup();
  expect(await run('{"a":1}\n\n[2]', { topic: "t" })).toMatchObject({ lines: 2, created: 2, refused: 0 });
  expect(added).toEqual([{ topic: "t", input: { a: 1 }, options: { retries: 1 } }, { topic: "t", input: [2], options: { retries: 1 } }]);
});

test("without a topic each line names its own, and its options win", async () => {
  const { added, run } = setup();
  expect(await run('{"topic":"t","id":"twice","retries":5}\n{"topic":"u","input":3}')).toMatchObject({ created: 1, deduplicated: 1 });
  expect(added[0]).toEqual({ topic: "t", input: {}, options: { retries: 5, id: "twice" } });
});

test("a line that is refused is named with its number, and the others go on", async () => {
  const { run } = setup();
  const tally = await run('nonsense\n{"topic":"no"}\n{"input":1}\n{"topic":"t"}');
  expect(tally).toMatchObject({ lines: 4, created: 1, refused: 3 });
  expect(tally.failures.map(({ line, code }) => [line, code])).toEqual([[1, "cli/usage"], [2, "queue/backlog-full"], [3, "cli/usage"]]);
  expect(tally.failures[0]!.message).toMatch(/^it is not JSON/);
});

test("waiting counts how they ended", async () => {
  const { run } = setup();
  expect(await run('{}\n{"fails":true}', { topic: "t", isWaiting: true })).toMatchObject({ succeeded: 1, unsuccessful: 1 });
});

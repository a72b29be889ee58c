import { defineQueue, type Longshore, Unavailable } from "longshore";
import { expect, test } from "vitest";
import { explain } from "./errors.ts";
import { configureQueues } from "./workers.ts";

const media = defineQueue("media", { topics: ["media/*"] });

function setup({ configureFails, known }: { readonly configureFails: Error | undefined; readonly known: boolean }) {
  const logged: unknown[] = [];
  const queues = {
    configure: () => (configureFails === undefined ? Promise.resolve() : Promise.reject(configureFails)),
    get: () => Promise.resolve(known ? { name: "media" } : undefined),
  } as unknown as Longshore["queues"];
  return { logged, run: () => configureQueues([media], { queues }, "worker", { event: (level, event, fields) => logged.push([level, event, fields?.["name"]]) }) };
}

const DENIED = new Unavailable("server/denied", "the server denies worker the role operate");

test("a queue that a file exports is configured", async () => {
  const { run, logged } = setup({ configureFails: undefined, known: false });
  await run();
  expect(logged).toEqual([["info", "queue.configured", "media"]]);
});

test("who may not configure goes on with a queue that is there, and says so", async () => {
  const { run, logged } = setup({ configureFails: DENIED, known: true });
  await run();
  expect(logged).toEqual([["warn", "queue.kept", "media"]]);
});

test("who may not configure a queue that is not there is told who may, and how", async () => {
  const error = await setup({ configureFails: DENIED, known: false }).run().catch((thrown: unknown) => thrown);
  expect(explain(error)).toMatchObject({
    exitCode: 5, code: "queue/denied", message: expect.stringContaining("the role operator"),
    remedy: expect.stringContaining("longshore queues configure 'media' --topic 'media/*'"),
  });
});

test("any other failure is no matter of permissions", async () => {
  const failure = new Unavailable("host/unavailable", "nobody answers");
  expect(await setup({ configureFails: failure, known: true }).run().catch((thrown: unknown) => thrown)).toBe(failure);
});

import { expect, it } from "vitest";
import { z } from "zod";
import { defineJob, InvalidInput } from "./index.ts";
import { createTestLongshore } from "./testing.ts";

const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => error);

it("a job without an input needs none, and its handler gets what its schema makes of nothing", async () => {
  const { ls, close } = await createTestLongshore();
  const bare = defineJob("no/schema");
  const optional = defineJob("optional/schema", { input: z.object({ n: z.number() }).optional(), output: z.number().optional() });
  const seen: unknown[] = [];
  const work = (input: unknown): undefined => void seen.push(input);
  await ls.work(bare, work);
  await ls.work(optional, work);
  for (const job of [await ls.add(bare), await ls.add("no/schema"), await ls.add(optional), await ls.add(optional, { n: 1 })]) await job.result();
  expect(seen).toEqual([null, null, undefined, { n: 1 }]);
  const needed = defineJob("needed/schema", { input: z.object({ n: z.number() }) });
  // @ts-expect-error the input is missing
  expect(await errorOf(ls.add(needed))).toBeInstanceOf(InvalidInput);
  expect(await errorOf(ls.add(needed, null as never))).toBeInstanceOf(InvalidInput);
  await close();
});

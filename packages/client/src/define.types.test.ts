import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import type { JobContext, JobFile, JobHandle, Longshore } from "./index.ts";
import { defineJob } from "./index.ts";

/** Never called: only its types are looked at. */
declare const ls: Longshore;

const schemas = defineJob("a/schemas", {
  input: z.object({ path: z.string(), width: z.number().default(10) }),
  output: z.object({ bytes: z.string().transform(Number) }),
  retries: 3,
});
const plain = defineJob<{ n: number }, { twice: number }>("a/plain");
const bare = defineJob("a/bare");
const optional = defineJob("a/optional", { input: z.object({ n: z.number() }).optional() });
const own = defineJob("a/own", { run: async (input: { n: number }, ctx: JobContext) => ({ text: `${input.n} ${ctx.attempt}` }) });

describe("a definition with schemas", () => {
  it("takes what the input schema takes, and gives what the output schema gives", () => {
    expectTypeOf(ls.add(schemas, { path: "a" })).resolves.toEqualTypeOf<JobHandle<{ bytes: number }>>();
    // @ts-expect-error the path is missing
    void (() => ls.add(schemas, { width: 3 }));
    // @ts-expect-error the width is no number
    void (() => ls.add(schemas, { path: "a", width: "3" }));
  });

  it("hands its handler what the input schema makes, and takes what the output schema takes", () => {
    void (() => ls.work(schemas, (input, ctx) => {
      expectTypeOf(input).toEqualTypeOf<{ path: string; width: number }>();
      expectTypeOf(ctx).toEqualTypeOf<JobContext>();
      return { bytes: "12" };
    }));
    // @ts-expect-error the bytes are given as the result, not as the handler must give them
    void (() => ls.work(schemas, () => ({ bytes: 12 })));
  });

  it("types the result", () => {
    void (async () => expectTypeOf((await (await ls.add(schemas, { path: "a" })).result()).bytes).toEqualTypeOf<number>());
  });
});

describe("a definition without schemas", () => {
  it("is typed by its parameters", () => {
    expectTypeOf(ls.add(plain, { n: 1 })).resolves.toEqualTypeOf<JobHandle<{ twice: number }>>();
    void (() => ls.work(plain, ({ n }) => ({ twice: n * 2 })));
    // @ts-expect-error n is no number
    void (() => ls.add(plain, { n: "1" }));
    // @ts-expect-error the handler gives something else
    void (() => ls.work(plain, () => ({ thrice: 3 })));
  });

  it("is typed by the handler it brings", () => {
    expectTypeOf(ls.add(own, { n: 1 })).resolves.toEqualTypeOf<JobHandle<{ text: string }>>();
    void (() => ls.work(own));
    void (() => ls.work(own, { concurrency: 3 }));
    // @ts-expect-error n is missing
    void (() => ls.add(own, {}));
  });

  it("takes and gives anything otherwise", () => {
    expectTypeOf(ls.add(bare, 5)).resolves.toEqualTypeOf<JobHandle<unknown>>();
    expectTypeOf(ls.add("a/topic", { any: 1 })).resolves.toEqualTypeOf<JobHandle>();
    void (() => ls.work(bare, (input) => {
      expectTypeOf(input).toBeUnknown();
    }));
  });

  it("needs no input where there is none to give, and needs one where there is", () => {
    expectTypeOf(ls.add(bare)).resolves.toEqualTypeOf<JobHandle<unknown>>();
    expectTypeOf(ls.add("a/topic")).resolves.toEqualTypeOf<JobHandle>();
    void (() => ls.add(optional));
    void (() => ls.add(optional, undefined, { id: "one" }));
    void (() => ls.add(optional, { n: 1 }));
    // @ts-expect-error n is no number
    void (() => ls.add(optional, { n: "1" }));
    // @ts-expect-error the input is missing
    void (() => ls.add(plain));
    // @ts-expect-error the input is missing
    void (() => ls.add(schemas));
    // @ts-expect-error the options are none
    void (() => ls.add(optional, undefined, { ids: "one" }));
  });

  it("has no options that are not there", () => {
    // @ts-expect-error there is no such option
    void (() => defineJob("a/b", { retires: 3 }));
    // @ts-expect-error there is no such option yet
    void (() => ls.add(bare, 1, { priority: 3 }));
  });
});

describe("files", () => {
  it("come from bytes, streams of bytes, paths and files of other jobs", () => {
    void (async (bytes: Buffer, stream: Readable, web: ReadableStream<Uint8Array>, parts: AsyncIterable<Uint8Array>) => {
      const job = await ls.add(bare, 1, { inputs: { bytes, stream, web, parts, path: { file: "a.jpg" } } });
      expectTypeOf(job.outputs()).resolves.toEqualTypeOf<ReadonlyMap<string, JobFile>>();
      for (const file of (await job.outputs()).values()) await ls.add(plain, { n: 1 }, { inputs: { file } });
      // @ts-expect-error text is no bytes
      await ls.add(bare, 1, { inputs: { text: "a.jpg" } });
      // @ts-expect-error files have names
      await ls.add(bare, 1, { inputs: [bytes] });
      // @ts-expect-error files belong to one job
      await ls.addAll(bare, [1], { inputs: { bytes } });
    });
  });

  it("are there for the handler, and left by it", () => {
    void (() => ls.work(defineJob("a/files", { outputs: ["thumb.jpg"] }), async (_, ctx) => {
      expectTypeOf(ctx.inputs.get("photo.jpg")).toEqualTypeOf<JobFile | undefined>();
      expectTypeOf(ctx.inputs.get("photo.jpg")!.stream()).toEqualTypeOf<ReadableStream<Uint8Array>>();
      expectTypeOf(ctx.inputs.get("photo.jpg")!.read()).resolves.toEqualTypeOf<Uint8Array>();
      expectTypeOf(ctx.outputs.put("thumb.jpg", ctx.inputs.get("photo.jpg")!)).resolves.toEqualTypeOf<JobFile>();
      return null;
    }));
    // @ts-expect-error outputs are names
    void (() => defineJob("a/files", { outputs: [1] }));
  });
});

describe("many at once", () => {
  it("give their handles", () => {
    expectTypeOf(ls.addAll(plain, [{ n: 1 }])).resolves.toEqualTypeOf<JobHandle<{ twice: number }>[]>();
  });
});

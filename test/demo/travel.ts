/** The demo's job when another cluster does it: the image goes with it, and the thumbnail comes back. */
import { createHash } from "node:crypto";
import { Cancel, defineJob } from "longshore";
import { z } from "zod";
import { FILE_BYTES_MAX, seen } from "./thumbnail.ts";

export const IMAGE = "image";
export const THUMBNAIL = "thumbnail.webp";

const facts = z.object({
  format: z.string(),
  width: z.number(),
  height: z.number(),
  /** As in CSS. */
  color: z.string(),
  /** SHA-256 of the thumbnail, hex, where it was made. */
  digest: z.string(),
});

export type TravelFacts = z.infer<typeof facts>;

export const travel = defineJob("demo/thumbnail", {
  input: z.object({ file: z.string() }),
  output: facts,
  retries: 2,
  timeoutMs: 60_000,
  async run(_input, ctx) {
    const image = ctx.inputs.get(IMAGE);
    if (image === undefined) throw new Cancel("it came without its image");
    if (image.bytes > FILE_BYTES_MAX) throw new Cancel(`larger than ${FILE_BYTES_MAX} bytes`);
    const { small, ...rest } = await seen(Buffer.from(await image.read()));
    ctx.progress(0.9, "made");
    await ctx.outputs.put(THUMBNAIL, small);
    return { ...rest, digest: createHash("sha256").update(small).digest("hex") };
  },
});

/** Work that only one of the two clusters does: files in, the same files packed out. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { defineJob } from "longshore";

export const pack = defineJob("files/pack", {
  async run(_input, ctx) {
    for (const [name, file] of ctx.inputs) {
      ctx.log(`packing ${name}`);
      await ctx.outputs.put(`${name}.gz`, await promisify(gzip)(await file.read()));
    }
    return { files: ctx.inputs.size };
  },
});

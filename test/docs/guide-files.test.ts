/** The sample of `docs/guide.md` about files: it runs here, on a server. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, defineJob } from "longshore";
import { expect, it } from "vitest";
import { startWorld } from "./world.ts";

const makeSmaller = (photo: Uint8Array, factor: number): Uint8Array => photo.filter((_, i) => i % factor === 0);

it("a photo goes to a job, and a smaller one comes back", async () => {
  const world = await startWorld();
  const folder = await mkdtemp(join(tmpdir(), "longshore-guide-"));
  const [path, made] = [join(folder, "holiday.jpg"), join(folder, "small.jpg")];
  await writeFile(path, Uint8Array.from({ length: 400_000 }, (_, i) => i));
  const ls = await connect({ servers: world.url });
  try {
    // #region files
    const shrink = defineJob<{ factor: number }, void>("media/shrink", { outputs: ["small.jpg"] });

    await ls.work(shrink, async ({ factor }, ctx) => {
      const photo = await ctx.inputs.get("photo.jpg")!.read(); // or .stream(), or .save(path)
      await ctx.outputs.put("small.jpg", makeSmaller(photo, factor));
    });

    const job = await ls.add(shrink, { factor: 4 }, { inputs: { "photo.jpg": { file: path } } });
    const small = (await job.outputs()).get("small.jpg")!; // { name, bytes, digest }
    await small.save(made);

    const smaller = await ls.add(shrink, { factor: 2 }, { inputs: { "photo.jpg": small } }); // its bytes stay where they are
    // #endregion
    expect((await readFile(made)).length).toBe(100_000);
    expect((await smaller.outputs()).get("small.jpg")?.bytes).toBe(50_000);
  } finally {
    await ls.close();
    await world.stop();
    await rm(folder, { recursive: true });
  }
});

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { loadFiles } from "./load.ts";
import { tempFolder } from "./testing/temp-folder.ts";

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await tempFolder(onTestFinished);
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}

const JOBS = `
  interface In { n: number }
  const job = (topic: string, run?: (input: In) => number) => ({ kind: "job" as const, topic, run });
  export const one = job("one", ({ n }: In) => n);
  export const more = [job("two", () => 2), { kind: "queue", name: "q", topics: ["*"] }];
  export const only = job("for-adding");
  export const answer = 42;
`;

test.each(["jobs.ts", "jobs.mts"])("%s gives its jobs and queues, whatever else it exports", async (name) => {
  const loaded = await loadFiles([name], await folder({ [name]: JOBS }));
  expect(loaded.jobs.map(({ topic }) => topic)).toEqual(["one", "two"]);
  expect(loaded.queues.map((queue) => queue.name)).toEqual(["q"]);
  expect(loaded.unhandled).toEqual(["for-adding"]);
});

test.each([
  [{}, 3, "there is no file x.mts"],
  [{ "x.mts": "export const a = 1;" }, 2, "x.mts exports no job"],
  [{ "x.mts": "throw new Error('broken on purpose')" }, 1, "broken on purpose"],
  [{ "x.mts": "const a = { kind: 'job', topic: 't', run() {} }; export const b = a, c = { ...a };" }, 2, "two exported jobs handle the topic t"],
])("%j is refused", async (files, exitCode, message) => {
  await expect(loadFiles(["x.mts"], await folder(files))).rejects.toMatchObject({ exitCode, message: expect.stringContaining(message) });
});

test("no files give nothing", async () => expect(await loadFiles([], "/")).toMatchObject({ jobs: [], queues: [] }));

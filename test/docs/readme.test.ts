import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => { world = await startWorld(); });
afterAll(() => world?.stop());

it("the sample of the README prints its result and what happened", async () => {
  const file = fileURLToPath(new URL("readme-sample.ts", import.meta.url));
  const { code, output } = await run(["--import", "tsx", "--conditions=@longshore/source", file]);
  expect(output).toMatch(/^\{ path: 'a-320\.jpg' \}\n(\S+Z \w+\n)+$/);
  expect(output).toContain("JobAccepted");
  expect(output).toContain("JobEnded");
  expect(code).toBe(0);
});

/** What a program of its own prints, errors included. */
function run(args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { env: { ...process.env, NATS_URL: world.url, NO_COLOR: "1" } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => { output += text; });
    child.once("close", (code) => resolve({ code, output }));
  });
}

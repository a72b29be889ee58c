/** The services of `docs/guide.md` as they are meant to run: real processes, and a server whose users may do no more than they need. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type NatsServer, ROLE_USERS, startServer } from "@longshore/nats";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root } from "./fill.ts";
import { until } from "./world.ts";

/** Ten processes, one after the other, each compiled from its source. */
const PROCESSES_MS = 150_000;

let folder: string;
let server: NatsServer;
const services: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longshore-docs-"));
  const env = Object.fromEntries(ROLE_USERS.map(({ name, passwordVariable }) => [passwordVariable, `secret-${name}`]));
  server = await startServer({ storeDir: folder, users: ROLE_USERS, env });
});

afterAll(async () => {
  // Its host is needed by a worker that says goodbye.
  for (const service of services.reverse()) await ended(service);
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The command, from its source. */
function longshore(user: string, args: readonly string[]): ChildProcess {
  const command = ["--import", "tsx", "--conditions=@longshore/source", join(root, "packages/cli/src/main.ts"), ...args, "--user", user];
  const env = { ...process.env, NATS_URL: server.url, LONGSHORE_PASSWORD: `secret-${user}`, XDG_STATE_HOME: folder, NO_COLOR: "1" };
  return spawn(process.execPath, command, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
}

function said(child: ChildProcess): { text: string } {
  const words = { text: "" };
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8").on("data", (data: string) => { words.text += data; });
  return words;
}

async function run(user: string, ...args: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }> {
  const child = longshore(user, args);
  const words = said(child);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, text: words.text };
}

async function serve(user: string, event: string, ...args: readonly string[]): Promise<void> {
  const child = longshore(user, ["run", ...args]);
  services.push(child);
  const words = said(child);
  await until(`${event} of ${args.join(" ")}`, () => {
    if (child.exitCode !== null) throw new Error(words.text);
    return words.text.includes(event) || undefined;
  }, 30_000);
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once("close", () => resolve());
    child.kill("SIGTERM");
  });
}

it("sets up, serves, works, adds and looks, each as a user with one role", async () => {
  expect(await run("provisioner", "setup")).toMatchObject({ code: 0 });
  await serve("host", "host.serving", "job-queue");
  await serve("worker", "worker.started", "worker", fileURLToPath(new URL("guide/greeting.ts", import.meta.url)));

  const added = await run("submitter", "add", "greeting", '{"name":"you"}', "--id", "first", "--wait");
  expect(added).toMatchObject({ code: 0, text: expect.stringContaining("Hello, you") });

  const shown = await run("observer", "job", "main.greeting.first");
  expect(shown).toMatchObject({ code: 0, text: expect.stringMatching(/accepted[\s\S]*started[\s\S]*succeeded/) });
  expect(await run("operator", "doctor", "--monitor", server.monitorUrl, "--role", "operator")).toMatchObject({ code: 0 });
  expect(await run("observer", "replay", "main", "--hash")).toMatchObject({ code: 0, text: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
  expect(await run("observer", "audit")).toMatchObject({ code: 0 });
}, PROCESSES_MS);

it("lets a submitter not suspend a queue", async () => {
  expect((await run("submitter", "queues", "suspend", "main")).code).not.toBe(0);
});

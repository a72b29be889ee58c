#!/usr/bin/env node
// Starts the benchmark from a fresh clone: installs what is missing, then runs main.ts. Everything is read from source, so nothing is built.
// Plain JavaScript without dependencies, because it runs before there are any.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

// Only when nothing is installed: `npm ci` first removes what others in this tree may be using.
if (!existsSync(join(root, "node_modules/tsx"))) {
  const installed = spawnSync("npm", ["ci"], { cwd: root, stdio: "inherit" });
  if (installed.status !== 0) process.exit(installed.status ?? 1);
}

// `npm run bench -- topology`, `-- offload` and `-- carrier` measure our own parts instead of peers.
const own = ["topology", "offload", "carrier"].find((name) => name === process.argv[2]);
const main = join(root, "test/bench", own ?? "", "main.ts");
const options = ["--import", "tsx", "--conditions=@longshore/source"];
const child = spawn(process.execPath, [...options, main, ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
// The terminal's Ctrl-C reaches the child by itself; a signal sent to this process alone does not.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

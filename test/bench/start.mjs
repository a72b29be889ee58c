#!/usr/bin/env node
// Starts the benchmark from a fresh clone: installs and builds what is missing, then runs main.ts from source.
// Plain JavaScript without dependencies, because it runs before there are any.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

// Only when nothing is installed: `npm ci` first removes what others in this tree may be using.
if (!existsSync(join(root, "node_modules/tsx"))) {
  const installed = spawnSync("npm", ["ci"], { cwd: root, stdio: "inherit" });
  if (installed.status !== 0) process.exit(installed.status ?? 1);
}

const packages = join(root, "packages");
const isBuilt = existsSync(packages) && readdirSync(packages).every((name) => existsSync(join(packages, name, "dist")));
if (!isBuilt) {
  const built = spawnSync("npm", ["run", "build"], { cwd: root, stdio: "inherit" });
  // The peers need no build of ours, and ours runs from source; what does need it will say so itself.
  if (built.status !== 0) process.stderr.write("The build failed; going on without it.\n");
}

const main = join(root, "test/bench/main.ts");
const options = ["--import", "tsx", "--conditions=@longshore/source"];
const child = spawn(process.execPath, [...options, main, ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
// The terminal's Ctrl-C reaches the child by itself; a signal sent to this process alone does not.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

#!/usr/bin/env node
// Starts the simulator: bundles main.ts and runs it. What tsx loads it compiles with the names of all functions kept,
// which costs a call for every closure made: a third of the simulator's time.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bundle = join(root, ".cache/simulation", `main-${process.pid}.mjs`);

buildSync({
  absWorkingDir: root, entryPoints: ["test/simulation/main.ts"], outfile: bundle, bundle: true, platform: "node", format: "esm", target: "node20",
  conditions: ["@longshore/source"], sourcemap: "inline", logLevel: "warning",
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});

const child = spawn(process.execPath, ["--enable-source-maps", bundle, ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

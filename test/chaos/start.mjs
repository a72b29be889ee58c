#!/usr/bin/env node
// npm run chaos -- [--minutes N] [--instances N] [--servers 1|3] [--seed N]
//
// Where this system lets a user have networks of its own (`unshare -Urn`), each server and each instance gets one, and cuts are among the faults.
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const NUMBERS = ["minutes", "instances", "servers", "seed"];
const root = fileURLToPath(new URL("../..", import.meta.url));
const env = { ...process.env, LONGSHORE_CHAOS_MINUTES: "5", LONGSHORE_CHAOS_INSTANCES: "5" };
const args = process.argv.slice(2);
for (let i = 0; i < args.length; i += 2) {
  const name = args[i]?.replace(/^--/, "");
  const value = Number(args[i + 1]);
  if (!NUMBERS.includes(name) || !(value > 0) || (name !== "minutes" && !Number.isInteger(value)) || (name === "servers" && ![1, 3].includes(value))) {
    console.error(`${args[i]} ${args[i + 1] ?? ""}: there are --minutes, --instances, --servers (1 or 3) and --seed, each with a number above 0`);
    process.exit(2);
  }
  env[`LONGSHORE_CHAOS_${name.toUpperCase()}`] = String(value);
}

const APART = ["unshare", "-Urn"];
const probe = "ip link add longshore0 type bridge && ip link add port type veth peer name peer && ip link set port master longshore0";
const hasNetworks = spawnSync(APART[0], [...APART.slice(1), "sh", "-c", probe], { stdio: "ignore" }).status === 0;
if (hasNetworks) env.LONGSHORE_CHAOS_NAMESPACES = "1";

const [command, ...words] = [...(hasNetworks ? APART : []), process.execPath,
  `${root}/node_modules/vitest/vitest.mjs`, "run", "--config", "test/vitest.config.ts", "--project", "e2e", "test/chaos/chaos.e2e.test.ts", "--disable-console-intercept=true",
];
const child = spawn(command, words, { cwd: root, env, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

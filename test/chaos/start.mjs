#!/usr/bin/env node
// npm run chaos -- [--minutes N] [--instances N] [--servers 1|3] [--seed N]
// npm run chaos -- --offload [--jobs N] [--mib N] [--strikes N] [--cut SECONDS]
//
// Where this system lets a user have networks of its own (`unshare -Urn`), each server and each instance gets one, and cuts are among the faults.
// With --offload two clusters are hurt instead, part by part, while jobs go from one to the other and back.
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const args = process.argv.slice(2);
const isOffload = args[0] === "--offload";
const [PREFIX, NUMBERS, defaults] = isOffload
  ? ["LONGSHORE_OFFLOAD", ["jobs", "mib", "strikes", "cut"], { JOBS: "200", MIB: "5", STRIKES: "8", CUT: "30" }]
  : ["LONGSHORE_CHAOS", ["minutes", "instances", "servers", "seed"], { MINUTES: "5", INSTANCES: "5" }];
const env = { ...process.env, ...Object.fromEntries(Object.entries(defaults).map(([name, value]) => [`${PREFIX}_${name}`, value])) };
for (let i = isOffload ? 1 : 0; i < args.length; i += 2) {
  const name = args[i]?.replace(/^--/, "");
  const value = Number(args[i + 1]);
  if (!NUMBERS.includes(name) || !(value > 0) || (name !== "minutes" && !Number.isInteger(value)) || (name === "servers" && ![1, 3].includes(value))) {
    console.error(`${args[i]} ${args[i + 1] ?? ""}: there are ${NUMBERS.map((one) => `--${one}`).join(", ")}, each with a number above 0; servers are 1 or 3, and only minutes may have a fraction`);
    process.exit(2);
  }
  env[`${PREFIX}_${name.toUpperCase()}`] = String(value);
}

const APART = ["unshare", "-Urn"];
const probe = "ip link add longshore0 type bridge && ip link add port type veth peer name peer && ip link set port master longshore0";
const hasNetworks = !isOffload && spawnSync(APART[0], [...APART.slice(1), "sh", "-c", probe], { stdio: "ignore" }).status === 0;
if (hasNetworks) env.LONGSHORE_CHAOS_NAMESPACES = "1";

const [command, ...words] = [...(hasNetworks ? APART : []), process.execPath,
  `${root}/node_modules/vitest/vitest.mjs`, "run", "--config", "test/vitest.config.ts", "--project", "e2e",
  isOffload ? "test/e2e/offload/round-trips.e2e.test.ts" : "test/chaos/chaos.e2e.test.ts", "--disable-console-intercept=true",
];
const child = spawn(command, words, { cwd: root, env, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

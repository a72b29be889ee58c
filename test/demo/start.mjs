/**
 * `npm run demo`: makes a fresh clone ready, then runs `main.ts`. Plain Node, because nothing may be installed yet.
 *
 * Ctrl-C reaches every process of a terminal at once. This one waits for `main.ts`, which stops everything in order; and
 * when this one is killed, the channel between them ends, and `main.ts` stops everything all the same.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

if (Number.parseInt(process.versions.node, 10) < 20) {
  console.error(`This needs Node 20 or newer; here is ${process.version}.`);
  process.exit(1);
}
if (!isInstalled()) run("Installing packages (once) …", "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
const building = existsSync(`${root}/packages/cli/dist/main.js`) ? undefined : "Building (once) …";
run(building, process.execPath, [`${root}/node_modules/turbo/bin/turbo`, "run", "build", "--output-logs=errors-only", "--log-order=grouped"]);

const demo = spawn(process.execPath, ["--import", "tsx", "test/demo/main.ts", ...process.argv.slice(2)], { cwd: root, stdio: ["inherit", "inherit", "inherit", "ipc"] });
process.on("SIGINT", () => undefined);
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => demo.kill(signal));
demo.on("exit", (code) => process.exit(code ?? 1));

/** Every package that the lock file names is there, in its version. */
function isInstalled() {
  const lock = (path) => {
    try {
      return JSON.parse(readFileSync(`${root}/${path}`, "utf8")).packages;
    } catch {
      return {};
    }
  };
  const installed = lock("node_modules/.package-lock.json");
  return Object.entries(lock("package-lock.json")).every(
    ([path, wanted]) => !path.startsWith("node_modules/") || wanted.optional || wanted.link || installed[path]?.version === wanted.version,
  );
}

/** Runs it to its end without a word, unless it fails. */
function run(why, command, args) {
  if (why !== undefined) console.error(why);
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8", env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" } });
  if (status === 0) return;
  console.error(`${stdout ?? ""}${stderr ?? ""}\n\`${command} ${args.join(" ")}\` failed, and the demo needs it.`);
  process.exit(1);
}

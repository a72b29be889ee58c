/**
 * `npm test`: everything this repository knows about itself, quick checks first. `npm run check` is the inner loop.
 *
 *   node test/run.mjs [--quick] [step …]
 *
 * Sets itself up in a fresh clone. A failing step stops nothing; it is counted, and its words are shown. Each step's whole
 * output stays in `.cache/test/` for a day. A tier of tests counts one by one, any other step as one. The last line is
 * `N passed, N failed`, and the exit code says the same.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const MINUTE = 60_000;
const reports = reportsFolder(join(root, ".cache", "test"));
const TOTAL_MAX_MS = 28 * MINUTE;
const SHOWN_LINES_MAX = 120;

/**
 * @typedef {{ passed: number, failed: number, skipped?: number, note?: string, details?: string[] }} Outcome
 * @typedef {{ name: string, run: (limitMs: number) => Promise<Outcome | undefined>, limitMs: number, when?: "quick" | "full" }} Step
 */

/** @type {readonly Step[]} */
const STEPS = [
  { name: "install", limitMs: 6 * MINUTE, run: install },
  command("build", ["turbo", "run", "build", "--continue=dependencies-successful", "--output-logs=errors-only"], 4 * MINUTE),
  command("lint", ["biome", "check", "--error-on-warnings", "--max-diagnostics=none", "--reporter=concise", "."], 2 * MINUTE),
  command("types", ["tsc", "-p", "test/tsconfig.json", "--pretty", "false", "--incremental", "--tsBuildInfoFile", ".cache/types.tsbuildinfo"], 3 * MINUTE),
  command("boundaries", ["turbo", "boundaries"], 1 * MINUTE),
  command("dead code", ["knip"], 2 * MINUTE, { when: "full" }),
  tier("architecture", { folder: "test/architecture", limitMs: 4 * MINUTE }),
  tier("unit", { folder: "packages", limitMs: 5 * MINUTE }),
  tier("simulation", { folder: "test/simulation", suffix: ".sim.test.ts", limitMs: 1 * MINUTE, when: "quick", env: { LONGSHORE_SIM_SEEDS: "50" } }),
  tier("simulation", { folder: "test/simulation", suffix: ".sim.test.ts", limitMs: 12 * MINUTE, when: "full", env: { LONGSHORE_SIM_SEEDS: "1000" } }),
  { name: "servers", limitMs: 5 * MINUTE, when: "full", run: servers },
  tier("docs", { folder: "test/docs", limitMs: 3 * MINUTE, when: "full" }),
  tier("integration", { label: "integration, newest", folder: "test/integration", suffix: ".int.test.ts", limitMs: 6 * MINUTE, when: "full", env: { LONGSHORE_NATS_SUITE: "forky" } }),
  // What depends on the server is in the adapters.
  tier("integration", { label: "integration, oldest", folder: "test/integration/nats", suffix: ".int.test.ts", only: "test/integration/nats", limitMs: 6 * MINUTE, when: "full", env: { LONGSHORE_NATS_SUITE: "trixie" } }),
  tier("e2e", { folder: "test/e2e", suffix: ".e2e.test.ts", limitMs: 17 * MINUTE, when: "full" }),
];

/** A tool of `node_modules/.bin`: passed when it exits with 0. */
function command(name, [tool, ...args], limitMs, { when, env } = {}) {
  return {
    name,
    limitMs,
    when,
    run: async (limit) => {
      const { code, output } = await execute(name, process.execPath, [binOf(tool), ...args], { limitMs: limit, env });
      return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, details: lastLines(output) };
    },
  };
}

/** One project of `vitest.config.ts`, counted test by test. None at all is a failure, once there is a folder or a file for them. */
function tier(project, { folder, suffix, only, label = project, limitMs, when, env }) {
  return {
    name: label,
    limitMs,
    when,
    run: async (limit) => {
      if (!hasFiles(folder) && !(suffix !== undefined && ["packages", "test"].some((place) => hasFiles(place, suffix)))) return undefined;
      const report = join(reports, `${slug(label)}.json`);
      const args = ["run", "--config", "test/vitest.config.ts", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...(only === undefined ? [] : [only])];
      const { code, output } = await execute(label, process.execPath, [binOf("vitest"), ...args], { limitMs: limit, env });
      return outcomeOf(report, code, output);
    },
  };
}

function outcomeOf(report, code, output) {
  if (!existsSync(report)) return { passed: 0, failed: 1, details: lastLines(output) };
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  const tests = testResults.flatMap((file) => file.assertionResults);
  // A file that could not be loaded has no tests that could fail.
  const brokenFiles = testResults.filter((file) => file.status === "failed" && file.assertionResults.every(({ status }) => status !== "failed"));
  const count = (...states) => tests.filter(({ status }) => states.includes(status)).length;
  const outcome = { passed: count("passed"), failed: count("failed") + brokenFiles.length, skipped: count("pending", "skipped", "todo", "disabled") };
  if (tests.length === 0 && outcome.failed === 0) return { ...outcome, failed: 1, details: ["there are no tests"] };
  if (outcome.failed > 0) return { ...outcome, details: failuresIn(output) };
  // Every test passed and yet vitest did not: an error outside of any test, or it was ended.
  return code === 0 ? outcome : { ...outcome, failed: 1, details: lastLines(output) };
}

/** What vitest says of failures, without the list of what passed before and the frames of its own. */
function failuresIn(output) {
  const lines = output.split("\n").filter((line) => line.trim() !== "" && !/^\s+❯ .*node_modules/.test(line));
  const from = lines.findIndex((line) => /⎯ Failed (?:Suites|Tests) \d/.test(line));
  if (from < 0) return lastLines(output);
  const shown = lines.slice(from, from + SHOWN_LINES_MAX);
  return from + SHOWN_LINES_MAX < lines.length ? [...shown, `… and ${lines.length - from - SHOWN_LINES_MAX} lines more`] : shown;
}

/** `npm ci`, unless what the lock file says is there already. */
async function install(limitMs) {
  if (isInstalled()) return { passed: 1, failed: 0, note: "as the lock file says" };
  const { code, output } = await execute("install", "npm", ["ci", "--no-audit", "--no-fund"], { limitMs });
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, details: lastLines(output) };
}

/** Compares packages, not times: a checkout may touch the lock file, and `npm ci` under somebody's feet costs them their tools. */
function isInstalled() {
  const packagesIn = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {});
  const installed = packagesIn(join(root, "node_modules", ".package-lock.json"));
  return Object.entries(packagesIn(join(root, "package-lock.json"))).every(([path, wanted]) => {
    if (!path.startsWith("node_modules/")) return true;
    const found = installed[path];
    // What is made for another platform is rightly absent.
    return found === undefined ? wanted.optional === true : found.version === wanted.version && found.link === wanted.link;
  });
}

/** Fetches the two nats-servers before any test's clock runs. */
async function servers(limitMs) {
  const script = `
    import { findServer } from "@longshore/nats";
    const found = [];
    for (const suite of ["forky", "trixie"]) found.push(await findServer({ suite }));
    console.log(found.map(({ version }) => version).join(" and "));`;
  const { code, output } = await execute("servers", process.execPath, ["--import", "tsx", "--conditions=@longshore/source", "--input-type=module", "--eval", script], { limitMs });
  return code === 0 ? { passed: 1, failed: 0, note: `nats-server ${output.trim()}` } : { passed: 0, failed: 1, details: lastLines(output) };
}

/** The process that runs now, and leads a group of its own, so that all it started can be ended with it. */
let current;

function endCurrent(signal) {
  if (current === undefined) return;
  try {
    process.kill(-current.pid, signal);
  } catch {
    // It has ended by itself.
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    endCurrent("SIGTERM");
    process.exit(1);
  });
}

/** Runs a program to its end, or to the end of its time; what it says goes to a log of its own. */
function execute(name, file, args, { limitMs, env = {} }) {
  const log = join(reports, `${slug(name)}.log`);
  const sink = openSync(log, "w");
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: root,
      detached: true,
      stdio: ["ignore", sink, sink],
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", ...env },
    });
    current = child;
    let isLate = false;
    const ends = [
      setTimeout(() => {
        isLate = true;
        endCurrent("SIGTERM");
      }, limitMs),
      setTimeout(() => endCurrent("SIGKILL"), limitMs + 10_000),
    ];
    let isOver = false;
    const finish = (code, words) => {
      if (isOver) return;
      isOver = true;
      for (const end of ends) clearTimeout(end);
      // What it left behind must not disturb the next step.
      endCurrent("SIGKILL");
      current = undefined;
      closeSync(sink);
      const output = readFileSync(log, "utf8") + words;
      resolve({ code, output: isLate ? `${output}\nended after ${seconds(limitMs)}: it may take no longer` : output });
    };
    child.once("error", (error) => finish(1, error.message));
    child.once("close", (code) => finish(code ?? 1, ""));
  });
}

const binOf = (tool) => {
  const { name = tool, ...manifest } = JSON.parse(readFileSync(join(root, "node_modules", packageOf(tool), "package.json"), "utf8"));
  const bin = typeof manifest.bin === "string" ? manifest.bin : manifest.bin[tool];
  if (bin === undefined) throw new Error(`${name} has no program ${tool}`);
  return join(root, "node_modules", packageOf(tool), bin);
};
const packageOf = (tool) => ({ biome: "@biomejs/biome", tsc: "typescript" })[tool] ?? tool;

/** A folder for this run alone, as others may run beside it; those of yesterday go. */
function reportsFolder(all) {
  mkdirSync(all, { recursive: true });
  const old = readdirSync(all).map((name) => join(all, name)).filter((path) => statSync(path).mtimeMs < Date.now() - 24 * 60 * MINUTE);
  for (const path of old) rmSync(path, { recursive: true, force: true });
  return mkdtempSync(join(all, "run-"));
}

function hasFiles(folder, suffix = "") {
  const path = join(root, folder);
  return existsSync(path) && readdirSync(path, { withFileTypes: true, recursive: true }).some((entry) => entry.isFile() && entry.name.endsWith(suffix));
}

const slug = (name) => name.replaceAll(/[^a-z0-9]+/g, "-");
const relative = (path) => (path.startsWith(root) ? path.slice(root.length) : path);
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const lastLines = (text) => text.split("\n").filter((line) => line.trim() !== "").slice(-SHOWN_LINES_MAX);
const say = (text) => writeSync(1, text);

function wordsOf({ passed, failed, skipped = 0, note }) {
  const counts = [passed + failed > 1 && `${passed} passed`, failed > 0 && (passed + failed > 1 ? `${failed} FAILED` : "FAILED"), skipped > 0 && `${skipped} skipped`, note];
  return counts.filter((part) => typeof part === "string").join(", ") || "ok";
}

async function take(step, startedAt) {
  say(`${step.name.padEnd(22)}`);
  const from = Date.now();
  const left = Math.max(5_000, TOTAL_MAX_MS - (from - startedAt));
  const outcome = await step.run(Math.min(step.limitMs, left)).catch((error) => ({ passed: 0, failed: 1, details: [String(error)] }));
  say(`${seconds(Date.now() - from).padStart(8)}  ${outcome === undefined ? "nothing there yet" : wordsOf(outcome)}\n`);
  for (const line of outcome?.details ?? []) say(`    ${line}\n`);
  return { name: step.name, passed: 0, failed: 0, ...outcome };
}

async function main(args) {
  const isQuick = args.includes("--quick");
  const chosen = args.filter((arg) => !arg.startsWith("--"));
  const steps = STEPS.filter(({ name, when }) => (when === undefined || (when === "quick") === isQuick) && (chosen.length === 0 || chosen.some((word) => name.startsWith(word))));
  const startedAt = Date.now();
  say(`Longshore on Node ${process.versions.node}: ${isQuick ? "the inner loop" : "everything"}; whole outputs in ${relative(reports)}\n`);
  const outcomes = [];
  for (const step of steps) outcomes.push(await take(step, startedAt));
  const total = (key) => outcomes.reduce((sum, outcome) => sum + outcome[key], 0);
  const bad = outcomes.filter(({ failed }) => failed > 0).map(({ name }) => name);
  say(`${seconds(Date.now() - startedAt)}${bad.length === 0 ? "" : `; failing: ${bad.join("; ")}`}\n`);
  process.exitCode = total("failed") === 0 && steps.length > 0 ? 0 : 1;
  say(`${total("passed")} passed, ${total("failed")} failed\n`);
}

await main(process.argv.slice(2));

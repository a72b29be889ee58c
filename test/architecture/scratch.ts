/** A copy of the repository on disk, for the tools that cannot be given one in memory. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { matching, ROOT, repo } from "./repo.ts";

/** The repository with files added or replaced; gone when the test has ended. */
export function scratchWith(files: Readonly<Record<string, string>>): string {
  const scratch = mkdtempSync(join(tmpdir(), "longshore-scratch-"));
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  for (const [path, text] of [...repo, ...Object.entries(files)]) write(join(scratch, path), text);
  linkModules(scratch);
  return scratch;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Everything installed is linked as it is, our own packages to their copies. */
function linkModules(scratch: string): void {
  const own = new Map(matching(repo, /^packages\/[^/]+\/package\.json$/).map(([path, text]) => [(JSON.parse(text) as { name: string }).name, dirname(path)]));
  mkdirSync(join(scratch, "node_modules/@longshore"), { recursive: true });
  for (const entry of readdirSync(join(ROOT, "node_modules"))) {
    if (entry !== "@longshore" && !own.has(entry) && !entry.startsWith(".")) symlinkSync(join(ROOT, "node_modules", entry), join(scratch, "node_modules", entry));
  }
  for (const [name, folder] of own) symlinkSync(join(scratch, folder), join(scratch, "node_modules", name));
}

/** What a tool of `node_modules/.bin` says there, and whether it was content. */
export function runIn(scratch: string, tool: string, ...args: readonly string[]): Promise<{ readonly ok: boolean; readonly said: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, TURBO_TELEMETRY_DISABLED: "1" };
    execFile(join(ROOT, "node_modules/.bin", tool), args, { cwd: scratch, env, maxBuffer: 2 ** 26, timeout: 50_000 }, (error, stdout, stderr) => {
      resolve({ ok: error === null, said: stdout + stderr });
    });
  });
}

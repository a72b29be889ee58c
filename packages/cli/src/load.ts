/**
 * Loads users' files of jobs, in TypeScript or JavaScript.
 *
 * Every export counts, by what it is: a job that brings its handler (`defineJob(topic, { run })`) is worked, a queue
 * (`defineQueue`) is configured. Lists of them count too. What they are is told by their `kind`, never by their class:
 * the file may have a copy of the library of its own.
 */
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isJob, type Job, type Queue } from "longshore";
import { register as registerRequire } from "tsx/cjs/api";
import { register as registerImport } from "tsx/esm/api";
import { failed, notFound, wrongUsage } from "./errors.ts";

export interface Loaded {
  readonly files: readonly string[];
  readonly jobs: readonly Job[];
  readonly queues: readonly Queue[];
  /** Jobs without a handler: defined for those who add. */
  readonly unhandled: readonly string[];
}

/** @throws {CommandFailure} naming the file, and what is wrong with it. */
export async function loadFiles(files: readonly string[], cwd: string): Promise<Loaded> {
  const paths = files.map((file) => resolve(cwd, file));
  for (const [i, path] of paths.entries()) {
    await access(path).catch(() => {
      throw notFound(`there is no file ${files[i]}`, "give the path of a file that exports jobs");
    });
  }
  if (files.length > 0 && !readsTypeScript()) {
    // A .ts file whose package says nothing of modules is CommonJS, and goes the other way.
    registerRequire();
    registerImport();
  }
  const values = new Set<object>();
  for (const [i, path] of paths.entries()) for (const value of await exportsOf(files[i] ?? path, path)) values.add(value);
  return sorted(files, [...values]);
}

/** tsx must not be registered twice. It stays registered: users' code may import more, later. */
function readsTypeScript(): boolean {
  const given = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ");
  return import.meta.url.endsWith(".ts") || given.includes("tsx");
}

async function exportsOf(file: string, path: string): Promise<readonly object[]> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    const isModuleOnly = cause instanceof SyntaxError || why.includes("Top-level await");
    throw failed("jobs/not-loaded", `${file} could not be loaded: ${why}`,
      isModuleOnly ? 'if it is a module, name it .mts, or put "type": "module" into the package.json beside it' : "run it alone with `npx tsx` to see more");
  }
  // A file that is taken for CommonJS has everything below `default`, too.
  const inner = typeof module["default"] === "object" && module["default"] !== null ? Object.values(module["default"]) : [];
  const found = [...Object.values(module), ...inner].flat().filter((value): value is object => isJob(value) || isQueue(value));
  if (found.length === 0) {
    throw wrongUsage(`${file} exports no job and no queue`, 'export one: export const hello = defineJob("hello", { run: async (input) => … })');
  }
  return found;
}

function sorted(files: readonly string[], values: readonly object[]): Loaded {
  const jobs = values.filter(isJob);
  const handled = jobs.filter(({ run }) => typeof run === "function");
  const twice = handled.find((job, i) => handled.findIndex(({ topic }) => topic === job.topic) !== i);
  if (twice !== undefined) throw wrongUsage(`two exported jobs handle the topic ${twice.topic}`, "keep one of them");
  return { files, jobs: handled, queues: values.filter(isQueue), unhandled: jobs.filter(({ run }) => run === undefined).map(({ topic }) => topic) };
}

const isQueue = (value: unknown): value is Queue => typeof value === "object" && value !== null && (value as { readonly kind?: unknown }).kind === "queue";

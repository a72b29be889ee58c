/** Where a nats-server comes from: named, installed, cached, or taken from Debian's archive. */
import { access, constants, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Fault } from "@longshore/kernel";
import { cachedServer, fetchServer, type Suite } from "./fetch.ts";
import { compareVersions, FLOOR_VERSION, versionOf } from "./version.ts";

export interface ServerBinary {
  readonly path: string;
  readonly version: string;
}

export interface FindOptions {
  /** Takes exactly this release from the cache or the archive, whatever is installed. */
  readonly suite?: Suite;
  /** Where servers are kept; otherwise the repository's `.cache` or `~/.cache/longshore`. */
  readonly cacheDir?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * A nats-server of 2.10 or newer: `NATS_SERVER_BIN`, the `PATH` (and where Debian installs), the cache, the archive.
 *
 * @throws {Fault} `nats/too-old` when `NATS_SERVER_BIN` names an older one, `nats/no-server` when there is none.
 */
export async function findServer(options: FindOptions = {}): Promise<ServerBinary> {
  const env = options.env ?? process.env;
  const cache = options.cacheDir ?? (await defaultCache());
  if (options.suite !== undefined) return fromArchive(cache, options.suite);

  const named = env["NATS_SERVER_BIN"];
  if (named !== undefined && named !== "") return exactly(named);

  const ignored: string[] = [];
  for (const path of installed(env["PATH"] ?? "")) {
    const version = await runnable(path);
    if (version === undefined) continue;
    if (compareVersions(version, FLOOR_VERSION) >= 0) return { path, version };
    ignored.push(`${path} is ${version}`);
  }
  try {
    return await fromArchive(cache, "forky");
  } catch (cause) {
    throw noServer(ignored, cause);
  }
}

function noServer(ignored: readonly string[], cause: unknown): Fault {
  const older = ignored.length === 0 ? "" : ` (too old: ${ignored.join(", ")})`;
  return new Fault(
    "nats/no-server",
    `no nats-server ${FLOOR_VERSION} or newer on this machine${older}: install one (https://nats.io/download), or name it with NATS_SERVER_BIN, or give the address of a running one with NATS_URL`,
    { retry: "never", cause },
  );
}

async function exactly(path: string): Promise<ServerBinary> {
  const version = await runnable(path);
  if (version === undefined) throw new Fault("nats/no-server", `NATS_SERVER_BIN is ${path}, which is not a nats-server that runs here`, { retry: "never" });
  if (compareVersions(version, FLOOR_VERSION) >= 0) return { path, version };
  throw new Fault("nats/too-old", `NATS_SERVER_BIN is nats-server ${version}; ${FLOOR_VERSION} or newer is needed`, { retry: "never" });
}

async function fromArchive(cache: string, suite: Suite): Promise<ServerBinary> {
  const cached = cachedServer(cache, suite);
  const version = await runnable(cached);
  if (version !== undefined) return { path: cached, version };
  const path = await fetchServer(cache, suite);
  return { path, version: (await versionOf(path)) ?? "0.0.0" };
}

/** Debian installs into /usr/sbin, which is often not in a user's PATH. */
function installed(path: string): readonly string[] {
  const folders = new Set([...path.split(delimiter).filter((folder) => folder !== ""), "/usr/sbin", "/usr/local/bin"]);
  return [...folders].map((folder) => join(folder, "nats-server"));
}

async function runnable(path: string): Promise<string | undefined> {
  const isFile = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  return isFile ? versionOf(path) : undefined;
}

/** The repository's own cache when this file lies in the repository, else the user's. */
async function defaultCache(): Promise<string> {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = await readFile(join(folder, "package.json"), "utf8").catch(() => "");
    if (manifest.includes('"longshore-workspace"')) return join(folder, ".cache");
  }
  return join(homedir(), ".cache", "longshore");
}

/**
 * Where the peers' servers and libraries come from: what the machine has, else the project's cache.
 *
 * Debian packages are fetched through a private apt root, so nothing on the system changes and apt
 * itself checks the signatures: apt reads the machine's own sources, but keeps lists, archives and a
 * copy of the installed-package status in a folder of ours. Because it knows what is installed,
 * `--download-only install` fetches just what is missing, shared libraries included; `dpkg-deb -x`
 * unpacks them side by side, and LD_LIBRARY_PATH points there.
 */
import { execFileSync } from "node:child_process";
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Everything fetched or written by the benchmark lives here; git ignores it. */
export const cacheDirectory: string = fileURLToPath(new URL("../../.cache/bench", import.meta.url));

/** Peers are pinned exactly and kept out of the workspace: nobody who builds Longshore installs them. */
const peerPackages = { bullmq: "6.7.0", ioredis: "6.0.0", "pg-boss": "10.4.2", "graphile-worker": "0.17.3", pg: "8.23.1", "@nats-io/obj": "3.4.0" } as const;
export type PeerPackage = keyof typeof peerPackages;

export interface Installed {
  /** The folder of the programs. */
  readonly bin: string;
  readonly env: NodeJS.ProcessEnv;
}

export function redisServer(): Installed {
  return onPath("redis-server") ?? fetched("redis-server", (root) => join(root, "usr/bin"), "redis-server");
}

/** The newest PostgreSQL. Its initdb and postgres are not on the PATH of a Debian system. */
export function postgresServer(): Installed {
  const newest = newestPostgres("/usr/lib/postgresql");
  if (newest) return { bin: newest, env: {} };
  return onPath("initdb") ?? fetched("postgresql", (root) => newestPostgres(join(root, "usr/lib/postgresql")), "initdb");
}

export function peerVersion(name: PeerPackage): string {
  return peerPackages[name];
}

/** Loads a peer's library from the cache, installing all of them there first if need be. */
export function importPeer(name: PeerPackage): unknown {
  installPeers();
  return createRequire(join(cacheDirectory, "package.json"))(name);
}

function installPeers(): void {
  const manifest = `${JSON.stringify({ private: true, dependencies: peerPackages }, null, 2)}\n`;
  const path = join(cacheDirectory, "package.json");
  const stamp = join(cacheDirectory, "node_modules/.installed.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === manifest) return;
  mkdirSync(cacheDirectory, { recursive: true });
  writeFileSync(path, manifest);
  process.stderr.write("Installing the peers' packages into .cache/bench\n");
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cacheDirectory);
  writeFileSync(stamp, manifest);
}

/**
 * A new empty folder for one server's files. Under the cache, so that all contenders share the file
 * system the report names; in the temporary folder if an unprivileged server could not get there.
 */
export function dataDirectory(name: string): string {
  const directory = mkdtempSync(join(dataRoot(), `${dataPrefix}${process.pid}-${name}-`));
  ownDirectories.push(directory);
  return directory;
}

/** Removes the data folders of benchmarks that were killed before they could. */
export function sweepDataDirectories(): void {
  const root = dataRoot();
  for (const name of readdirSync(root).filter((entry) => entry.startsWith(dataPrefix))) {
    const pid = name.slice(dataPrefix.length).split("-")[0];
    if (!existsSync(`/proc/${pid}`)) rmSync(join(root, name), { recursive: true, force: true });
  }
}

const dataPrefix = "longshore-bench-";
const ownDirectories: string[] = [];

process.once("exit", () => {
  for (const directory of ownDirectories) rmSync(directory, { recursive: true, force: true });
});

function dataRoot(): string {
  const root = isReachableByAll(cacheDirectory) ? join(cacheDirectory, "data") : tmpdir();
  mkdirSync(root, { recursive: true });
  return root;
}

/** PostgreSQL refuses to run as root; then it runs as `postgres` or `nobody`, who must own its files. */
export function unprivilegedUser(directory: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"));
  const account = accounts.find(([name]) => name === "postgres") ?? accounts.find(([name]) => name === "nobody");
  if (!account) throw new Error("PostgreSQL does not run as root, and there is no user postgres or nobody");
  const user = { uid: Number(account[2]), gid: Number(account[3]) };
  chownSync(directory, user.uid, user.gid);
  return user;
}

function isReachableByAll(directory: string): boolean {
  mkdirSync(directory, { recursive: true });
  for (let at = directory; at !== dirname(at); at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
  }
  return true;
}

function onPath(program: string): Installed | undefined {
  const { PATH = "" } = process.env;
  const folders = [...PATH.split(delimiter), "/usr/sbin", "/usr/local/bin"];
  const bin = folders.find((folder) => folder !== "" && existsSync(join(folder, program)));
  return bin === undefined ? undefined : { bin, env: {} };
}

function newestPostgres(root: string): string | undefined {
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).filter((name) => existsSync(join(root, name, "bin/initdb")));
  versions.sort((one, other) => Number(other) - Number(one));
  return versions[0] === undefined ? undefined : join(root, versions[0], "bin");
}

/** The unpacked package from the cache, fetched on first use. */
function fetched(debianPackage: string, binOf: (root: string) => string | undefined, program: string): Installed {
  const root = join(cacheDirectory, "debian", debianPackage);
  if (!existsSync(root)) fetchDebian(debianPackage, root);
  const bin = binOf(root);
  if (bin === undefined || !existsSync(join(bin, program))) throw new Error(`${program} is not in the package ${debianPackage} under ${root}`);
  return { bin, env: { LD_LIBRARY_PATH: libraryFolders(root).join(delimiter) } };
}

/** Downloads and unpacks a Debian package with whatever it needs that is not installed. Root only at the end, by rename. */
export function fetchDebian(debianPackage: string, root: string, statusFile = "/var/lib/dpkg/status"): void {
  process.stderr.write(`Fetching ${debianPackage} from Debian into .cache/bench\n`);
  mkdirSync(dirname(root), { recursive: true });
  const work = mkdtempSync(join(dirname(root), "apt-"));
  try {
    for (const folder of ["lists/partial", "cache/archives/partial", "out"]) mkdirSync(join(work, folder), { recursive: true });
    cpSync(statusFile, join(work, "status"));
    const options = [
      ...["-q", "-y", "-o", `Dir::State::lists=${work}/lists`, "-o", `Dir::Cache=${work}/cache`, "-o", `Dir::State::status=${work}/status`],
      ...["-o", "Debug::NoLocking=1", ...(process.getuid?.() === 0 ? ["-o", "APT::Sandbox::User=root"] : [])],
    ];
    run("apt-get", [...options, "update"], work);
    run("apt-get", [...options, "--no-install-recommends", "--download-only", "install", debianPackage], work);
    const archives = readdirSync(join(work, "cache/archives")).filter((name) => name.endsWith(".deb"));
    for (const archive of archives) run("dpkg-deb", ["-x", join(work, "cache/archives", archive), join(work, "out")], work);
    renameSync(join(work, "out"), root);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Folders under `root` that hold shared libraries: lib, usr/lib, and their per-architecture folders. */
function libraryFolders(root: string): string[] {
  const bases = ["lib", "usr/lib"].map((name) => join(root, name)).filter((folder) => existsSync(folder));
  const nested = bases.flatMap((base) => readdirSync(base, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => join(base, entry.name)));
  return [...bases, ...nested].filter((folder) => readdirSync(folder).some((name) => name.includes(".so")));
}

function run(file: string, args: readonly string[], cwd: string): void {
  try {
    execFileSync(file, args, { cwd, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  } catch (cause) {
    const output = cause instanceof Error && "stderr" in cause ? String(cause.stderr).slice(-1500) : "";
    throw new Error(`${file} ${args.at(-1) ?? ""} failed in ${cwd}\n${output}`, { cause });
  }
}

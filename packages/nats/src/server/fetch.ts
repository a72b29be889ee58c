/**
 * Takes nats-server out of Debian's archive into the project's cache, without touching the system.
 *
 * A private apt root with one source line: apt checks the archive's signature against the keyring of the machine, and
 * the mirror is the one the machine's own sources name. Only `nats-server` itself is unpacked; nothing is installed.
 */
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Fault } from "@longshore/kernel";
import { versionOf } from "./version.ts";

/** Debian's release that carries the server: `forky` has the newest, `trixie` the oldest that is supported. */
export type Suite = "forky" | "trixie";

const run = promisify(execFile);
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const SOURCES = "/etc/apt/sources.list.d";

export const cachedServer = (cache: string, suite: Suite): string => join(cache, "nats-server", suite, "nats-server");

/**
 * Fills the cache and answers the path of the server.
 *
 * @throws {Fault} `nats/no-server` when this machine has no Debian archive, or the archive does not answer.
 */
export async function fetchServer(cache: string, suite: Suite): Promise<string> {
  const mirror = await debianMirror();
  if (mirror === undefined) {
    throw new Fault("nats/no-server", "this machine has no Debian package sources to take nats-server from", { retry: "never" });
  }
  const work = await mkdtemp(join(tmpdir(), "longshore-apt-"));
  try {
    const unpacked = await download(work, mirror, suite);
    return await keep(unpacked, cache, suite);
  } catch (cause) {
    throw notFetched(suite, cause);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(work: string, mirror: string, suite: Suite): Promise<string> {
  await mkdir(join(work, "lists", "partial"), { recursive: true });
  await mkdir(join(work, "cache", "archives", "partial"), { recursive: true });
  const list = join(work, "sources.list");
  await writeFile(list, `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`);
  const options = [
    `Dir::Etc::sourcelist=${list}`,
    "Dir::Etc::sourceparts=/dev/null",
    `Dir::State::lists=${join(work, "lists")}`,
    `Dir::Cache=${join(work, "cache")}`,
    "Dir::State::status=/dev/null",
    "Acquire::Languages=none",
    // The sandbox user of apt may not read a private directory.
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  await run("apt-get", [...options, "update"], { cwd: work, timeout: 120_000 });
  await run("apt-get", [...options, "download", "nats-server"], { cwd: work, timeout: 120_000 });
  const deb = (await readdir(work)).find((name) => name.endsWith(".deb"));
  if (deb === undefined) throw new Error("apt-get download left no package");
  await run("dpkg-deb", ["-x", deb, "out"], { cwd: work, timeout: 60_000 });
  return join(work, "out", "usr", "sbin", "nats-server");
}

/** Moves the server into the cache in one step, so that a second process filling the cache sees all of it or nothing. */
async function keep(unpacked: string, cache: string, suite: Suite): Promise<string> {
  const path = cachedServer(cache, suite);
  const version = await versionOf(unpacked);
  if (version === undefined) throw new Error("the server in the package does not run on this machine");
  await mkdir(join(path, ".."), { recursive: true });
  const fresh = `${path}.${process.pid}`;
  await copyFile(unpacked, fresh);
  await chmod(fresh, 0o755);
  await rename(fresh, path);
  return path;
}

/** The mirror of Debian's main archive that this machine is configured to use. */
async function debianMirror(): Promise<string | undefined> {
  const files = (await readdir(SOURCES).catch(() => [])).filter((name) => name.endsWith(".sources") || name.endsWith(".list"));
  for (const file of [...files.map((name) => join(SOURCES, name)), "/etc/apt/sources.list"]) {
    const mirror = mirrorIn(await readFile(file, "utf8").catch(() => ""));
    if (mirror !== undefined) return mirror;
  }
  return undefined;
}

/** The first source whose path ends in `/debian`, in either of apt's two formats. */
export function mirrorIn(sources: string): string | undefined {
  for (const line of sources.split("\n")) {
    const found = /^(?:URIs:|deb\s+(?:\[[^\]]*\]\s+)?)\s*(\S+\/debian)\/?(?:\s|$)/.exec(line.trim());
    if (found?.[1] !== undefined) return found[1];
  }
  return undefined;
}

function notFetched(suite: Suite, cause: unknown): Fault {
  const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
  return new Fault("nats/no-server", `nats-server could not be taken from Debian's ${suite}: ${why}`, { retry: "backoff", cause });
}

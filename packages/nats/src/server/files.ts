/** What lies in an embedded server's folder: configuration, log, version stamp, and the lock against a second server. */
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "@longshore/kernel";
import { LOG_BYTES_MAX } from "../limits.ts";
import { canOpenStore } from "./version.ts";

export interface ServerFiles {
  readonly config: string;
  readonly log: string;
  readonly store: string;
  readonly ports: string;
  readonly lock: string;
  readonly stamp: string;
}

export async function serverFiles(dir: string): Promise<ServerFiles> {
  const files = {
    config: join(dir, "nats.conf"),
    log: join(dir, "server.log"),
    store: join(dir, "store"),
    ports: join(dir, "ports"),
    lock: join(dir, "server.pid"),
    stamp: join(dir, "server-version"),
  };
  await mkdir(files.store, { recursive: true });
  await mkdir(files.ports, { recursive: true });
  return files;
}

/** @throws {Fault} `nats/store-newer` when the store was written by a newer minor version. */
export async function checkStamp(files: ServerFiles, version: string): Promise<void> {
  const stamp = (await readFile(files.stamp, "utf8").catch(() => "")).trim();
  if (stamp !== "" && !canOpenStore(version, stamp)) {
    throw new Fault(
      "nats/store-newer",
      `${files.store} was written by nats-server ${stamp}, and ${version} cannot read it: start ${stamp} or newer, or use another folder`,
      { retry: "never" },
    );
  }
}

/** The log of earlier starts is kept once, up to a bound. */
export async function turnLog(files: ServerFiles): Promise<void> {
  const size = await stat(files.log).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_BYTES_MAX) await rename(files.log, `${files.log}.1`);
}

export const writeStamp = (files: ServerFiles, version: string): Promise<void> => writeFile(files.stamp, `${version}\n`);

/** @throws {Fault} `nats/store-in-use` while another server runs on the folder. */
export async function checkLock(files: ServerFiles): Promise<void> {
  const pid = Number((await readFile(files.lock, "utf8").catch(() => "")).trim());
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return;
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "nats-server");
  if (!command.includes("nats-server")) return;
  throw new Fault("nats/store-in-use", `a nats-server (process ${pid}) already runs on ${files.store}: stop it, or use another folder`, { retry: "never" });
}

export const writeLock = (files: ServerFiles, pid: number): Promise<void> => writeFile(files.lock, `${pid}\n`);
export const removeLock = (files: ServerFiles): Promise<void> => rm(files.lock, { force: true });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

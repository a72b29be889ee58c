/**
 * The persistent name of an instance: kept in the state folder, taken by one process at a time.
 *
 * A machine may run several processes, and each is an instance of its own. So the folder holds numbered names, and a process
 * takes the first that no living process holds: after a restart it is the same instance again. This is a convenience; should
 * two processes get one name after all, DiscoveryAgent refuses the second.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { Fault } from "@longshore/kernel";

export interface TakenId {
  readonly instance: string;
  /** Lets the next process have it. */
  release(): Promise<void>;
}

/** Processes of one cluster on one machine that name themselves. */
const NAMES_MAX = 1_000;

/** @throws {Fault} `instance/no-name` when the folder has no free name left, or cannot be written. */
export async function takeInstanceId(stateDir: string, clusterId: string): Promise<TakenId> {
  const folder = join(stateDir, "instances", clusterId);
  try {
    await mkdir(folder, { recursive: true });
    for (let number = 1; number <= NAMES_MAX; number++) {
      const lock = join(folder, `${number}.pid`);
      if (await take(lock)) return { instance: await nameIn(join(folder, `${number}.id`)), release: () => letGo(lock) };
    }
  } catch (cause) {
    throw noName(folder, "cannot be written", cause);
  }
  throw noName(folder, `has ${NAMES_MAX} names, all of living processes`, undefined);
}

const noName = (folder: string, why: string, cause: unknown): Fault =>
  new Fault("instance/no-name", `the folder ${folder} ${why}`, { retry: "never", cause, remedy: "name this instance yourself: --instance" });

/** Locks of this process: one with its number that is none of them is left from a process before it. */
const held = new Set<string>();

/** Makes the lock ours, if it is no living process's. */
async function take(lock: string): Promise<boolean> {
  for (let tries = 0; tries < 2; tries++) {
    try {
      const file = await open(lock, "wx", 0o600);
      await file.writeFile(String(process.pid));
      await file.close();
      held.add(lock);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const holder = Number(await readFile(lock, "utf8").catch(() => "0"));
      if (held.has(lock) || (holder !== process.pid && isAlive(holder))) return false;
      await rm(lock, { force: true });
    }
  }
  return false;
}

async function letGo(lock: string): Promise<void> {
  held.delete(lock);
  await rm(lock, { force: true });
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is alive, too.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function nameIn(file: string): Promise<string> {
  const known = (await readFile(file, "utf8").catch(() => "")).trim();
  if (/^[A-Za-z0-9_-]{1,128}$/.test(known)) return known;
  const name = newInstanceId();
  await writeFile(file, `${name}\n`, { mode: 0o600 });
  return name;
}

/** This machine's name and 6 random characters, as a token. */
export const newInstanceId = (): string =>
  `${hostname().replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, 100) || "instance"}-${randomBytes(4).toString("hex").slice(0, 6)}`;

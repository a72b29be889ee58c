/** Where `longshore up` says that its server runs, so that other commands and programs of this user find it. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

export interface ServerState {
  readonly url: string;
  readonly monitor?: string;
  readonly pid: number;
  readonly cluster: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Where this user's Longshore keeps what belongs to the machine. */
export function stateDirectory(env: Env): string {
  const base = env["XDG_STATE_HOME"];
  return join(base === undefined || base === "" ? join(homedir(), ".local", "state") : base, "longshore");
}

const serverStateFile = (env: Env): string => join(stateDirectory(env), "server.json");

/** The running server; undefined when there is none or its process is gone. */
export async function readServerState(env: Env): Promise<ServerState | undefined> {
  const text = await readFile(serverStateFile(env), "utf8").catch(() => undefined);
  const state = text === undefined ? undefined : stateIn(text);
  return state !== undefined && isAlive(state.pid) ? state : undefined;
}

export async function writeServerState(env: Env, state: ServerState): Promise<void> {
  const file = serverStateFile(env);
  await mkdir(dirname(file), { recursive: true });
  // Whoever reads meanwhile finds the old text or the new one.
  await writeFile(`${file}.${state.pid}`, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  await rename(`${file}.${state.pid}`, file);
}

/** Removes it only while it is ours: another `up` may have written its own. */
export async function removeServerState(env: Env, pid: number): Promise<void> {
  const text = await readFile(serverStateFile(env), "utf8").catch(() => "");
  if (stateIn(text)?.pid === pid) await rm(serverStateFile(env), { force: true });
}

function stateIn(text: string): ServerState | undefined {
  try {
    const value = JSON.parse(text) as Partial<ServerState> | null;
    if (value === null || typeof value.url !== "string" || typeof value.pid !== "number") return undefined;
    const monitor = typeof value.monitor === "string" ? { monitor: value.monitor } : {};
    return { url: value.url, pid: value.pid, cluster: typeof value.cluster === "string" ? value.cluster : "main", ...monitor };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is alive, too.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

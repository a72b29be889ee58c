/** Where `longshore up` says that its server runs: a file of this user, shared with the command line. */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

export interface ServerState {
  readonly url: string;
  readonly cluster: string;
  readonly pid: number;
}

type Env = Readonly<Record<string, string | undefined>>;

/** `${XDG_STATE_HOME or ~/.local/state}/longshore/server.json`. */
export function serverStateFile(env: Env): string {
  const base = env["XDG_STATE_HOME"];
  return join(base === undefined || base === "" ? join(homedir(), ".local", "state") : base, "longshore", "server.json");
}

/** The running server; undefined when there is none, or its process is gone. */
export async function readServerState(env: Env): Promise<ServerState | undefined> {
  const text = await readFile(serverStateFile(env), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { url, cluster, pid } = JSON.parse(text) as Partial<ServerState>;
    if (typeof url !== "string" || typeof pid !== "number" || !isAlive(pid)) return undefined;
    return { url, pid, cluster: typeof cluster === "string" ? cluster : "main" };
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

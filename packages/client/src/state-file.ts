/** Where `longshore up` says that its server runs: a file of this user, shared with the command line. */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

export interface ServerState {
  readonly url: string;
  readonly cluster: string;
  readonly pid: number;
  /** Where its monitoring answers, for `doctor`. */
  readonly monitor?: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Where this user's Longshore keeps what belongs to the machine: `${XDG_STATE_HOME or ~/.local/state}/longshore`. */
export function stateDirectory(env: Env): string {
  const base = env["XDG_STATE_HOME"];
  return join(base === undefined || base === "" ? join(homedir(), ".local", "state") : base, "longshore");
}

export const serverStateFile = (env: Env): string => join(stateDirectory(env), "server.json");

/** The running server; undefined when there is none, or its process is gone. */
export async function readServerState(env: Env): Promise<ServerState | undefined> {
  const state = serverStateIn(await readFile(serverStateFile(env), "utf8").catch(() => ""));
  return state !== undefined && isAlive(state.pid) ? state : undefined;
}

/** What such a file says; undefined when it says nothing that can be used. */
export function serverStateIn(text: string): ServerState | undefined {
  try {
    const { url, cluster, pid, monitor } = JSON.parse(text) as Partial<ServerState>;
    if (typeof url !== "string" || typeof pid !== "number") return undefined;
    return { url, pid, cluster: typeof cluster === "string" ? cluster : "main", ...(typeof monitor === "string" && { monitor }) };
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

/** Where `longshore up` says that its server runs, so that other commands and programs of this user find it. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type ServerState, serverStateFile, serverStateIn } from "longshore/internal";

type Env = Readonly<Record<string, string | undefined>>;

export async function writeServerState(env: Env, state: ServerState): Promise<void> {
  const file = serverStateFile(env);
  await mkdir(dirname(file), { recursive: true });
  // Whoever reads meanwhile finds the old text or the new one.
  await writeFile(`${file}.${state.pid}`, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  await rename(`${file}.${state.pid}`, file);
}

/** Removes it only while it is ours: another `up` may have written its own. */
export async function removeServerState(env: Env, pid: number): Promise<void> {
  const file = serverStateFile(env);
  if (serverStateIn(await readFile(file, "utf8").catch(() => ""))?.pid === pid) await rm(file, { force: true });
}

/** Processes of the topology benchmark: each says in JSON lines what happens to it, and when, in this machine's time. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sleep } from "../measure.ts";

const NODE = ["--import", "tsx", "--conditions=@longshore/source"];
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const LONGSHORE = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));
const JOBS = fileURLToPath(new URL("jobs.ts", import.meta.url));
const SETPRIV = "/usr/bin/setpriv";

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** One line of a process's log. */
export interface Said {
  readonly atMs: number;
  readonly event: string;
  readonly number?: number;
  readonly instances?: readonly string[];
  /** Jobs that were begun up to here. */
  readonly started?: number;
}

/** Waits for a fact, looking every few milliseconds. @throws {Error} when it does not hold in time. */
export async function until(what: string, fact: () => boolean, withinMs = 60_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!fact()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(10);
  }
}

/** One `longshore …` process. */
export class Process {
  readonly name: string;
  /** What it said, as long as nobody cleared it. */
  readonly said: Said[] = [];
  isEnded = false;
  isHosting = false;
  /** Members of the view it was told last. */
  members: readonly string[] = [];
  private readonly child: ChildProcess;
  private rest = "";

  constructor(name: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.name = name;
    const command = [process.execPath, ...NODE, LONGSHORE, ...args];
    const [file, ...words] = existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig", "KILL", "--", ...command] : command;
    this.child = spawn(file!, words, { cwd: ROOT, env: { ...process.env, ...env, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
    running.add(this.child);
    this.child.once("close", () => {
      running.delete(this.child);
      this.isEnded = true;
      this.isHosting = false;
    });
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.setEncoding("utf8").on("data", (chunk: string) => this.heard(chunk));
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async ends(): Promise<void> {
    await until(`${this.name} ends`, () => this.isEnded);
  }

  /** The first line of this event at or after an instant. */
  first(event: string, fromMs: number, is: (said: Said) => boolean = () => true): Said | undefined {
    return this.said.find((said) => said.event === event && said.atMs >= fromMs && is(said));
  }

  private heard(chunk: string): void {
    const lines = (this.rest + chunk).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.line(line);
  }

  private line(line: string): void {
    if (!line.startsWith("{")) return;
    const { time, ...said } = JSON.parse(line) as Omit<Said, "atMs"> & { readonly time: string };
    this.said.push({ ...said, atMs: Date.parse(time) });
    if (said.event === "host.serving") this.isHosting = true;
    if (said.event === "host.moved") this.isHosting = false;
    if (said.event === "topology.view") this.members = said.instances ?? [];
  }
}

const LOG = ["--log", "json", "--log-level", "debug"];

/** One that can host, and works. */
export const instance = (name: string, env: NodeJS.ProcessEnv, { standby }: { readonly standby: boolean }): Process =>
  new Process(name, ["run", "job-queue", "worker", JOBS, "--instance", name, "--concurrency", "8", ...(standby ? ["--standby"] : []), ...LOG], env);

/** One that hosts only. */
export const host = (env: NodeJS.ProcessEnv): Process => new Process("host", ["run", "job-queue", "--instance", "host", ...LOG], env);

/** One that works only. */
export const worker = (name: string, env: NodeJS.ProcessEnv): Process => new Process(name, ["run", "worker", JOBS, "--instance", name, "--concurrency", "64", ...LOG], env);

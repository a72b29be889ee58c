/**
 * The demo's processes: each known by its pid, none outlives this one.
 *
 * Three ways to end are covered: `stop` here; the end of this process, which the children see at their channel; and
 * Ctrl-C, which reaches them all at once and which they leave to us.
 */
import { type ChildProcess, fork } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const STOP_WITHIN_MS = 10_000;
const LAST_WORDS_BYTES = 1_500;

export interface Member {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<void>;
}

interface Running extends Member {
  readonly child: ChildProcess;
}

export class Crew {
  private readonly logs: string;
  private readonly env: NodeJS.ProcessEnv;
  private readonly onLost: (error: Error) => void;
  private readonly onSaid: (name: string, message: unknown) => void;
  private readonly running = new Map<string, Running>();

  /** `onLost`: a process has ended that nobody had asked to. `onSaid`: what it tells beside that it is ready. */
  constructor(logs: string, env: NodeJS.ProcessEnv, onLost: (error: Error) => void, onSaid: (name: string, message: unknown) => void = () => undefined) {
    this.onSaid = onSaid;
    this.logs = logs;
    this.env = env;
    this.onLost = onLost;
  }

  /** Resolves when the process has said that it is ready. */
  async start(name: string, file: string, args: readonly string[] = []): Promise<Member> {
    const path = join(this.logs, `${name}.log`);
    const log = openSync(path, "a");
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
      env: { ...process.env, ...this.env },
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    const exited = new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    const member: Running = { name, pid: child.pid ?? -1, exited, child };
    this.running.set(name, member);
    const ready = new Promise<true>((resolve) => child.on("message", (message) => (message === "ready" ? resolve(true) : this.onSaid(name, message))));
    const isReady = await Promise.race([ready, exited]);
    const lost = (): Error => new Error(`${name} (process ${member.pid}) has ended:\n${readFileSync(path, "utf8").slice(-LAST_WORDS_BYTES)}`);
    if (isReady !== true) throw lost();
    void exited.then(() => {
      if (this.running.get(name) === member) this.onLost(lost());
    });
    return member;
  }

  /** As a power cut would end it: no handler runs, nothing is handed back. */
  async kill(member: Member): Promise<void> {
    const running = this.running.get(member.name);
    if (running?.pid !== member.pid) return;
    this.running.delete(member.name);
    running.child.kill("SIGKILL");
    await running.exited;
  }

  /** Everybody, `last` when the others are gone: they may need it to say goodbye. */
  async stop(last: string): Promise<void> {
    const all = [...this.running.values()];
    this.running.clear();
    await Promise.all(all.filter(({ name }) => name !== last).map(endOf));
    await Promise.all(all.filter(({ name }) => name === last).map(endOf));
  }
}

/** Politely, then not. */
async function endOf({ child, exited }: Running): Promise<void> {
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
  await exited;
  clearTimeout(late);
}

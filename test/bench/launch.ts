/**
 * Server processes that cannot outlive the benchmark.
 *
 * Three ways to end are covered: `stop`; the exit of this process, by pid; and its SIGKILL, by the
 * kernel's parent-death signal where setpriv is installed. Nothing is ever killed by name.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { sleep } from "./measure.ts";

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Its log is `<directory>/<name>.log`, quoted when it fails to start. */
  readonly name: string;
  readonly directory: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** What makes it stop without saving more than it owes; given on request and on the parent's death. */
  readonly stopSignal: "SIGTERM" | "SIGQUIT" | "SIGKILL";
}

export interface Launched {
  readonly pid: number;
  /** Resolves when `isReady` first answers true; rejects with the log when the process ends before. */
  until(isReady: () => Promise<boolean>): Promise<void>;
  stop(): Promise<void>;
  /** As a crash would end it; resolves when it is gone. */
  crash(signal?: "SIGKILL" | "SIGQUIT"): Promise<void>;
}

const running = new Map<ChildProcess, NodeJS.Signals>();
const setpriv = "/usr/bin/setpriv";
const stopGraceMs = 20_000;
/** A server that has to read a large backlog first takes its time. */
const readyWithinMs = 120_000;

process.on("exit", () => {
  for (const [child, signal] of running) child.kill(signal);
});

/** Makes Ctrl-C and a polite kill run the exit handlers above. */
export function exitOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}

export function launch(command: Command): Launched {
  const logPath = join(command.directory, `${command.name}.log`);
  const log = openSync(logPath, "w");
  const watched = existsSync(setpriv);
  const child = spawn(
    watched ? setpriv : command.file,
    watched ? ["--pdeathsig", command.stopSignal.slice(3), "--", command.file, ...command.args] : command.args,
    { stdio: ["ignore", log, log], cwd: command.directory, env: { ...process.env, ...command.env }, ...command.user },
  );
  closeSync(log);
  running.set(child, command.stopSignal);
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
  void ended.then(() => running.delete(child));
  return {
    pid: child.pid ?? -1,
    until: (isReady) => waitUntilReady(child, isReady, () => `${command.name} did not start:\n${readFileSync(logPath, "utf8").slice(-2000)}`),
    async stop() {
      child.kill(command.stopSignal);
      const timer = setTimeout(() => child.kill("SIGKILL"), stopGraceMs);
      await ended;
      clearTimeout(timer);
    },
    async crash(signal = "SIGKILL") {
      child.kill(signal);
      await ended;
    },
  };
}

async function waitUntilReady(child: ChildProcess, isReady: () => Promise<boolean>, failure: () => string): Promise<void> {
  const deadline = performance.now() + readyWithinMs;
  while (!(await isReady())) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) throw new Error(failure());
    if (performance.now() > deadline) throw new Error(failure());
    await sleep(5);
  }
}

/** Sends one line to a loopback port and answers what comes back first, or "" when nobody listens or answers in time. */
export function ask(port: number, line: string, withinMs = 2000): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(line));
    socket.setTimeout(withinMs, () => socket.destroy());
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString());
    });
    socket.once("error", () => resolve(""));
    socket.once("close", () => resolve(""));
  });
}

/**
 * Starts a process that dies with us, however we die.
 *
 * A small shell stands between: it holds the reading end of a pipe whose writing end only we have. When we are gone,
 * even by SIGKILL, the pipe ends, and the shell stops the server. The shell ends with the server's own exit code. Both
 * run in a session of their own, so that Ctrl-C in a terminal reaches us alone and we stop the server in order.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { Fault } from "@longshore/kernel";

const SCRIPT = `
exec 3<&0
log=$1; shift
"$@" </dev/null >>"$log" 2>&1 3<&- &
server=$!
echo "$server"
exec >/dev/null 2>&1
(
  while read -r _; do :; done
  kill -TERM "$server"
  tries=0
  while kill -0 "$server" && [ "$tries" -lt 50 ]; do tries=$((tries + 1)); sleep 0.1; done
  kill -KILL "$server"
) <&3 3<&- &
watch=$!
wait "$server"
code=$?
kill -KILL "$watch"
exit "$code"
`;

export interface GuardedProcess {
  readonly pid: number;
  readonly exited: Promise<number>;
  readonly isRunning: boolean;
  /** Nothing once it has ended: its number may belong to another process by then. */
  signal(signal: NodeJS.Signals): void;
}

/** Output goes to `log`. */
export function spawnGuarded(log: string, command: readonly string[], env: NodeJS.ProcessEnv): Promise<GuardedProcess> {
  const shell = spawn("sh", ["-c", SCRIPT, "longshore-guard", log, ...command], { stdio: ["pipe", "pipe", "ignore"], detached: true, env });
  let hasExited = false;
  const exited = new Promise<number>((resolve) => {
    shell.once("exit", (code) => {
      hasExited = true;
      resolve(code ?? -1);
    });
  });
  return new Promise((resolve, reject) => {
    shell.once("error", (cause) => reject(new Fault("nats/no-server", "the server could not be started: no sh on this machine", { retry: "never", cause })));
    firstLine(shell, (line) => {
      const pid = Number(line);
      // Neither the shell nor its pipes may keep our process alive.
      shell.unref();
      unref(shell.stdin);
      unref(shell.stdout);
      if (Number.isInteger(pid) && pid > 0) {
        resolve({
          pid,
          exited,
          get isRunning() {
            return !hasExited;
          },
          signal: (signal) => (hasExited ? undefined : signalled(pid, signal)),
        });
      } else {
        reject(new Fault("nats/no-server", `the server could not be started: ${line}`, { retry: "never" }));
      }
    });
  });
}

function firstLine(shell: ChildProcess, done: (line: string) => void): void {
  let text = "";
  shell.stdout?.setEncoding("utf8");
  shell.stdout?.on("data", (chunk: string) => {
    const before = text;
    text += chunk;
    if (!before.includes("\n") && text.includes("\n")) done(text.trim());
  });
}

function signalled(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

/** Pipes of a child are sockets, which the types do not say. */
const unref = (stream: unknown): void => {
  (stream as { unref?: () => void } | null)?.unref?.();
};

/** Everything a command sees of the process it runs in. Data goes to `out`, everything said to people to `err`. */
import { setMaxListeners } from "node:events";

export interface Screen {
  readonly isTerminal: boolean;
  readonly isColored: boolean;
  readonly columns: number;
}

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly outScreen: Screen;
  readonly errScreen: Screen;
  readonly isInputTerminal: boolean;
  readonly input: AsyncIterable<Uint8Array>;
  /** Aborted by SIGINT, SIGTERM, and when nobody reads stdout any more. */
  readonly signal: AbortSignal;
  nowMs(): number;
  /** Resolves when more may be written: big output must not pile up in memory. */
  out(data: string | Uint8Array): Promise<void>;
  err(text: string): void;
}

/** Why `signal` is aborted when stdout was closed. */
export const NOBODY_READS = "EPIPE";
const DEFAULT_COLUMNS = 100;

function screenOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Screen {
  const isTerminal = stream.isTTY === true;
  const isForced = (env["FORCE_COLOR"] ?? "") !== "" && env["FORCE_COLOR"] !== "0";
  const isDenied = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return { isTerminal, isColored: !isDenied && (isTerminal || isForced), columns: stream.columns ?? DEFAULT_COLUMNS };
}

/** The real process. `stop` is aborted by signals; a second signal ends the process at once. */
export function processIo(): Io {
  const { stdout, stderr, stdin, env } = process;
  const stop = new AbortController();
  // Everything that can be interrupted listens to this one signal.
  setMaxListeners(0, stop.signal);
  const onSignal = (name: NodeJS.Signals): void => {
    if (stop.signal.aborted) process.exit(name === "SIGINT" ? 130 : 143);
    stop.abort(name);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  let isBroken = false;
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    isBroken = true;
    stop.abort(NOBODY_READS);
  });
  let draining: Promise<void> | undefined;
  const drained = (): Promise<void> => {
    draining ??= new Promise((resolve) => {
      const done = (): void => {
        draining = undefined;
        stdout.off("drain", done);
        stdout.off("error", done);
        resolve();
      };
      stdout.once("drain", done);
      stdout.once("error", done);
    });
    return draining;
  };
  return {
    env,
    cwd: process.cwd(),
    outScreen: screenOf(stdout, env),
    errScreen: screenOf(stderr, env),
    isInputTerminal: stdin.isTTY === true,
    input: stdin,
    signal: stop.signal,
    nowMs: () => Date.now(),
    out: (data) => (isBroken || stdout.write(data) ? Promise.resolve() : drained()),
    err: (text) => void stderr.write(text),
  };
}

/** All of stdin as text. */
export async function readAll(input: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of input) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** Lines of a stream, without their ends; the last one too when it has none. */
export async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  rest += decoder.decode();
  if (rest !== "") yield rest.replace(/\r$/, "");
}

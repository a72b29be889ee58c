/** A process for tests: what a command writes is kept, what it reads is given. */
import type { Io, Screen } from "./io.ts";

export interface FakeIo extends Io {
  readonly written: { out: string; err: string };
  readonly stop: AbortController;
}

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly screen?: Partial<Screen>;
  readonly nowMs?: number;
}

export function fakeIo({ env = {}, input = "", screen = {}, nowMs = 0 }: Given = {}): FakeIo {
  const written = { out: "", err: "" };
  const stop = new AbortController();
  const decoder = new TextDecoder();
  const shown: Screen = { isTerminal: false, isColored: false, columns: 100, ...screen };
  return {
    env,
    cwd: "/nowhere",
    outScreen: shown,
    errScreen: shown,
    isInputTerminal: false,
    input: (async function* () {
      yield new TextEncoder().encode(input);
    })(),
    signal: stop.signal,
    stop,
    written,
    nowMs: () => nowMs,
    out: (data) => {
      written.out += typeof data === "string" ? data : decoder.decode(data);
      return Promise.resolve();
    },
    err: (text) => {
      written.err += text;
    },
  };
}

/** Waiting for the end of a service, and taking things down in the opposite order of their start. */
import type { Io } from "./io.ts";
import type { Log } from "./log.ts";

/** Resolves with the signal's name when the process is asked to stop. */
export function untilStopped({ signal }: Pick<Io, "signal">): Promise<string> {
  return new Promise((resolve) => {
    const done = (): void => resolve(String(signal.reason ?? "stop"));
    if (signal.aborted) done();
    else signal.addEventListener("abort", done, { once: true });
  });
}

export class Closing {
  private readonly steps: (readonly [what: string, close: () => Promise<void>])[] = [];
  private readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  add(what: string, close: () => Promise<void>): void {
    this.steps.push([what, close]);
  }

  /** All of them, the last first; one that fails does not keep the others from it. */
  async closeAll(): Promise<void> {
    for (const [what, close] of this.steps.splice(0).reverse()) {
      try {
        await close();
        this.log.event("debug", "closed", { name: what });
      } catch (error) {
        this.log.event("warn", "close.failed", { name: what, cause: error instanceof Error ? error.name : "unknown" });
      }
    }
  }
}

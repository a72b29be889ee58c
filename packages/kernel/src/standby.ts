/**
 * When a host may open an actor, before views exist.
 *
 * When the query subject has no responders, when its host has been silent for 10 s, or when it is told to take over.
 * This is for peace, not for safety: if two open at once, the guard decides.
 */
import { encode } from "./codec.ts";
import type { Clock, Wire } from "./ports.ts";

const ASK_EVERY_MS = 1_000;
const ANSWER_WITHIN_MS = 1_000;
const SILENT_MS = 10_000;

/** Calls `free` once the actor has no living host. Returns a way to stop waiting. */
export function whenFree(wire: Wire, clock: Clock, querySubject: string, waiting: () => void, free: () => void): () => void {
  const startMs = clock.monotonicMs();
  let heardMs = startMs;
  let stopped = false;
  let cancel = (): void => undefined;
  const ask = (): void => {
    wire.request(querySubject, encode({ ask: "host" }), ANSWER_WITHIN_MS, (answer) => {
      if (stopped) return;
      if (answer.kind === "no-responders") return free();
      if (answer.kind === "answer") {
        if (heardMs === startMs) waiting();
        heardMs = clock.monotonicMs();
      } else if (wire.connected && clock.monotonicMs() - heardMs >= SILENT_MS) return free();
      cancel = clock.after(ASK_EVERY_MS, ask);
    });
  };
  ask();
  return () => {
    stopped = true;
    cancel();
  };
}

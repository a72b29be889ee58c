/**
 * The guarded append, and what follows when its answer is not a plain yes.
 *
 *     append ── stored ──────────────────────────────────────────▶ stored
 *        │ doubt (time-out, conflict, full, away)
 *        ▼
 *     look at the last commit, at the stream's leader
 *        ├─ its bytes are ours ──────────────────────────────────▶ stored
 *        ├─ it sits at our guard: not stored ── same bytes again ──┐
 *        │    (behind what stands after it and is no commit)       │
 *        ├─ it sits below our guard: a deposed leader may answer   │
 *        │    old; look again, for 30 s, then ───────────────────▶ rewound
 *        ├─ cannot be read: look again ◀───────────────────────────┘
 *        └─ anything else: another host has written ─────────────▶ fenced
 *
 * A time-out is never success and never failure, and the bytes never change between tries: the guard makes the repeat
 * harmless. Comparing only epoch and number instead of bytes once let two hosts share one history and acknowledge lost
 * jobs, so the comparison is of bytes.
 */
import { sameBytes } from "./bytes.ts";
import type { AppendAnswer, Clock, Journal, LastAnswer, Version } from "./ports.ts";

export type AppendResult =
  | { readonly kind: "stored"; readonly version: Version }
  | { readonly kind: "fenced" }
  | { readonly kind: "rewound" }
  | { readonly kind: "stopped"; readonly cause: "too-large" | "no-stream" | "denied" };

const RETRY_MS = 100;
const REWOUND_AFTER_MS = 30_000;

export class Appender {
  private readonly journal: Journal;
  private readonly clock: Clock;
  private closed = false;
  private cancelWait: () => void = () => undefined;
  /** Told when an append cannot be stored for now and is being repeated; undefined when it went through. */
  private readonly onBlocked: (cause: "timeout" | "full" | "unavailable" | "conflict" | undefined) => void;

  constructor(journal: Journal, clock: Clock, onBlocked: (cause: "timeout" | "full" | "unavailable" | "conflict" | undefined) => void) {
    this.journal = journal;
    this.clock = clock;
    this.onBlocked = onBlocked;
  }

  /** `guard`: where the last commit sits. */
  append(bytes: Uint8Array, guard: Version, done: (result: AppendResult) => void): void {
    this.send(bytes, guard, guard, done);
  }

  /** `expected`: the last of the subject, which may be no commit. */
  private send(bytes: Uint8Array, guard: Version, expected: Version, done: (result: AppendResult) => void): void {
    this.journal.append(bytes, expected, (answer: AppendAnswer) => {
      if (this.closed) return;
      if (answer.kind === "stored") return this.finish({ kind: "stored", version: answer.version }, done);
      if (answer.kind === "stop") return this.finish({ kind: "stopped", cause: answer.cause }, done);
      this.onBlocked(answer.cause);
      this.look(bytes, guard, undefined, done);
    });
  }

  close(): void {
    this.closed = true;
    this.cancelWait();
  }

  private look(bytes: Uint8Array, guard: Version, belowSinceMs: number | undefined, done: (result: AppendResult) => void): void {
    this.journal.last((answer: LastAnswer) => {
      if (this.closed) return;
      if (answer.kind === "stop") return this.finish({ kind: "stopped", cause: answer.cause }, done);
      if (answer.kind === "unavailable") return this.wait(() => this.look(bytes, guard, belowSinceMs, done));
      const version = answer.commit?.version ?? 0;
      if (answer.commit !== undefined && sameBytes(answer.commit.bytes, bytes)) return this.finish({ kind: "stored", version }, done);
      const { tail = version } = answer;
      // What is no commit fences nobody: whoever can make the server store something here could stop the history otherwise.
      if (version === guard) return this.wait(() => this.send(bytes, guard, tail, done));
      if (version > guard) return this.finish({ kind: "fenced" }, done);
      const nowMs = this.clock.monotonicMs();
      if (belowSinceMs !== undefined && nowMs - belowSinceMs > REWOUND_AFTER_MS) return this.finish({ kind: "rewound" }, done);
      this.wait(() => this.look(bytes, guard, belowSinceMs ?? nowMs, done));
    });
  }

  private finish(result: AppendResult, done: (result: AppendResult) => void): void {
    this.onBlocked(undefined);
    done(result);
  }

  private wait(run: () => void): void {
    this.cancelWait = this.clock.after(RETRY_MS, run);
  }
}

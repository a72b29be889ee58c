/** Server time as the host tells it, carried on by this process's own clock. */
import { encode, subjectsOf } from "@longshore/kernel";
import { readAnswer } from "./courier.ts";
import type { Epochs } from "./epochs.ts";
import type { ActorPlace, ClientPorts } from "./ports.ts";

const ASK_TIMEOUT_MS = 2_000;
const ROUND_TRIP_MAX_MS = 2_000;

export class HostTime {
  private readonly ports: ClientPorts;
  private readonly place: ActorPlace;
  private readonly epochs: Epochs;
  private offsetMs: number | undefined;
  private waiting: (() => void)[] | undefined;

  constructor(ports: ClientPorts, place: ActorPlace, epochs: Epochs) {
    this.ports = ports;
    this.place = place;
    this.epochs = epochs;
  }

  /** Server time; this machine's own as long as no host has told it. */
  now(): number {
    return this.offsetMs === undefined ? this.ports.wallMs() : Math.floor(this.ports.clock.monotonicMs() + this.offsetMs);
  }

  /** A host said that it is `at` now, in answer to what was sent at `sentMs` of our monotonic clock. */
  told(at: unknown, sentMs: number): void {
    const nowMs = this.ports.clock.monotonicMs();
    if (typeof at !== "number" || nowMs - sentMs > ROUND_TRIP_MAX_MS) return;
    this.offsetMs = at - (sentMs + nowMs) / 2;
  }

  /** Asks the host; `done` is called in any case. */
  ask(role: string, done: () => void): void {
    if (this.waiting !== undefined) {
      this.waiting.push(done);
      return;
    }
    this.waiting = [done];
    const { kind, actor, principal, cluster } = this.place;
    const sentMs = this.ports.clock.monotonicMs();
    const subject = subjectsOf(cluster).query(kind, actor, role as "submit", principal);
    this.ports.wire.request(subject, encode({ ask: "host" }), ASK_TIMEOUT_MS, (answer) => {
      if (answer.kind === "answer") this.take(readAnswer(answer.data), sentMs);
      const waiting = this.waiting ?? [];
      this.waiting = undefined;
      for (const run of waiting) run();
    });
  }

  private take(answer: ReturnType<typeof readAnswer>, sentMs: number): void {
    const host = answer?.["answer"];
    if (typeof answer?.["epoch"] === "number" && !this.epochs.heard(answer["epoch"])) return;
    if (typeof host === "object" && host !== null) this.told((host as { readonly at?: unknown }).at, sentMs);
  }
}

/** Questions to an actor's host, answered from its state. */

import type { Role } from "@longshore/kernel";
import { encode, subjectsOf } from "@longshore/kernel";
import { readAnswer } from "./courier.ts";
import type { Epochs } from "./epochs.ts";
import type { ClientLimits } from "./limits.ts";
import type { ActorPlace, ClientPorts } from "./ports.ts";

export type QueryAnswer =
  | { readonly kind: "answer"; readonly answer: unknown; readonly epoch: number; readonly commit: number }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** How long nobody at all is put up with: a host that is started again is back by then, one that was never started is not. */
const NOBODY_MS = 1_000;
const NOBODY_RETRY_MAX_MS = 200;
const ROLES: readonly Role[] = ["operate", "submit", "outcome"];

export class Query {
  private readonly ports: ClientPorts;
  private readonly place: ActorPlace;
  private readonly limits: ClientLimits;
  private readonly epochs: Epochs;
  private roleIndex = 0;

  constructor(ports: ClientPorts, place: ActorPlace, limits: ClientLimits, epochs: Epochs) {
    this.ports = ports;
    this.place = place;
    this.limits = limits;
    this.epochs = epochs;
  }

  /**
   * `done` is called once, unless the returned function was called before. `giveUpMs`: how long a host is waited for. Of
   * another kind than the actor's own nobody may be there, and nobody is waited for.
   */
  ask(question: Readonly<Record<string, unknown>>, giveUpMs: number, done: (answer: QueryAnswer) => void, kind: string = this.place.kind): () => void {
    const untilMs = this.ports.clock.monotonicMs() + giveUpMs;
    const bytes = encode(question);
    let isOpen = true;
    let tries = 0;
    let cancelTimer: () => void = () => undefined;
    let nobodySinceMs: number | undefined;
    const finish = (answer: QueryAnswer): void => {
      isOpen = false;
      done(answer);
    };
    const again = (why: string, delayMaxMs = this.limits.backoffMax): void => {
      const delayMs = Math.min(delayMaxMs, this.limits.backoffFirstMs * 2 ** Math.min(tries++, 8)) * (0.5 + this.ports.random());
      if (this.ports.clock.monotonicMs() + delayMs > untilMs) return finish({ kind: "failed", code: "host/unavailable", message: why });
      cancelTimer = this.ports.clock.after(delayMs, send);
    };
    const send = (): void => {
      const { cluster, actor, principal } = this.place;
      const role = ROLES[this.roleIndex]!;
      const leftMs = Math.max(1, untilMs - this.ports.clock.monotonicMs());
      this.ports.wire.request(subjectsOf(cluster).query(kind, actor, role, principal), bytes, Math.min(leftMs, this.limits.requestTimeoutMs), (reply) => {
        if (!isOpen) return;
        switch (reply.kind) {
          case "answer": return this.read(reply.data, finish, again);
          case "no-responders": {
            const nowMs = this.ports.clock.monotonicMs();
            nobodySinceMs ??= nowMs;
            const mayCome = kind === this.place.kind && nowMs - nobodySinceMs < NOBODY_MS;
            return mayCome ? again(nobody(kind, actor, cluster), NOBODY_RETRY_MAX_MS) : finish({ kind: "failed", code: "host/unavailable", message: nobody(kind, actor, cluster) });
          }
          case "timeout": return again("the host did not answer in time");
          case "denied":
            if (this.roleIndex + 1 >= ROLES.length) return finish({ kind: "failed", code: "server/denied", message: `the server does not let ${principal} ask questions: it needs the role operator, observer or submitter` });
            this.roleIndex++;
            return send();
        }
      });
    };
    send();
    return () => {
      isOpen = false;
      cancelTimer();
    };
  }

  private read(data: Uint8Array, finish: (answer: QueryAnswer) => void, again: (why: string) => void): void {
    const answer = readAnswer(data);
    if (answer === undefined) return again("the host's answer cannot be read");
    const { epoch, commit, answer: given, behind, error } = answer as Readonly<Record<string, unknown>>;
    if (typeof error === "object" && error !== null) {
      const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
      return finish({ kind: "failed", code: String(code), message: String(message) });
    }
    if (behind === true) return again("whoever answers has not read so far yet");
    if (typeof epoch === "number" && !this.epochs.heard(epoch)) return again("the host that answered no longer holds the history");
    finish({ kind: "answer", answer: given, epoch: Number(epoch ?? 0), commit: Number(commit ?? 0) });
  }
}

/** A follower of a history is run with its host. */
const nobody = (kind: string, actor: string, cluster: string): string =>
  `nobody answers for ${kind}.${actor} of cluster ${cluster}: no host is up; start one (\`longshore up\`, or \`longshore run ${kind.replace(/-history$/, "")}\`)`;

/** What handlers do, written into the input of their job: so a job means the same wherever and however often it runs. */
import { decodeTrusted, encode } from "@longshore/kernel";
import type { Random } from "@longshore/testkit/simulation";

export type Behaviour =
  | { readonly kind: "succeeds"; readonly ms: number }
  /** Fails that often first. */
  | { readonly kind: "flaky"; readonly ms: number; readonly times: number }
  | { readonly kind: "snoozes"; readonly ms: number; readonly times: number }
  | { readonly kind: "refuses"; readonly ms: number }
  | { readonly kind: "chats"; readonly ms: number }
  /** Ends only when it is told to. */
  | { readonly kind: "hangs" }
  /** Ends when it wants to, whatever it is told. */
  | { readonly kind: "deaf"; readonly ms: number }
  /** Kills its process, that often. */
  | { readonly kind: "deadly"; readonly ms: number; readonly times: number };

const KINDS = ["succeeds", "flaky", "snoozes", "refuses", "chats", "hangs", "deaf", "deadly"] as const;

export function drawBehaviour(random: Random, hasBadHandlers: boolean): Behaviour {
  const ms = random.log(1, 2_000);
  const dice = random.next();
  if (hasBadHandlers) {
    if (dice < 0.04) return { kind: "hangs" };
    if (dice < 0.08) return { kind: "deaf", ms: random.log(100, 15_000) };
    if (dice < 0.095) return { kind: "deadly", ms: random.log(1, 500), times: random.int(1, 3) };
    if (dice < 0.13) return { kind: "refuses", ms };
  }
  if (dice < 0.25) return { kind: "flaky", ms, times: random.int(1, 4) };
  if (dice < 0.3) return { kind: "snoozes", ms, times: random.int(1, 2) };
  if (dice < 0.36) return { kind: "chats", ms };
  return { kind: "succeeds", ms };
}

export function encodeBehaviour(behaviour: Behaviour): Uint8Array {
  const { ms = 0, times = 0 } = behaviour as { readonly ms?: number; readonly times?: number };
  return encode([KINDS.indexOf(behaviour.kind), Math.round(ms), times]);
}

export function decodeBehaviour(input: Uint8Array): Behaviour {
  const [kind, ms, times] = decodeTrusted(input) as [number, number, number];
  return { kind: KINDS[kind]!, ms, times } as Behaviour;
}

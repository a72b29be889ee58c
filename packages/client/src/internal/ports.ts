/** What the client's machines need of the world. */
import type { Clock, Wire } from "@longshore/kernel";

export interface ClientPorts {
  readonly wire: Wire;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** This machine's time of day, milliseconds of UTC: used only as long as no host has told the server's. */
  readonly wallMs: () => number;
}

/** An actor as this client speaks to it. */
export interface ActorPlace {
  readonly cluster: string;
  readonly kind: string;
  readonly actor: string;
  readonly principal: string;
}

const RANDOM_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

/** Random text of lower-case letters and digits, about 5 bits each. */
export function randomText(random: () => number, chars: number): string {
  let text = "";
  for (let i = 0; i < chars; i++) text += RANDOM_ALPHABET[Math.floor(random() * 36)]!;
  return text;
}

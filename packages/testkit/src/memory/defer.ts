/** How a twin answers: never within the call itself, as no server could. */
import type { Clock } from "@longshore/kernel";

export type Defer = (run: () => void) => void;

/** Answers at the same instant, one event later. */
export const deferOn = (clock: Clock): Defer => (run) => void clock.after(0, run);

/** How OffloadRouter says no. */
import type { Decision } from "@longshore/kernel";
import { rejected } from "@longshore/kernel";
import type { OffloadCommand, OffloadRejection } from "./commands.ts";
import type { OffloadEvent } from "./events.ts";
import type { OffloadLimits } from "./limits.ts";

export type OffloadDecision = Decision<OffloadEvent, OffloadRejection>;
export type CommandOf<Type extends OffloadCommand["type"]> = Extract<OffloadCommand, { type: Type }>;

/** What a decision needs to know beside the state. */
export interface Setting {
  readonly cluster: string;
  readonly limits: OffloadLimits;
  /** Blobs brought from elsewhere are removed when nobody needs them any more. */
  readonly removesPayloads: boolean;
}

export const no = (code: OffloadRejection["code"], message: string): OffloadDecision => rejected({ code, message });

/** How long until a step is tried again that has failed so many times in a row. */
export const retryDelayMs = ({ retryMs, retryMaxMs }: OffloadLimits, failures: number): number => Math.min(retryMaxMs, retryMs * 2 ** Math.min(30, failures - 1));

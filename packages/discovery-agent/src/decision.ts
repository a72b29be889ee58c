/** How DiscoveryAgent says no. */
import type { Decision } from "@longshore/kernel";
import { rejected } from "@longshore/kernel";
import type { DiscoveryRejection } from "./commands.ts";
import type { DiscoveryEvent } from "./events.ts";

export type DiscoveryDecision = Decision<DiscoveryEvent, DiscoveryRejection>;

export const no = (code: DiscoveryRejection["code"], message: string, detail?: Readonly<Record<string, string | number>>): DiscoveryDecision =>
  rejected(detail === undefined ? { code, message } : { code, message, detail });

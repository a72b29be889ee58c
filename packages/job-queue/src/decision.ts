/** How JobQueue says no. */

import type { Decision } from "@longshore/kernel";
import { rejected } from "@longshore/kernel";
import type { JobQueueRejection } from "./commands.ts";
import type { JobQueueEvent } from "./events.ts";

export type QueueDecision = Decision<JobQueueEvent, JobQueueRejection>;

export const no = (code: JobQueueRejection["code"], message: string, detail?: JobQueueRejection["detail"]): QueueDecision =>
  rejected(detail === undefined ? { code, message } : { code, message, detail });

/** Bytes of an event may be a view of a message or a commit, and would pin the whole of it: the fold copies them. */
import type { Payload } from "@longshore/job-queue";
import type { TripOutcome } from "./vocabulary.ts";

export const copied = (payload: Payload): Payload => (payload instanceof Uint8Array ? payload.slice() : payload);

export const copiedOutcome = (outcome: TripOutcome): TripOutcome => (outcome.result === null ? outcome : { ...outcome, result: copied(outcome.result) });

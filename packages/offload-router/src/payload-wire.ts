/** Payloads on their way between actors. */
import type { Payload } from "@longshore/job-queue";
import type { NamedBlob } from "./vocabulary.ts";

export { payloadToWire } from "@longshore/job-queue";

/** Where a payload lies after its blob was brought under another principal. */
export const movedTo = (principal: string, payload: Payload): Payload => (payload instanceof Uint8Array ? payload : { ...payload, principal });
export const blobMovedTo = (principal: string, blob: NamedBlob): NamedBlob => ({ ...blob, principal });

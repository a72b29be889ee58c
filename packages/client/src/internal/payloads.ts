/**
 * Values as payloads: encoded msgpack, inline when small, as a blob when large.
 *
 * A payload is bytes to everybody between its sender and its worker, so it is checked here that what comes out at the
 * other end is what went in: what msgpack would quietly change is refused, naming the place.
 */

import type { BlobRef, Payload } from "@longshore/job-queue";
import type { Blobs } from "@longshore/kernel";
import { decodeUntrusted, ValueWriter, whyNotSerializable } from "@longshore/kernel";
import type { PayloadForm } from "./attempt.ts";
import type { ClientLimits } from "./limits.ts";

/** What went wrong with a payload; `code` tells callers what to do. */
export interface PayloadTrouble {
  readonly code: "payload/not-serializable" | "payload/too-large" | "payload/missing" | "payload/unavailable" | "payload/refused" | "payload/unreadable" | "payload/no-blobs";
  readonly message: string;
}

export type Encoded = { readonly kind: "bytes"; readonly bytes: Uint8Array } | { readonly kind: "large"; readonly bytes: Uint8Array } | { readonly kind: "trouble"; readonly trouble: PayloadTrouble };
export type Put = { readonly kind: "payload"; readonly payload: PayloadForm } | { readonly kind: "trouble"; readonly trouble: PayloadTrouble };
export type Decoded = { readonly kind: "value"; readonly value: unknown } | { readonly kind: "trouble"; readonly trouble: PayloadTrouble };

const NIL = new Uint8Array([0xc0]);

export class Payloads {
  private readonly limits: ClientLimits;
  private readonly principal: string;
  private readonly blobs: Blobs | undefined;
  /** Of its own: what it has written must survive the encoding of the message around the payload. Away while it writes: an accessor of the value may add a job. */
  private idle: ValueWriter | undefined;

  constructor(limits: ClientLimits, principal: string, blobs: Blobs | undefined) {
    this.limits = limits;
    this.principal = principal;
    this.blobs = blobs;
  }

  /** `bytes` of an inline payload are shared and overwritten by the next call; those of a large one are its own. */
  encode(value: unknown, name: string): Encoded {
    if (value === undefined) return { kind: "bytes", bytes: NIL };
    const reason = whyNotSerializable(value, name);
    if (reason !== undefined) return trouble("payload/not-serializable", `${reason}, and only plain values travel: objects, arrays, text, finite numbers, booleans, null, dates, bytes`);
    const writer = this.idle ?? new ValueWriter();
    this.idle = undefined;
    writer.reset();
    writer.write(value);
    this.idle = writer;
    const bytes = writer.written;
    if (bytes.length <= this.limits.inlineBytesMax) return { kind: "bytes", bytes };
    if (bytes.length <= this.limits.payloadBytesMax) return { kind: "large", bytes: bytes.slice() };
    return trouble("payload/too-large", `${name} takes ${bytes.length} bytes, and a payload has at most ${this.limits.payloadBytesMax}: store it elsewhere and send its address`);
  }

  /** Puts a large payload where its reader finds it. */
  put(bytes: Uint8Array, done: (answer: Put) => void): void {
    if (this.blobs === undefined) {
      return done(trouble("payload/no-blobs", `the payload takes ${bytes.length} bytes, and this client has no store for payloads beyond ${this.limits.inlineBytesMax}`));
    }
    const { principal } = this;
    const ask = (triesLeft: number): void => this.blobs!.put(principal, bytes, (answer) => {
      if (answer.kind === "stored") return done({ kind: "payload", payload: [principal, answer.digest, bytes.length] });
      if (answer.kind === "unknown" && triesLeft > 0) return ask(triesLeft - 1);
      done(trouble(answer.kind === "refused" ? "payload/refused" : "payload/unavailable", answer.message));
    });
    ask(PUT_TRIES);
  }

  /** The value of a payload, wherever it is. */
  read(payload: Payload, name: string, done: (answer: Decoded) => void): void {
    if (payload instanceof Uint8Array) return done(decode(payload, name));
    this.fetch(payload, (bytes) => done(bytes instanceof Uint8Array ? decode(bytes, name) : { kind: "trouble", trouble: bytes }));
  }

  private fetch({ principal, digest, bytes }: BlobRef, done: (answer: Uint8Array | PayloadTrouble) => void): void {
    if (this.blobs === undefined) return done({ code: "payload/no-blobs", message: "this client has no store for large payloads" });
    this.blobs.get(principal, digest, (answer) => {
      if (answer.kind === "found") return done(answer.bytes);
      if (answer.kind === "missing") return done({ code: "payload/missing", message: `the payload ${digest.slice(0, 12)}… of ${bytes} bytes is not there any more, or is not what was stored` });
      done({ code: "payload/unavailable", message: "the store of payloads cannot be reached" });
    });
  }
}

const PUT_TRIES = 3;

/** The value of an inline payload. */
export function decode(bytes: Uint8Array, name: string): Decoded {
  try {
    return { kind: "value", value: decodeUntrusted(bytes, false, PAYLOAD_SCAN) };
  } catch (error) {
    return trouble("payload/unreadable", `${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const PAYLOAD_SCAN = { bytesMax: 256 * 1_024 * 1_024, depthMax: 33, elementsMax: 50_000_000, keyBytesMax: 1_024 };

const trouble = (code: PayloadTrouble["code"], message: string): { readonly kind: "trouble"; readonly trouble: PayloadTrouble } =>
  ({ kind: "trouble", trouble: { code, message } });

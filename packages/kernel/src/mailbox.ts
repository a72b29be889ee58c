/** Messages waiting for the commit loop, in order, bounded by commands and bytes. */
import type { CommandMessage } from "./envelope.ts";
import { AnswerSheet } from "./envelope.ts";
import type { KernelLimits } from "./limits.ts";

/** Where a message came from, and so what must happen when it is done. */
export type Origin =
  | { readonly kind: "direct"; readonly json: boolean; readonly reply: ((data: Uint8Array) => void) | undefined }
  | { readonly kind: "inbox"; readonly stream: string; readonly created: string; readonly sequence: number }
  /** A command the host itself made, for example from a heartbeat. */
  | { readonly kind: "inner"; readonly done: ((sheet: Record<string, unknown>) => void) | undefined };

/** One message on its way through the commit loop; a large one may take several commits. */
export interface Batch {
  readonly message: CommandMessage;
  readonly origin: Origin;
  readonly bytes: number;
  readonly sheet: AnswerSheet;
  /** Index of the next item to decide. */
  next: number;
  /** Why an inbox message could not be read at all. */
  readonly unreadable?: { readonly code: string; readonly message: string };
}

export const batchOf = (message: CommandMessage, origin: Origin, bytes: number): Batch =>
  ({ message, origin, bytes, sheet: new AnswerSheet(), next: 0 });

export class Mailbox {
  private readonly limits: KernelLimits;
  private batches: Batch[] = [];
  private head = 0;
  private commands = 0;
  private bytes = 0;

  constructor(limits: KernelLimits) {
    this.limits = limits;
  }

  get isEmpty(): boolean {
    return this.head === this.batches.length;
  }

  /** False when another message would go over a bound. Said before anything is decided, so the sender may just ask again. */
  hasRoomFor(commands: number, bytes: number): boolean {
    return this.commands + commands <= this.limits.mailboxCommandsMax && this.bytes + bytes <= this.limits.mailboxBytesMax;
  }

  push(batch: Batch): void {
    this.batches.push(batch);
    this.commands += batch.message.items.length;
    this.bytes += batch.bytes;
  }

  peek(): Batch | undefined {
    return this.batches[this.head];
  }

  shift(): void {
    const batch = this.batches[this.head];
    if (batch === undefined) return;
    this.head++;
    this.commands -= batch.message.items.length;
    this.bytes -= batch.bytes;
    if (this.head < 1_024 && this.head < this.batches.length) return;
    this.batches = this.batches.slice(this.head);
    this.head = 0;
  }

  clear(): readonly Batch[] {
    const left = this.batches.slice(this.head);
    this.batches = [];
    this.head = this.commands = this.bytes = 0;
    return left;
  }
}

/** Every bound of the kernel, with its unit. What grows has a bound here or in its actor's own `limits.ts`. */

export interface KernelLimits {
  /** Commands waiting for the commit loop; beyond it senders are told to come back. */
  readonly mailboxCommandsMax: number;
  /** Bytes of messages waiting for the commit loop. */
  readonly mailboxBytesMax: number;
  /** A commit takes no further command once it holds this many bytes (half of the server's `max_payload`). */
  readonly commitBytesMax: number;
  /** A commit takes no further command once it holds this many events: what bounds the pause of the loop. */
  readonly commitEventsMax: number;
  /** Sessions remembered; when full, new ones are refused. */
  readonly sessionsMax: number;
  /** Outcomes remembered per session, and a client's limit in flight. */
  readonly sessionWindow: number;
  /** How long an unknown session counts as new, milliseconds of server time since its birth. */
  readonly sessionKeepMs: number;
  /** Parked commands kept in state for an operator to look at; the oldest give way (their events stay). */
  readonly parkedMax: number;
  /** Refusals of commands that waited in the inbox, kept for those who stored them; the oldest give way (their events stay). */
  readonly refusedMax: number;
  /** Characters kept of the reason of one. */
  readonly refusalCharsMax: number;
  /** Inbox messages taken per read. */
  readonly inboxReadMax: number;
}

export const KERNEL_LIMITS: KernelLimits = {
  mailboxCommandsMax: 65_536,
  mailboxBytesMax: 64 * 1024 * 1024,
  commitBytesMax: 512 * 1024,
  commitEventsMax: 8_192,
  sessionsMax: 100_000,
  sessionWindow: 1_024,
  sessionKeepMs: 3_600_000,
  parkedMax: 1_000,
  refusedMax: 10_000,
  refusalCharsMax: 500,
  inboxReadMax: 256,
};

/**
 * How long after it was put a payload may be relied on, milliseconds: as long as a command that names it may still be decided
 * (`sessionKeepMs`). What no history names is swept away when it is twice as old.
 */
export const BLOB_YOUNG_MS: number = KERNEL_LIMITS.sessionKeepMs;

/** When a message that may be left out is left out. The fold reads these two: with others, old histories owe something else. */
export interface OutboxLimits {
  /** Messages owed to one receiver; and levels whose newest word is kept aside. */
  readonly messagesMax: number;
  /** Bytes of those among them that may be left out; and of those kept aside. */
  readonly bytesMax: number;
}

export const OUTBOX_LIMITS: OutboxLimits = { messagesMax: 10_000, bytesMax: 8 * 1024 * 1024 };

/** Bounds of anything decoded from outside. */
export interface ScanLimits {
  readonly bytesMax: number;
  readonly depthMax: number;
  /** Sum of the elements of all containers. */
  readonly elementsMax: number;
  readonly keyBytesMax: number;
}

export const SCAN_LIMITS: ScanLimits = { bytesMax: 8 * 1024 * 1024, depthMax: 32, elementsMax: 500_000, keyBytesMax: 256 };

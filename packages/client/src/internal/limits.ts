/** Every bound of the client, with its unit. */
export interface ClientLimits {
  /** Commands in one message: the session window of the host. */
  readonly commandsPerMessageMax: number;
  /** Bytes of one message; half of the server's `max_payload` if that is less. */
  readonly messageBytesMax: number;
  /** Commands waiting in this process for one actor; beyond it a call fails at once. */
  readonly commandsWaitingMax: number;
  readonly bytesWaitingMax: number;
  /** How long one request is waited for before it is sent again. */
  readonly requestTimeoutMs: number;
  /** While an answer is waited for, how often it is looked whether the host is still there. */
  readonly hostLookMs: number;
  /** First and longest pause before a message is sent again. */
  readonly backoffFirstMs: number;
  readonly backoffMax: number;
  /** As the host's limit of the same name: a session older than half of it is replaced. */
  readonly sessionKeepMs: number;
  /** How long after its sending a command may still be decided, within `sessionKeepMs` of the session's birth. */
  readonly notAfterMs: number;
  /** How long a command is sent again and again before its caller is told. */
  readonly giveUpMs: number;
  /** Payloads beyond this travel as blobs, by reference. */
  readonly inlineBytesMax: number;
  /** The largest payload at all. */
  readonly payloadBytesMax: number;
}

const KIB = 1_024;

export const CLIENT_LIMITS: ClientLimits = {
  commandsPerMessageMax: 1_024,
  messageBytesMax: 512 * KIB - 512,
  commandsWaitingMax: 1_000_000,
  bytesWaitingMax: 512 * KIB * KIB,
  requestTimeoutMs: 5_000,
  hostLookMs: 500,
  backoffFirstMs: 50,
  backoffMax: 2_000,
  sessionKeepMs: 3_600_000,
  notAfterMs: 900_000,
  giveUpMs: 60_000,
  inlineBytesMax: 64 * KIB,
  payloadBytesMax: 64 * KIB * KIB,
};

/** A worker's timings, milliseconds. */
export interface WorkerLimits {
  readonly helloEveryMs: number;
  readonly helloTimeoutMs: number;
  /** After a hello that nobody was there to hear. */
  readonly helloRetryMs: number;
  /** T: exclusive attempts are aborted when the host has not proven itself for so long. */
  readonly hostSilenceMs: number;
  /** How long running attempts may go on after a drain began. */
  readonly drainMs: number;
  /** How long a closing worker waits for its last outcomes to be taken. */
  readonly farewellMs: number;
  /** Progress, log and heartbeats of attempts are sent this far apart at least. */
  readonly notesEveryMs: number;
  /** Answered attempts remembered, so that a late repeat of their dispatch is known. */
  readonly answeredMax: number;
}

export const WORKER_LIMITS: WorkerLimits = {
  helloEveryMs: 1_000,
  helloTimeoutMs: 1_000,
  helloRetryMs: 250,
  hostSilenceMs: 10_000,
  drainMs: 10_000,
  farewellMs: 5_000,
  notesEveryMs: 50,
  answeredMax: 8_192,
};

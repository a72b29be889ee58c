/** Every bound and time of OffloadRouter, with its unit. */

/** Bounds that only `decide`, `settle` and questions look at: a host may set them, the fold never reads them. Times in milliseconds. */
export interface OffloadLimits {
  /** Trips on their way, and guests taken in, at a time. */
  readonly tripsMax: number;
  readonly guestsMax: number;
  /** A cluster that is not heard of for this long loses what it has of this one. Longer than any outage of a link that is to be sat out. */
  readonly reclaimAfterMs: number;
  /** After a stop, how long the other cluster may take to answer; then the job ends here without it. */
  readonly stopGraceMs: number;
  /** After a refusal, how long its queue waits before it tries again. */
  readonly refusedDelayMs: number;
  /** The first wait after a payload could not be carried; doubled each time, up to the longest. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  /** Tries of one step after which missing or corrupt bytes are given up. */
  readonly triesMax: number;
  /** How long the payload of what did not succeed is kept for a person to look at. */
  readonly failedKeepMs: number;
  /** How long nobody may work on the topic of a guest that is not running, before its queue is asked to give it back. Longer than a worker takes to restart. */
  readonly unservedMs: number;
  /** Another cluster that says the same again is recorded as heard at most this often. */
  readonly heardEveryMs: number;
  readonly routesMax: number;
  /**
   * How long the outputs of a trip that has returned are named by the router: its queue is told in the same commit, and names them
   * itself as soon as it has read that. After that its payload goes when no job names it.
   */
  readonly endedNamedMs: number;
}

export const OFFLOAD_LIMITS: OffloadLimits = {
  tripsMax: 10_000,
  guestsMax: 10_000,
  reclaimAfterMs: 6 * 3_600_000,
  stopGraceMs: 60_000,
  refusedDelayMs: 5_000,
  retryMs: 1_000,
  retryMaxMs: 60_000,
  triesMax: 5,
  failedKeepMs: 3_600_000,
  unservedMs: 60_000,
  heardEveryMs: 60_000,
  routesMax: 64,
  endedNamedMs: 2 * 3_600_000,
};

/** The fold reads these two: changing one needs a new schema number. */
/** Ended trips kept for those who ask, and to know a repeat of their return. */
export const ENDED_MAX = 1_000;
/** Guests that are gone and offers that were refused, remembered so that a repeated offer is known. */
export const SETTLED_MAX = 10_000;

/** Bounds of whoever moves the bytes; the actor does not know them. */
export interface MoverLimits {
  /** Moves at a time for one other cluster: of up to `smallBytes` bytes, and of more. */
  readonly smallMax: number;
  readonly largeMax: number;
  readonly smallBytes: number;
  /** How long nothing is heard of one blob, milliseconds: this, and as long as it takes at the slowest speed. */
  readonly patienceMs: number;
  readonly bytesPerMsMin: number;
  /** Digests removed between two reports. */
  readonly removeMax: number;
  /** What could not be removed, or was not heard of, is tried again after so many milliseconds. */
  readonly againMs: number;
}

export const MOVER_LIMITS: MoverLimits = { smallMax: 4, largeMax: 2, smallBytes: 1_048_576, patienceMs: 60_000, bytesPerMsMin: 64, removeMax: 100, againMs: 5_000 };

/** Bounds of what a message may say; beyond them it is malformed. */
export const INPUT_LIMITS = {
  /** Those of a job, and its input or result. */
  blobsMax: 101,
  /** Of one blob. */
  bytesMax: 1_099_511_627_776,
  payloadBytesMax: 262_144,
  topicCharsMax: 256,
  idCharsMax: 512,
  textCharsMax: 8_000,
  propertiesMax: 50,
  poolsMax: 1_000,
  topicsMax: 1_000,
  slotsMax: 1_000_000,
  labelsMax: 100,
  shardsMax: 1_000,
  logLinesMax: 100,
  digestsMax: 10_000,
} as const;

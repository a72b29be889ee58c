/** Every bound and default of JobQueue, with its unit. */

/** Bounds that only `decide` and `settle` look at: a host may set them, the fold never reads them. */
export interface JobQueueLimits {
  /** Unfinished jobs that are not running, per shard; beyond it `submit` is refused. */
  readonly backlogMax: number;
  /** Bytes of payloads held in state; beyond it `submit` is refused. */
  readonly payloadBytesMax: number;
  readonly queuesMax: number;
  /** Instances present at a time. */
  readonly instancesMax: number;
  /** Ended jobs kept in state: by count, by age in milliseconds, and by bytes of their payloads. */
  readonly endedMax: number;
  readonly endedKeepMs: number;
  readonly endedBytesMax: number;
  /** How long ids that users gave are remembered where the queue says nothing. */
  readonly keepIdsMs: number;
  readonly keepIdsMax: number;
  /** Bulk operations at a time. */
  readonly operationsMax: number;
  /** Jobs one `settle` looks at for a bulk operation. */
  readonly operationScanMax: number;
  /** Jobs one `find` looks at before it answers with a cursor. */
  readonly findScanMax: number;
  readonly findLimitMax: number;
  /** After a worker's own timeout, how long the host waits before it takes the attempt back. */
  readonly timeoutGraceMs: number;
}

export const JOB_QUEUE_LIMITS: JobQueueLimits = {
  backlogMax: 5_000_000,
  payloadBytesMax: 4 * 1024 * 1024 * 1024,
  queuesMax: 10_000,
  instancesMax: 10_000,
  endedMax: 100_000,
  endedKeepMs: 600_000,
  endedBytesMax: 256 * 1024 * 1024,
  keepIdsMs: 7 * 24 * 3_600_000,
  keepIdsMax: 100_000,
  operationsMax: 16,
  operationScanMax: 5_000,
  findScanMax: 20_000,
  findLimitMax: 1_000,
  timeoutGraceMs: 5_000,
};

/** Failures after which a job gives up, where neither it nor its queue says otherwise. */
export const DEFAULT_RETRIES = 10;
export const DEFAULT_RETRY_DELAY_MS = 2_000;
/** The queue of jobs that no configuration claims. It always exists. */
export const DEFAULT_QUEUE = "main";

/** The fold reads these four: changing one needs a new schema number. */
/** Newest log lines kept per job. */
export const LOG_LINES_MAX = 100;
/** Names of instances remembered with their owner; beyond it the one that is away and was first announced gives way. */
export const INSTANCE_NAMES_MAX = 10_000;
/** Topics with statistics of their own; later ones are counted with their queue only. */
export const TOPIC_STATISTICS_MAX = 10_000;
/** In an ordered queue, how long nothing starts after an attempt was taken from a worker that may still be running it: 2 T. */
export const HANDOVER_MS = 20_000;

/** Due jobs, expired jobs and expired ids taken by one event. */
export const SLICE_MAX = 1_000;

/** Bounds of what a message may say; beyond them it is malformed. */
export const INPUT_LIMITS = {
  topicCharsMax: 256,
  idCharsMax: 200,
  queueNameCharsMax: 100,
  payloadBytesMax: 262_144,
  propertiesMax: 50,
  propertyCharsMax: 4_096,
  patternsMax: 1_000,
  partitionsMax: 64,
  clustersMax: 64,
  /** Leaves room for `-<partition>` in a token. */
  shardCharsMax: 120,
  keyCharsMax: 200,
  poolsMax: 1_000,
  /** Members of a view. */
  rankedMax: 1_000,
  slotsMax: 100_000,
  processorsMax: 65_536,
  reasonCharsMax: 2_000,
  stackCharsMax: 8_000,
  logLinesMax: 100,
  logLineCharsMax: 4_096,
  whereMax: 20,
  /** Inputs of a job, and its outputs. */
  blobsMax: 100,
  blobNameCharsMax: 128,
  /** Of one blob: 1 TiB. */
  blobBytesMax: 1_099_511_627_776,
  /** Ten years. */
  delayMsMax: 316_224_000_000,
} as const;

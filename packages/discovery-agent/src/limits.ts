/** Every bound and time of DiscoveryAgent, with its unit. */

/** Bounds that only `decide` and `settle` look at: a host may set them, the fold never reads them. Times in milliseconds. */
export interface DiscoveryLimits {
  /** After ClusterFormed, how long the first view waits for those that start at the same time. */
  readonly formationMs: number;
  /** How long a view waits for further joiners after the first is ready. Those that leave wait for nobody. */
  readonly joinBatchMs: number;
  /** A proposal that misses acks is spoken of after this … */
  readonly ackWarnMs: number;
  /** … and goes on without those who have not acked after that. */
  readonly ackDeadlineMs: number;
  /**
   * Evidence that stands this long without the accused having been heard of is certain. It comes 2.5 s after the last heartbeat at
   * the earliest, so the view of the accused is no longer current by then (`MEMBER.unrenewedMs`); a living one has renewed once
   * at least, and tried every second.
   */
  readonly certainAfterMs: number;
  /** After an outage, how long silence counts for nothing. */
  readonly quietMs: number;
  /** A remote cluster that is not heard of for this long is gone. */
  readonly remoteKeepMs: number;
  /** A remote cluster that says the same again is recorded as heard at most this often. */
  readonly remoteHeardEveryMs: number;
  /** How long, and how many, incarnations that are gone are remembered, so that they do not come back. */
  readonly goneKeepMs: number;
  readonly goneMax: number;
  /** Living incarnations at a time, members and starting ones. */
  readonly instancesMax: number;
  /** Topics in each of an instance's lists of disabled and exclusive ones. */
  readonly topicListMax: number;
  readonly remotesMax: number;
  /** A conflict that goes on is recorded again this often. */
  readonly conflictEveryMs: number;
}

export const DISCOVERY_LIMITS: DiscoveryLimits = {
  formationMs: 1_000,
  joinBatchMs: 500,
  ackWarnMs: 10_000,
  ackDeadlineMs: 60_000,
  certainAfterMs: 9_000,
  quietMs: 15_000,
  remoteKeepMs: 60_000,
  remoteHeardEveryMs: 10_000,
  goneKeepMs: 24 * 3_600_000,
  goneMax: 10_000,
  instancesMax: 1_000,
  topicListMax: 1_000,
  remotesMax: 64,
  conflictEveryMs: 60_000,
};

/** The fold reads these three, but for the time: changing one needs a new schema number. */
/** Names of instances remembered with their owner and their topic lists; beyond it the one that is away and was first announced gives way. */
export const INSTANCE_NAMES_MAX = 10_000;
/** Conflicts with other clusters that are kept; the oldest give way. */
export const CONFLICTS_MAX = 64;
/** How long after it was recorded last one is shown, milliseconds: two times `conflictEveryMs`. */
export const CONFLICT_SHOWN_MS = 120_000;
/** Changes kept for those who ask what happened since. */
export const CHANGES_MAX = 256;

/** Bounds of what a message may say; beyond them it is malformed. */
export const INPUT_LIMITS = {
  propertiesMax: 200,
  propertyNameCharsMax: 200,
  propertyCharsMax: 4_096,
  topicsMax: 1_000,
  topicCharsMax: 256,
  kindsMax: 32,
  endpointsMax: 32,
  endpointCharsMax: 512,
  softwareCharsMax: 200,
  slotsMax: 1_000_000,
  priorityMax: 1_000_000,
  /** Characters of all texts of one announcement. */
  announcementCharsMax: 65_536,
  /** Members of a remote cluster, and characters of all it says. */
  remoteMembersMax: 1_000,
  remoteCharsMax: 400_000,
  reasonCharsMax: 500,
} as const;

/**
 * Swarm configuration: what a seed's world looks like, and which kinds of trouble it knows.
 *
 * Leaving out matters: with everything on, faults mask one another. Each family is on with p = ½; a tenth of the seeds
 * have none and must be spotless.
 */

import type { JobQueueLimits, QueueConfig } from "@longshore/job-queue";
import type { KernelLimits } from "@longshore/kernel";
import type { Random } from "@longshore/testkit/simulation";
import type { ClientLimits } from "longshore/internal";

export const FAMILIES = [
  "slow", "loss", "doubles", "reorder", "cuts", "outage", "lost-answers", "late-appends", "deposed", "full",
  "host-crash", "worker-crash", "client-crash", "pause", "clocks", "takeover", "handlers", "operators", "poison", "snapshots", "drain",
] as const;
export type Family = (typeof FAMILIES)[number];

export interface Config {
  readonly seed: number;
  readonly families: readonly Family[];
  readonly hosts: number;
  readonly clients: number;
  readonly workers: number;
  readonly jobs: number;
  /** How long things go wrong. */
  readonly troubleMs: number;
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly queues: readonly { readonly queue: string; readonly config: QueueConfig }[];
  /** Topics a worker takes, and how many at a time. */
  readonly pools: readonly (readonly { readonly topics: readonly string[]; readonly slots: number }[])[];
  readonly kernelLimits: Partial<KernelLimits>;
  readonly queueLimits: Partial<JobQueueLimits>;
  /** A follower makes snapshots and the host purges below them. 0: none. */
  readonly snapshotEvery: number;
  /** Arrivals and durations come in multiples of this: many things at one instant, or none. */
  readonly grainMs: number;
  readonly helloEveryMs: number;
  /** After the trouble the journal loses its tail: nothing more may be written. */
  readonly isRewound: boolean;
  readonly clientLimits: Partial<ClientLimits>;
  /** Some commands make the decider or its fold throw. */
  readonly isFragile: boolean;
  /** How long a follower's reads take, at most. */
  readonly followerLagMs: number;
}

/** What the world has beyond its first form: drawn from a stream of its own, so that seeds kept before mean what they meant. */
export type Later = Pick<Config, "clientLimits" | "isFragile" | "followerLagMs"> & { readonly kernelLimits: Partial<KernelLimits> };

/** Commands in a mailbox that fills, where clients send few at a time. */
export const SMALL_MAILBOX = 12;

export const NOTHING_LATER: Later = { clientLimits: {}, isFragile: false, followerLagMs: 0, kernelLimits: {} };

export function drawLater(random: Random): Later {
  const isNarrow = random.chance(0.15);
  const isHasty = random.chance(0.15);
  // As short as one time-out: what is sent again comes too late. The host must keep a session as long as its client uses it.
  const sessionKeepMs = random.pick([3_000, 8_000]);
  return {
    clientLimits: {
      ...(isNarrow && { commandsPerMessageMax: 4 }), ...(isHasty && { sessionKeepMs, notAfterMs: sessionKeepMs / 2, requestTimeoutMs: 1_000 }),
    },
    kernelLimits: { ...(isNarrow && { mailboxCommandsMax: SMALL_MAILBOX }), ...(isHasty && { sessionKeepMs }) },
    isFragile: random.chance(0.15),
    followerLagMs: random.chance(0.15) ? random.log(500, 10_000) : 0,
  };
}

export const TOPICS = ["mail/send", "mail/bulk", "letters/print", "scan/page", "scan/page/ocr"] as const;

export function drawConfig(seed: number, random: Random, later: Later): Config {
  const isSpotless = random.chance(0.1);
  const isRewound = !isSpotless && random.chance(0.03);
  const families = FAMILIES.filter(() => random.chance(0.5)).filter(() => !isSpotless);
  const workers = random.pick([1, 2, 2, 3]);
  return {
    seed, families, workers, isRewound,
    hosts: random.pick([1, 2, 2, 3]), clients: random.pick([1, 2, 2, 3]), jobs: Math.round(random.log(30, 200)),
    troubleMs: Math.round(random.log(2_500, 12_000)), grainMs: random.pick([1, 50, 200, 500, 1_000]), helloEveryMs: random.pick([1_000, 2_000]),
    latencyMs: random.log(0.05, 2), jitterMs: random.log(0.02, families.includes("slow") ? 200 : 2),
    queues: drawQueues(random),
    pools: Array.from({ length: workers }, (_, i) => drawPools(random, i)),
    kernelLimits: {
      commitEventsMax: random.pick([8_192, 8_192, 60, 16]), inboxReadMax: random.pick([256, 16, 3]),
      mailboxCommandsMax: random.pick([65_536, 65_536, 1_100]), ...later.kernelLimits,
    },
    clientLimits: later.clientLimits, isFragile: later.isFragile, followerLagMs: later.followerLagMs,
    queueLimits: { endedMax: random.pick([100_000, 100_000, 60]), backlogMax: random.pick([5_000_000, 5_000_000, 120]), operationScanMax: random.pick([5_000, 7]) },
    snapshotEvery: families.includes("snapshots") ? Math.round(random.log(10, 150)) : 0,
  };
}

function drawQueues(random: Random): Config["queues"] {
  const queues: Config["queues"][number][] = [];
  if (random.chance(0.8)) queues.push({ queue: "letters", config: { topics: ["letters/*"], type: "ordered", retryDelayMs: random.int(10, 1_500) } });
  if (random.chance(0.6)) queues.push({ queue: "scans", config: { topics: ["scan/*"], maxParallel: random.pick([1, 2, 0.5, -1]), retryDelayMs: random.int(10, 1_500) } });
  if (random.chance(0.3)) queues.push({ queue: "bulk", config: { topics: ["mail/bulk"], retries: random.int(0, 3), ranking: 5, type: random.pick(["ordered", "unordered"]) } });
  return queues;
}

/** The first worker takes everything, so that every topic can be done in the end. */
function drawPools(random: Random, index: number): Config["pools"][number] {
  const slots = (): number => random.int(1, 8);
  const all = [{ topics: ["mail/*"], slots: slots() }, { topics: ["letters/*", "scan/**"], slots: slots() }];
  if (index === 0) return all;
  return random.pick([all, [{ topics: ["mail/send", "mail/bulk"], slots: slots() }], [{ topics: ["letters/print"], slots: slots() }, { topics: ["scan/*"], slots: slots() }]]);
}

/** The streams of a cluster, as they must be. */
import { type StreamNames, streamsOf, subjectsOf } from "@longshore/kernel";
import type { StreamConfig } from "@nats-io/jetstream";
import { FILE_STORE_BYTES, INBOX_MESSAGE_BYTES_MAX, INBOX_MESSAGES_PER_SUBJECT_MAX, MAX_PAYLOAD_BYTES } from "./limits.ts";

export interface StreamOptions {
  readonly cluster: string;
  /** Copies of each message on different servers: 1, 3 or 5. When absent, as many as the streams that are there have, or else 1. */
  readonly replicas?: number;
  /** File space that all streams together may reserve: below the server's `max_file_store`. When absent, streams that are there keep their bounds. */
  readonly totalBytes?: number;
}

/** Each stream's part of the space; the fifth that is missing keeps a full server from being reachable. */
const SHARE = { journal: 0.4, inbox: 0.1, peers: 0.05, snapshots: 0.145, blobs: 0.095, marks: 0.005, config: 0.005 } as const;

/** What both `provision` writes and `verify` compares. */
export type WantedStream = Pick<
  StreamConfig,
  | "name"
  | "description"
  | "subjects"
  | "storage"
  | "retention"
  | "discard"
  | "discard_new_per_subject"
  | "max_bytes"
  | "max_age"
  | "max_msgs"
  | "max_msgs_per_subject"
  | "max_msg_size"
  | "num_replicas"
  | "allow_direct"
  | "allow_rollup_hdrs"
  | "deny_delete"
  | "deny_purge"
>;

export function wantedStreams(options: StreamOptions): readonly WantedStream[] {
  const names = streamsOf(options.cluster);
  const { prefix } = subjectsOf(options.cluster);
  const total = options.totalBytes ?? FILE_STORE_BYTES;
  const stream = (key: keyof StreamNames, description: string, subjects: readonly string[], more: Partial<WantedStream>): WantedStream => ({
    name: names[key],
    description,
    subjects: subjects.map((subject) => prefix + subject),
    max_bytes: Math.floor(total * SHARE[key]),
    num_replicas: options.replicas ?? 1,
    ...EVERYWHERE,
    ...more,
  });
  const inboxBound = { max_msg_size: INBOX_MESSAGE_BYTES_MAX, max_msgs_per_subject: INBOX_MESSAGES_PER_SUBJECT_MAX, discard_new_per_subject: true };
  return [
    stream("inbox", "Longshore: commands waiting for their actor", ["submit", "outcome", "operate", "hello"].map((role) => `in.*.*.${role}.*`), inboxBound),
    stream("peers", "Longshore: messages of actors to each other", ["actor", "peer"].map((role) => `in.*.*.${role}.*`), inboxBound),
    stream("journal", "Longshore: the histories, one subject each", ["jr.*.*"], {}),
    stream("snapshots", "Longshore: folded histories, a cache", ["sn.*.*.*.*"], { max_msgs_per_subject: SNAPSHOT_MANIFESTS_KEPT }),
    stream("blobs", "Longshore: payloads by digest", ["bl.*.*.*"], { max_msgs_per_subject: 1 }),
    stream("marks", "Longshore: how far each history was seen to reach", ["mk.*.*"], { max_msgs_per_subject: 1, max_msg_size: MARK_BYTES_MAX }),
    stream("config", "Longshore: what operators want, a bucket", [], { subjects: [subjectsOf(options.cluster).allWanted], max_msgs_per_subject: 1, max_msg_size: CONFIG_BYTES_MAX }),
  ];
}

/** The newest snapshot of an actor and the one before it. */
const SNAPSHOT_MANIFESTS_KEPT = 2;
const MARK_BYTES_MAX = 1_024;
/** One queue's configuration. */
const CONFIG_BYTES_MAX = 65_536;

/**
 * A full stream refuses instead of forgetting. No roll-up: one header of a publisher would empty the stream. No
 * `max_age`: hosts decide what is forgotten. Nothing is denied that could never be allowed again.
 */
const EVERYWHERE = {
  storage: "file",
  retention: "limits",
  discard: "new",
  discard_new_per_subject: false,
  max_age: 0,
  max_msgs: -1,
  max_msgs_per_subject: -1,
  max_msg_size: MAX_PAYLOAD_BYTES,
  allow_direct: true,
  allow_rollup_hdrs: false,
  deny_delete: false,
  deny_purge: false,
} as const satisfies Partial<WantedStream>;

/**
 * Everything the pure part needs of the world. Ports speak in callbacks, each called exactly once: a host is then a
 * step machine whose every step is one simulation event, and the hot path carries no promise chain.
 *
 * Each port has an in-memory twin and a NATS adapter, and both pass the same contract suite (`@longshore/testkit`).
 */

/** Where a history's last commit sits. Opaque: it grows and has gaps. 0 before the first commit. */
export type Version = number;

export interface StoredCommit {
  readonly version: Version;
  readonly bytes: Uint8Array;
}

/** `doubt`: nobody knows whether it is stored, look. `stop`: it cannot be stored, and why. */
export type AppendAnswer =
  | { readonly kind: "stored"; readonly version: Version }
  | { readonly kind: "doubt"; readonly cause: "conflict" | "timeout" | "full" | "unavailable" }
  | { readonly kind: "stop"; readonly cause: "too-large" | "no-stream" | "denied" };

export type LastAnswer =
  | { readonly kind: "last"; readonly commit: StoredCommit | undefined }
  | { readonly kind: "unavailable" }
  | { readonly kind: "stop"; readonly cause: "no-stream" | "denied" };

export type ReadAnswer =
  | { readonly kind: "end"; readonly last: Version }
  | { readonly kind: "unavailable" }
  | { readonly kind: "stop"; readonly cause: "no-stream" | "denied" };

/** One history: guarded append, and reading it back. */
export interface Journal {
  /** Stores `bytes` only if the last commit sits at `expected`. */
  append(bytes: Uint8Array, expected: Version, done: (answer: AppendAnswer) => void): void;
  /** The last commit, from the stream leader (never a replica that may be behind). */
  last(done: (answer: LastAnswer) => void): void;
  /** Commits after a version, in order, up to the last that was there when the call was made. */
  read(after: Version, onCommit: (commit: StoredCommit) => void, done: (answer: ReadAnswer) => void): void;
  /** One commit, as a replica may have it; undefined when it is not there (any more) or cannot be read now. */
  get(version: Version, done: (commit: StoredCommit | undefined) => void): void;
  /** Forgets commits below a version. Never reaches the last one. */
  purge(below: Version, done: (ok: boolean) => void): void;
  /** Bytes and commits held now, and how many bytes there is room for where that is limited. */
  size(done: (size: { readonly bytes: number; readonly commits: number; readonly first: Version; readonly bytesMax?: number } | undefined) => void): void;
}

export interface InboxMessage {
  readonly sequence: number;
  /** Full subject: the role and the principal are read from it. */
  readonly subject: string;
  readonly data: Uint8Array;
  readonly json: boolean;
}

export type InboxAnswer =
  | { readonly kind: "messages"; readonly messages: readonly InboxMessage[]; readonly last: number; readonly created: string }
  | { readonly kind: "unavailable" };

/** The durable way in: one stream's messages for one actor. */
export interface Inbox {
  readonly stream: string;
  /**
   * Up to `max` messages after a sequence; `last` is the stream's last sequence at that moment. Fewer than `max` means
   * that up to `last` there is no other for this actor.
   */
  read(after: number, max: number, done: (answer: InboxAnswer) => void): void;
  /** Calls back when something may have arrived. A hint: it may be early, late or missing. Returns a way to stop. */
  onArrival(hint: () => void): () => void;
  /** Forgets this actor's messages up to and including a sequence. */
  purge(upTo: number): void;
}

export interface WireMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly json: boolean;
  /** Answers the sender; undefined when it wants no answer. */
  readonly reply: ((data: Uint8Array) => void) | undefined;
}

export type WireAnswer =
  | { readonly kind: "answer"; readonly data: Uint8Array }
  | { readonly kind: "no-responders" | "timeout" | "denied" };

export type StoreAnswer =
  | { readonly kind: "stored"; readonly sequence: number }
  /** Nobody knows whether it is stored. */
  | { readonly kind: "unknown" }
  /** `no-leader`: nobody takes it now; several servers may be choosing who does. */
  | { readonly kind: "refused"; readonly cause: "full" | "too-large" | "denied" | "no-stream" | "no-leader" };

/** Messages between processes: at most once, in order per connection, except `store`, which is durable when answered. */
export interface Wire {
  publish(subject: string, data: Uint8Array): void;
  request(subject: string, data: Uint8Array, timeoutMs: number, done: (answer: WireAnswer) => void): void;
  /**
   * Wildcards `*` and `>` as in NATS. Returns a way to stop; told that nobody else listens, it may say so to those whose
   * requests were on their way, who otherwise find out by a time-out.
   */
  subscribe(subject: string, onMessage: (message: WireMessage) => void): (isLast?: boolean) => void;
  store(subject: string, data: Uint8Array, done: (answer: StoreAnswer) => void): void;
  /** Calls back after every reconnection. Returns a way to stop. */
  onReconnect(handler: () => void): () => void;
  readonly connected: boolean;
  /** The largest message the server takes, bytes. */
  readonly maxPayloadBytes: number;
}

/** This process's own clock. `monotonicMs` never goes back and says nothing about the time of day. */
export interface Clock {
  monotonicMs(): number;
  after(delayMs: number, run: () => void): () => void;
}

/** Time of the server, milliseconds of UTC; undefined when it cannot be had or the sample took over 250 ms. */
export interface ServerTime {
  sample(done: (serverMs: number | undefined) => void): void;
}

/** How far a history was seen to reach, kept outside its stream: a journal that ends below it has been rewound. */
export interface HighWater {
  readonly number: number;
  readonly hash: Uint8Array;
}

export interface HighWaterMarks {
  /** The highest mark of all places that can be read; `unavailable` when none can. */
  read(done: (answer: { readonly kind: "mark"; readonly mark: HighWater | undefined } | { readonly kind: "unavailable" }) => void): void;
  write(mark: HighWater): void;
}

/** A cache of a fold: everything needed to go on from `version` without the commits before it. */
export interface Snapshot {
  readonly schema: number;
  readonly epoch: number;
  readonly number: number;
  readonly version: Version;
  readonly commitHash: Uint8Array;
  readonly stateHash: Uint8Array;
  readonly chunks: readonly Uint8Array[];
}

export interface Snapshots {
  latest(done: (snapshot: Snapshot | undefined) => void): void;
  save(snapshot: Snapshot, done: (ok: boolean) => void): void;
}

/** Whose payload it is, and the SHA-256 (hex) of its bytes. */
export interface BlobName {
  readonly principal: string;
  readonly digest: string;
}

/** What became of a removal: `kept` because it was put at or after the instant given; `putAt`: when. */
export type BlobRemoval = { readonly kind: "removed" | "unavailable" } | { readonly kind: "kept"; readonly putAt: number };

/** Payloads too large to travel inside a message, by the SHA-256 (hex) of their bytes. */
export interface Blobs {
  put(principal: string, bytes: Uint8Array, done: (answer: { readonly kind: "stored"; readonly digest: string } | { readonly kind: "refused" | "unknown"; readonly message: string }) => void): void;
  /** `missing` when it is not there or its bytes do not have that digest. */
  get(principal: string, digest: string, done: (answer: { readonly kind: "found"; readonly bytes: Uint8Array } | { readonly kind: "missing" | "unavailable" }) => void): void;
  /** All there are, and what a broken put has left of others, in no order; undefined when it cannot be known. */
  list(done: (names: readonly BlobName[] | undefined) => void): void;
  /**
   * Removes a payload that was last put before an instant of server time; what is put again meanwhile stays whole. What is not
   * there is removed.
   */
  removeOlder(name: BlobName, beforeMs: number, done: (answer: BlobRemoval) => void): void;
}

/** What is wanted under one key. A revision grows with every change of any key, and has gaps. */
export interface WantedEntry {
  readonly key: string;
  readonly revision: number;
  /** Undefined when it was taken away. */
  readonly value: Uint8Array | undefined;
}

export type WantedAnswer =
  | { readonly kind: "entries"; readonly entries: readonly WantedEntry[] }
  | { readonly kind: "unavailable" }
  | { readonly kind: "stop"; readonly cause: "no-stream" | "denied" };

export type PutAnswer =
  | { readonly kind: "stored"; readonly revision: number }
  /** The key's last revision is another than expected. */
  | { readonly kind: "conflict" }
  /** Nobody knows whether it is stored. */
  | { readonly kind: "unknown" }
  | { readonly kind: "refused"; readonly cause: "full" | "too-large" | "denied" | "no-stream" };

/** What operators want of a cluster, by key: the newest value of each. Actors turn it into events of their own. */
export interface WantedConfiguration {
  /** Up to `max` keys that were changed after a revision, ascending. Fewer than `max`: there is no other now. May lag behind. */
  read(after: number, max: number, done: (answer: WantedAnswer) => void): void;
  /** Stores a value if the key's last revision is `expected`; 0: if there is none. */
  put(key: string, value: Uint8Array, expected: number, done: (answer: PutAnswer) => void): void;
  /** Calls back when something may have changed. A hint: it may be early, late or missing. Returns a way to stop. */
  onChange(hint: () => void): () => void;
}

/** SHA-256. */
export type Hash = (bytes: Uint8Array) => Uint8Array;

/** Named measurements with allow-listed fields; never a payload, never free text from outside. */
export type Telemetry = (event: string, fields: Readonly<Record<string, string | number | boolean>>) => void;

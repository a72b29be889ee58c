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

/** `tail`: of what stands behind the last commit and is none: the next append must be guarded by it. Absent when nothing does. */
export type LastAnswer =
  | { readonly kind: "last"; readonly commit: StoredCommit | undefined; readonly tail?: Version }
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

/** A payload, and how many bytes it has. */
export interface BlobRef extends BlobName {
  readonly bytes: number;
}

/** `missing`: the bytes are not there. `corrupt`: they are not what their digest or length says. `unavailable`: nobody can say now. */
export type ByteAnswer =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly cause: "missing" | "corrupt" | "unavailable"; readonly message: string };

/** Bytes in order, a part at a time: a reader never has more of them in memory than it asked for. */
export interface ByteSource {
  /** The next part, of whatever length. Asked for only after the answer before; never again after `end`, `failed` or `close`. */
  next(done: (answer: ByteAnswer) => void): void;
  /** Nobody asks any more. Idempotent; an answer on its way may still come. */
  close(): void;
}

/** What became of a removal: `kept` because it was put at or after the instant given; `putAt`: when. */
export type BlobRemoval = { readonly kind: "removed" | "unavailable" } | { readonly kind: "kept"; readonly putAt: number };

export type BlobPut = { readonly kind: "stored"; readonly digest: string } | { readonly kind: "refused" | "unknown"; readonly message: string };

/** `refused`: it cannot be stored. `unknown`: nobody knows whether it is; again is safe. `failed`: the source, or its bytes are others than said. */
export type BlobWritten =
  | { readonly kind: "stored" }
  | { readonly kind: "refused" | "unknown"; readonly message: string }
  | { readonly kind: "failed"; readonly cause: "missing" | "corrupt" | "unavailable"; readonly message: string };

/** One principal's copy of a payload. `putAt`: when it was stored last, milliseconds of server time. */
export interface BlobCopy {
  readonly principal: string;
  readonly pieces: number;
  readonly putAt: number;
}

/** `old`: it may be about to be swept away. In doubt it is old. */
export type BlobLook = "young" | "old" | "absent" | "unavailable";

export type BlobsFound = { readonly kind: "found"; readonly copies: readonly BlobCopy[] } | { readonly kind: "unavailable" };

/**
 * Payloads too large to travel inside a message, by the SHA-256 (hex) of their bytes.
 *
 * One that was put less than `BLOB_YOUNG_MS` ago may be relied on as it is; an older one must be stored again, whole, before a
 * command names it, because it may be about to be swept away.
 */
export interface Blobs {
  /** What lies there whole and young is not sent again. */
  put(principal: string, bytes: Uint8Array, done: (answer: BlobPut) => void): void;
  /** `missing` when it is not there or its bytes do not have that digest. */
  get(principal: string, digest: string, done: (answer: { readonly kind: "found"; readonly bytes: Uint8Array } | { readonly kind: "missing" | "unavailable" }) => void): void;
  /**
   * Stores what a source gives, under a digest and a length that are known before; it is not there before both are found to be
   * right. The source is closed in any case, and not read at all when the payload lies there whole and young.
   */
  write(ref: BlobRef, source: ByteSource, done: (answer: BlobWritten) => void): void;
  /** The bytes of a payload; whether they have its digest is known at their end. */
  read(name: BlobName): ByteSource;
  /** Whether this copy lies here whole, and may be relied on; its bytes are not looked at. */
  look(ref: BlobRef, done: (found: BlobLook) => void): void;
  /** Whoever's copies of it are here and look whole: their bytes are not looked at. For hosts only. */
  find(digest: string, done: (answer: BlobsFound) => void): void;
  /** All there are, and what a broken put has left of others, in no order; undefined when it cannot be known. */
  list(done: (names: readonly BlobName[] | undefined) => void): void;
  /**
   * Removes a payload that was last put before an instant of server time; what is put again meanwhile stays whole. What is not
   * there is removed.
   */
  removeOlder(name: BlobName, beforeMs: number, done: (answer: BlobRemoval) => void): void;
}

/** Why bytes were not brought. `unreachable`: nobody can say, or they cannot be stored now; trying again may help. */
export interface CarryFailure {
  readonly kind: "missing" | "corrupt" | "unreachable";
  readonly message: string;
}

/** `travelled`: bytes that came from another cluster for it. */
export type CarryAnswer = { readonly kind: "here"; readonly travelled: number } | { readonly kind: "failed"; readonly failure: CarryFailure };

/** Moves payloads within this cluster's store, and into it from the store of another cluster. */
export interface BlobCarrier {
  /** Whether it lies here, whole as far as can be seen without reading it. */
  check(ref: BlobRef, done: (answer: CarryAnswer) => void): void;
  /** Puts a copy of what lies here under another principal, its digest verified. */
  copy(ref: BlobRef, to: string, done: (answer: CarryAnswer) => void): void;
  /**
   * Brings a payload from another cluster, which must let it be read, under the principal `to`, its digest verified. Nothing
   * travels when anybody's copy is here; what came before a try broke off does not travel again.
   */
  bring(cluster: string, ref: BlobRef, to: string, done: (answer: CarryAnswer) => void): void;
  /** Removes a copy, and what a broken try has left of it. */
  remove(name: BlobName, done: (ok: boolean) => void): void;
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

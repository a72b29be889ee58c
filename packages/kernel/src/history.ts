/**
 * The fold of one history: kernel and actor state together, commit by commit.
 *
 * The host folds what it writes, recovery and followers fold what they read, replay and audit fold what they are given:
 * all through this one class, so that the same commits give the same state hash everywhere.
 */
import type { Actor, ActorAddress, Droppable, Reactions, RejectionShape } from "./actor.ts";
import { sameBytes } from "./bytes.ts";
import { decodeTrusted, encodeCanonical } from "./codec.ts";
import type { Commit } from "./commit.ts";
import { decodeCommit } from "./commit.ts";
import { Fault } from "./faults.ts";
import type { KernelEvent } from "./kernel-event.ts";
import { decodeKernelEvent, FIRST_ACTOR_CODE } from "./kernel-event.ts";
import type { KernelState } from "./kernel-state.ts";
import { addressKey, beginCommit, evolveKernel, initialKernelState, restoreKernel, snapshotKernel } from "./kernel-state.ts";
import { owe } from "./outbox.ts";
import type { Hash, Snapshot, StoredCommit, Version } from "./ports.ts";

/** Called for every event after it was folded. */
export interface EventListener<State, Event> {
  kernelEvent?(event: KernelEvent, commit: Commit): void;
  actorEvent?(event: Event, state: State, commit: Commit): void;
}

const CHUNK_BYTES = 256 * 1024;

export class History<State, Command, Event, Rejection extends RejectionShape> {
  readonly actor: Actor<State, Command, Event, Rejection>;
  kernel: KernelState = initialKernelState();
  state: State;
  /** Where the last folded commit sits. */
  version: Version = 0;
  private readonly hash: Hash;
  private readonly outboxOnly: Reactions = {
    isUnheard: true,
    tell: () => undefined,
    send: (receiver: ActorAddress, body: unknown, how?: Droppable) => owe(this.kernel.outbox, addressKey(receiver), body, how),
  };

  constructor(actor: Actor<State, Command, Event, Rejection>, hash: Hash) {
    this.actor = actor;
    this.hash = hash;
    this.state = actor.initial();
  }

  /**
   * Folds one stored commit.
   * @throws {Fault} `history/chain-broken` when it does not follow the last one.
   */
  fold(stored: StoredCommit, listener?: EventListener<State, Event>): Commit {
    const commit = decodeCommit(stored.bytes);
    const { kernel } = this;
    if (commit.number !== kernel.number + 1 || !sameBytes(commit.previous, kernel.hash) || commit.epoch < kernel.epoch) {
      const found = `commit ${commit.number} of epoch ${commit.epoch}`;
      throw new Fault("history/chain-broken",
        `${found} does not follow commit ${kernel.number} of epoch ${kernel.epoch}: the journal was cut or changed`, { retry: "never" });
    }
    beginCommit(kernel, commit);
    for (const wire of commit.events) this.foldEvent(wire, commit, listener);
    this.finish(stored.bytes, stored.version);
    return commit;
  }

  private foldEvent(wire: readonly unknown[], commit: Commit, listener: EventListener<State, Event> | undefined): void {
    if ((wire[0] as number) < FIRST_ACTOR_CODE) {
      const event = decodeKernelEvent(wire);
      evolveKernel(this.kernel, event, commit.at);
      listener?.kernelEvent?.(event, commit);
      return;
    }
    const event = this.actor.events.decode(wire, commit.format);
    this.apply(event, commit.at, this.outboxOnly);
    listener?.actorEvent?.(event, this.state, commit);
  }

  /** Folds one event of the actor and its reactions. The host calls this for events it is about to store. */
  apply(event: Event, at: number, reactions: Reactions): void {
    this.actor.evolve(this.state, event, at);
    this.actor.react(this.state, event, reactions);
  }

  /** Closes a commit: its hash is what the next one must name. */
  finish(bytes: Uint8Array, version: Version): void {
    this.kernel.hash = this.hash(bytes);
    this.version = version;
  }

  /** Hash over the whole state in canonical form: equal on every machine that folded the same commits. */
  stateHash(): Uint8Array {
    return this.hashOf(this.chunks());
  }

  snapshot(): Snapshot {
    const chunks = this.chunks();
    const { epoch, number, hash } = this.kernel;
    return { schema: this.actor.schema, epoch, number, version: this.version, commitHash: hash, stateHash: this.hashOf(chunks), chunks };
  }

  /** Takes over a snapshot; false (and unchanged) when it is of another schema or its hash does not hold. */
  restore(snapshot: Snapshot): boolean {
    if (snapshot.schema !== this.actor.schema || !sameBytes(this.hashOf(snapshot.chunks), snapshot.stateHash)) return false;
    const values = unchunk(snapshot.chunks);
    this.kernel = restoreKernel(values.next().value);
    this.state = this.actor.restore(values);
    this.version = snapshot.version;
    return this.kernel.number === snapshot.number;
  }

  private chunks(): Uint8Array[] {
    return chunk([snapshotKernel(this.kernel)], this.actor.snapshot(this.state));
  }

  private hashOf(chunks: readonly Uint8Array[]): Uint8Array {
    const digests = new Uint8Array(chunks.length * 32);
    chunks.forEach((bytes, i) => digests.set(this.hash(bytes), i * 32));
    return this.hash(digests);
  }
}

/** Packs values into chunks of about 256 KiB; each chunk is a run of canonical msgpack values behind their lengths. */
function chunk(...sources: readonly Iterable<unknown>[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (bytes > 0) chunks.push(joined(parts, bytes));
    parts = [];
    bytes = 0;
  };
  for (const source of sources) {
    for (const value of source) {
      const encoded = encodeCanonical(value);
      parts.push(encoded);
      bytes += encoded.length + 4;
      if (bytes >= CHUNK_BYTES) flush();
    }
  }
  flush();
  return chunks;
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const result = new Uint8Array(bytes);
  const view = new DataView(result.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    result.set(part, at + 4);
    at += part.length + 4;
  }
  return result;
}

function* unchunk(chunks: readonly Uint8Array[]): Generator<unknown, undefined> {
  for (const bytes of chunks) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length;) {
      const length = view.getUint32(at);
      yield decodeTrusted(bytes.subarray(at + 4, at + 4 + length));
      at += length + 4;
    }
  }
  return undefined;
}

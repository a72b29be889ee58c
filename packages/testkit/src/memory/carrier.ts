/** Moves payloads between servers in memory, through the door that the other one has opened. */
import type { BlobCarrier, BlobName, BlobRef, CarryAnswer, CarryFailure } from "@longshore/kernel";
import type { MemoryBlobs } from "./blobs.ts";
import { blobKey, MEMORY_PIECE_BYTES } from "./blobs.ts";
import type { Defer } from "./defer.ts";
import { sha256Hex } from "./hash.ts";

/** Which payload another cluster may read now under a digest. */
export type MayRead = (peer: string, digest: string) => BlobRef | undefined;

export interface MemoryDoor {
  readonly blobs: MemoryBlobs;
  readonly mayRead: MayRead;
}

type Done = (answer: CarryAnswer) => void;

const here = (travelled: number): CarryAnswer => ({ kind: "here", travelled });
const failed = (kind: CarryFailure["kind"], message: string): CarryAnswer => ({ kind: "failed", failure: { kind, message } });
const AWAY = failed("unreachable", "the store is away");

export class MemoryCarrier implements BlobCarrier {
  /** By copy: what came before a try broke off. */
  readonly left: Map<string, Uint8Array[]> = new Map();
  private readonly turns = new Map<string, (() => void)[]>();
  private readonly cluster: string;
  private readonly blobs: MemoryBlobs;
  private readonly defer: Defer;
  private readonly doorOf: (cluster: string) => MemoryDoor | undefined;

  /** `doorOf`: undefined while it cannot be reached. */
  constructor(cluster: string, blobs: MemoryBlobs, defer: Defer, doorOf: (cluster: string) => MemoryDoor | undefined) {
    this.cluster = cluster;
    this.blobs = blobs;
    this.defer = defer;
    this.doorOf = doorOf;
  }

  check(ref: BlobRef, done: Done): void {
    this.defer(() => {
      const held = this.blobs.held.get(blobKey(ref));
      const answer = held?.bytes.length === ref.bytes ? here(0) : failed("missing", "it is not there");
      this.defer(() => done(this.blobs.away ? AWAY : answer));
    });
  }

  copy(ref: BlobRef, to: string, done: Done): void {
    this.inTurn(ref, to, done, (end) => this.defer(() => end(this.fromHere(ref, to, [to, ref.principal]))));
  }

  bring(cluster: string, ref: BlobRef, to: string, done: Done): void {
    this.inTurn(ref, to, done, (end) => this.defer(() => {
      const principals = [...this.blobs.held.keys()].filter((key) => key.endsWith(`/${ref.digest}`)).map((key) => key.slice(0, -65));
      const answer = this.fromHere(ref, to, [to, ...principals]);
      if (answer.kind === "here" || answer.failure.kind === "unreachable") return end(answer);
      this.fromFar(cluster, ref, to, true, 0, end);
    }));
  }

  remove(name: BlobName, done: (ok: boolean) => void): void {
    this.inTurn(name, name.principal, done, (end) => this.defer(() => {
      if (this.blobs.away) return end(false);
      this.blobs.held.delete(blobKey(name));
      this.left.delete(blobKey(name));
      end(true);
    }));
  }

  private inTurn<Answer>({ digest }: BlobName, to: string, done: (answer: Answer) => void, run: (end: (answer: Answer) => void) => void): void {
    const key = `${to}/${digest}`;
    const begin = (): void => run((answer) => {
      const next = this.turns.get(key)?.shift();
      if (next === undefined) this.turns.delete(key);
      this.defer(() => done(answer));
      next?.();
    });
    const waiting = this.turns.get(key);
    if (waiting !== undefined) return void waiting.push(begin);
    this.turns.set(key, []);
    begin();
  }

  private fromHere(ref: BlobRef, to: string, principals: readonly string[]): CarryAnswer {
    if (this.blobs.away) return AWAY;
    const target = { ...ref, principal: to };
    if (this.blobs.isYoung(target)) return here(0);
    const copies = principals.flatMap((principal) => this.blobs.held.get(blobKey({ principal, digest: ref.digest })) ?? []);
    const good = copies.find(({ bytes }) => bytes.length === ref.bytes && sha256Hex(bytes) === ref.digest);
    if (good === undefined) return copies.length === 0 ? failed("missing", "no copy is here") : failed("corrupt", "no good copy is here");
    return this.stored(target, good.bytes, 0);
  }

  private stored(target: BlobRef, bytes: Uint8Array, travelled: number): CarryAnswer {
    const answer = this.blobs.store(target, bytes);
    return answer.kind === "stored" ? here(travelled) : failed("unreachable", answer.message);
  }

  private fromFar(cluster: string, ref: BlobRef, to: string, isResumed: boolean, before: number, done: Done): void {
    const key = `${to}/${ref.digest}`;
    const parts = isResumed ? this.left.get(key) ?? [] : [];
    const resumed = parts.length;
    this.left.set(key, parts);
    let travelled = before;
    const end = (): void => {
      const bytes = new Uint8Array(Buffer.concat(parts));
      this.left.delete(key);
      if (bytes.length === ref.bytes && sha256Hex(bytes) === ref.digest) return done(this.stored({ ...ref, principal: to }, bytes, travelled));
      if (resumed > 0) return this.fromFar(cluster, ref, to, false, travelled, done);
      done(failed("corrupt", `${cluster} has something else under that digest`));
    };
    const next = (): void => this.defer(() => {
      const part = this.ask(cluster, ref.digest, parts.length);
      if (!(part instanceof Uint8Array)) return done(part);
      if (part.length === 0) return end();
      travelled += part.length;
      parts.push(part);
      next();
    });
    next();
  }

  /** Empty: there is no more. */
  private ask(cluster: string, digest: string, part: number): Uint8Array | CarryAnswer {
    const door = this.doorOf(cluster);
    if (door === undefined || door.blobs.away || this.blobs.away) return failed("unreachable", `${cluster} cannot be reached`);
    const allowed = door.mayRead(this.cluster, digest);
    const bytes = allowed === undefined ? undefined : door.blobs.held.get(blobKey(allowed))?.bytes;
    if (bytes === undefined) return failed("missing", `${cluster} does not have it for this cluster`);
    return bytes.slice(part * MEMORY_PIECE_BYTES, (part + 1) * MEMORY_PIECE_BYTES);
  }
}

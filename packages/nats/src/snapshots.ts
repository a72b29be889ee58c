/**
 * Folded histories: a cache, kept in a stream of its own.
 *
 * Pieces `ls.<c>.sn.<kind>.<actor>.<id>.<n>`, then a manifest `ls.<c>.sn.<kind>.<actor>.manifest.0` that names them with
 * their digest. A crash before the manifest leaves pieces that nobody names; they go when the next snapshot is saved.
 * The manifest is guarded, so of two writers at once one fails instead of leaving a snapshot without its pieces. The
 * newest two are kept: when the newest is damaged the one before it is found.
 */
import { createHash, randomUUID } from "node:crypto";
import { type Snapshot, type Snapshots, streamsOf, subjectsOf } from "@longshore/kernel";
import { headers } from "@nats-io/transport-node";
import { leaderMessage, purgeAll, purgeBelow, type StoredMessage } from "./api.ts";
import type { Connection } from "./connect.ts";
import { type Manifest, manifestIn, manifestText } from "./manifest.ts";
import { cut, send, storePieces } from "./pieces.ts";
import { type ReadFrom, type Reading, readingFrom } from "./reading.ts";

export interface SnapshotsOptions {
  readonly cluster: string;
  readonly kind: string;
  readonly actor: string;
  /** `leader` for hosts. Observers have `replica`: they may not create consumers. */
  readonly from?: ReadFrom;
}

interface Place {
  readonly read: Reading;
  readonly connection: Connection;
  readonly stream: string;
  /** Everything of this actor. */
  readonly all: string;
  readonly manifest: string;
  pieceOf(id: string, piece: string): string;
}

export function snapshotsOf(connection: Connection, { cluster, kind, actor, from = "leader" }: SnapshotsOptions): Snapshots {
  const subjects = subjectsOf(cluster);
  const place: Place = {
    read: readingFrom(from),
    connection,
    stream: streamsOf(cluster).snapshots,
    all: subjects.snapshot(kind, actor, "*", "*"),
    manifest: subjects.snapshot(kind, actor, "manifest", "0"),
    pieceOf: (id, piece) => subjects.snapshot(kind, actor, id, piece),
  };
  return {
    latest: (done) => latest(place, done),
    save: (snapshot, done) => save(place, snapshot, done),
  };
}

/** The highest version that is whole. A late writer may have saved an older one after it. */
function latest(place: Place, done: (snapshot: Snapshot | undefined) => void): void {
  const { connection, stream, manifest, read } = place;
  read.message(connection, stream, { last_by_subj: manifest }, (newest) => {
    if (newest.kind !== "message" || newest.message === undefined) return done(undefined);
    const { message } = newest;
    read.message(connection, stream, { seq: 1, next_by_subj: manifest }, (oldest) => {
      const kept = oldest.kind === "message" && oldest.message !== undefined && oldest.message.sequence !== message.sequence ? [message, oldest.message] : [message];
      const manifests = kept.map(({ data }) => manifestIn(data)).filter((found) => found !== undefined);
      loadFirst(place, manifests.sort((one, other) => other.version - one.version), done);
    });
  });
}

function loadFirst(place: Place, [first, ...rest]: readonly Manifest[], done: (snapshot: Snapshot | undefined) => void): void {
  if (first === undefined) done(undefined);
  else load(place, first, (snapshot) => (snapshot === undefined ? loadFirst(place, rest, done) : done(snapshot)));
}

function load(place: Place, manifest: Manifest, done: (snapshot: Snapshot | undefined) => void): void {
  const pieces = new Map<string, Uint8Array>();
  const range = { stream: place.stream, filter: place.pieceOf(manifest.id, "*"), after: 0 };
  place.read.range(
    place.connection,
    range,
    (piece) => pieces.set(piece.subject, piece.data),
    () => done(assemble(place, manifest, pieces)),
  );
}

function assemble(place: Place, manifest: Manifest, pieces: ReadonlyMap<string, Uint8Array>): Snapshot | undefined {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < manifest.pieces; i++) {
    const part = pieces.get(place.pieceOf(manifest.id, String(i)));
    if (part === undefined) return undefined;
    parts.push(part);
  }
  const whole = Buffer.concat(parts);
  if (digestOf(whole) !== manifest.digest) return undefined;
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const length of manifest.chunkBytes) {
    chunks.push(new Uint8Array(whole.buffer, whole.byteOffset + at, length));
    at += length;
  }
  const { schema, epoch, number, version, commitHash, stateHash } = manifest;
  return at === whole.length ? { schema, epoch, number, version, commitHash, stateHash, chunks } : undefined;
}

function save(place: Place, snapshot: Snapshot, done: (ok: boolean) => void): void {
  leaderMessage(place.connection, place.stream, { last_by_subj: place.manifest }, (before) => {
    if (before.kind !== "message") return done(false);
    const whole = Buffer.concat(snapshot.chunks);
    const id = randomUUID();
    const pieces = cut(whole).map((data, i) => ({ subject: place.pieceOf(id, String(i)), data }));
    const { chunks, ...rest } = snapshot;
    storePieces(place.connection, pieces, (stored) => {
      if (stored.kind !== "stored") return purgeAll(place.connection, place.stream, place.pieceOf(id, "*"), () => done(false));
      const text = manifestText({ ...rest, id, pieces: pieces.length, digest: digestOf(whole), first: stored.first, chunkBytes: chunks.map((chunk) => chunk.length) });
      storeManifest(place, id, text, before.message, done);
    });
  });
}

function storeManifest(place: Place, id: string, text: Uint8Array, before: StoredMessage | undefined, done: (ok: boolean) => void): void {
  const guard = headers();
  guard.set("Nats-Expected-Last-Subject-Sequence", String(before?.sequence ?? 0));
  send(place.connection, { subject: place.manifest, data: text, headers: guard }, (answer) => {
    // Unknown: the pieces stay, in case the manifest is there.
    if (answer.kind === "unknown") return done(false);
    if (answer.kind !== "stored") return purgeAll(place.connection, place.stream, place.pieceOf(id, "*"), () => done(false));
    const previous = before === undefined ? undefined : manifestIn(before.data);
    if (previous === undefined) return done(true);
    // What is left because this fails goes with the next snapshot.
    purgeBelow(place.connection, place.stream, place.all, previous.first, () => done(true));
  });
}

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64url");

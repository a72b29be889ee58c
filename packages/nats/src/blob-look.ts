/** Whether a payload lies here, whole and since when, without reading it. */
import { type BlobCopy, type BlobLook, type BlobName, type BlobsFound, streamsOf, subjectsOf } from "@longshore/kernel";
import { lastStored, subjectCount, subjectsIn } from "./api.ts";
import { type BlobPlace, COUNT, getPiece, placeOf } from "./blob-pieces.ts";
import type { Connection } from "./connect.ts";
import { COPIES_MAX } from "./limits.ts";
import { serverTimeOf } from "./server-time.ts";

/**
 * Whether a copy was put whole less than `youngMs` ago: all that its owner may find out, who has no right to the stream's info.
 * Piece 0 was stored after all others, and what is removed is removed oldest first and only when all of it is old: where piece
 * 0 is young, all others are there. In doubt it is old.
 */
export function lookAtHead(place: BlobPlace, pieces: number, youngMs: number, done: (found: BlobLook) => void): void {
  getPiece(place, 0, false, (head) => {
    if (head.kind === "unavailable") return done("unavailable");
    if (head.kind === "missing" || head.count !== pieces) return done("absent");
    serverTimeOf(place.connection, place.cluster).sample((nowMs) => done(nowMs !== undefined && head.at > nowMs - youngMs ? "young" : "old"));
  });
}

/** A host's look at one copy: what the stream's leader has, piece 0 and as many pieces as it says. */
export function lookAtCopy(connection: Connection, cluster: string, name: BlobName, done: (copy: BlobCopy | "absent" | "unavailable") => void): void {
  const place = placeOf(connection, cluster, name);
  lastStored(connection, place.stream, place.subjectOf(0), (head) => {
    if (head === "unavailable") return done("unavailable");
    const pieces = Number.parseInt(head?.headers.match(COUNT_LINE)?.[1] ?? "", 10);
    if (head === undefined || !(pieces >= 1)) return done("absent");
    subjectCount(connection, place.stream, place.all, (count) => {
      if (count === undefined) return done("unavailable");
      done(count === pieces ? { principal: name.principal, pieces, putAt: head.at } : "absent");
    });
  });
}

const COUNT_LINE = new RegExp(`^${COUNT}:\\s*(\\d+)`, "im");

export function findCopies(connection: Connection, cluster: string, digest: string, done: (answer: BlobsFound) => void): void {
  const heads = `${subjectsOf(cluster).prefix}bl.*.${digest}.0`;
  subjectsIn(connection, streamsOf(cluster).blobs, heads, (subjects) => {
    if (subjects === undefined) return done({ kind: "unavailable" });
    const principals = subjects.map((subject) => subject.split(".")[3]).filter((principal) => principal !== undefined).slice(0, COPIES_MAX);
    lookAtEach(connection, cluster, digest, principals, [], done);
  });
}

function lookAtEach(connection: Connection, cluster: string, digest: string, [principal, ...rest]: readonly string[], copies: readonly BlobCopy[], done: (answer: BlobsFound) => void): void {
  if (principal === undefined) return done({ kind: "found", copies });
  lookAtCopy(connection, cluster, { principal, digest }, (copy) => {
    if (copy === "unavailable") return done({ kind: "unavailable" });
    lookAtEach(connection, cluster, digest, rest, copy === "absent" ? copies : [...copies, copy], done);
  });
}

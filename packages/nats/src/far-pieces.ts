/** Pieces of other clusters' payloads, asked of their blob doors: of each cluster so many at a time, and again while it is busy. */
import { decodeUntrusted, encode, isToken, subjectsOf, type Wire, type WireAnswer } from "@longshore/kernel";
import type { Fetched } from "./blob-read.ts";
import type { Connection } from "./connect.ts";
import { isRecord } from "./faults.ts";
import { FAR_BUSY_TRIES, FAR_BUSY_WAIT_MS, FAR_PIECES_IN_FLIGHT } from "./limits.ts";
import { wireOf } from "./wire.ts";

export interface FarPiece {
  readonly cluster: string;
  readonly digest: string;
  readonly piece: number;
}

type Done = (fetched: Fetched) => void;

interface Asked {
  readonly wanted: FarPiece;
  readonly done: Done;
}

/** One cluster that does not answer holds up no other; and of one, payloads take turns: a short one does not wait for a long one. */
interface Lane {
  /** By digest. */
  readonly waiting: Map<string, Asked[]>;
  open: number;
}

function nextOf({ waiting }: Lane): Asked | undefined {
  for (const [digest, asked] of waiting) {
    waiting.delete(digest);
    const next = asked.shift();
    if (asked.length > 0) waiting.set(digest, asked);
    return next;
  }
  return undefined;
}

export class FarPieces {
  readonly #wire: Wire;
  readonly #own: string;
  readonly #timeoutMs: number;
  readonly #lanes = new Map<string, Lane>();

  constructor(connection: Connection, own: string, timeoutMs: number) {
    this.#wire = wireOf(connection, own);
    this.#own = own;
    this.#timeoutMs = timeoutMs;
  }

  get(wanted: FarPiece, done: Done): void {
    const { cluster, digest } = wanted;
    if (!isToken(cluster)) return void setImmediate(() => done(failed("unavailable", `there is no cluster "${cluster}"`)));
    const lane: Lane = this.#lanes.get(cluster) ?? { waiting: new Map(), open: 0 };
    this.#lanes.set(cluster, lane);
    const asked = lane.waiting.get(digest);
    if (asked === undefined) lane.waiting.set(digest, [{ wanted, done }]);
    else asked.push({ wanted, done });
    this.#more(cluster, lane);
  }

  #more(cluster: string, lane: Lane): void {
    while (lane.open < FAR_PIECES_IN_FLIGHT) {
      const next = nextOf(lane);
      if (next === undefined) break;
      lane.open++;
      this.#ask(next.wanted, FAR_BUSY_TRIES, (fetched) => {
        lane.open--;
        next.done(fetched);
        this.#more(cluster, lane);
      });
    }
    if (lane.open === 0) this.#lanes.delete(cluster);
  }

  #ask(wanted: FarPiece, triesLeft: number, done: Done): void {
    const { cluster, digest, piece } = wanted;
    this.#wire.request(subjectsOf(cluster).blobDoor(this.#own), encode({ digest, piece }), this.#timeoutMs, (answer) => {
      const read = readAnswer(cluster, answer);
      if (read !== "busy") return done(read);
      if (triesLeft === 0) return done(failed("unavailable", `the router of ${cluster} has too much to do`));
      setTimeout(() => this.#ask(wanted, triesLeft - 1, done), FAR_BUSY_WAIT_MS);
    });
  }
}

const failed = (cause: "missing" | "corrupt" | "unavailable", message: string): Fetched => ({ kind: "failed", cause, message });

function readAnswer(cluster: string, answer: WireAnswer): Fetched | "busy" {
  switch (answer.kind) {
    case "no-responders": return failed("unavailable", `no router of ${cluster} can be reached`);
    case "timeout": return failed("unavailable", `the router of ${cluster} did not answer in time`);
    case "denied": return failed("unavailable", `this user may not ask ${cluster}: a host may, see nats.conf`);
    case "answer": return readPiece(cluster, answer.data);
  }
}

/** Another cluster may answer anything. */
function readPiece(cluster: string, data: Uint8Array): Fetched | "busy" {
  const value = decoded(data);
  if (!isRecord(value)) return failed("unavailable", `${cluster} does not answer as a router does`);
  const { bytes, pieces, error } = value;
  if (bytes instanceof Uint8Array && Number.isSafeInteger(pieces)) return { kind: "piece", data: bytes, count: Number(pieces) };
  switch (error) {
    case "busy": return "busy";
    case "missing": return failed("missing", `the payload is not there any more in ${cluster}`);
    case "denied": return failed("missing", `${cluster} does not give that payload to this cluster`);
    default: return failed("unavailable", `the router of ${cluster} cannot read it now`);
  }
}

function decoded(data: Uint8Array): unknown {
  try {
    return decodeUntrusted(data);
  } catch {
    return undefined;
  }
}

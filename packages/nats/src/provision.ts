/** Creates the streams of a cluster, and checks that they are what they must be. */
import { randomUUID } from "node:crypto";
import { Fault } from "@longshore/kernel";
import { callApi, requireApi } from "./api.ts";
import type { Connection } from "./connect.ts";
import { type ApiAnswer, faultOf, isRecord, isStreamAbsent } from "./faults.ts";
import { SETUP_TIMEOUT_MS } from "./limits.ts";
import { type StreamOptions, type WantedStream, wantedStreams } from "./streams.ts";

/** The uuid that tells two clusters of the same name apart. */
const CLUSTER_KEY = "longshore.cluster";
const LOOK_AGAIN_MS = 250;

export interface StreamFinding {
  readonly stream: string;
  /** `missing`, or the setting that differs. */
  readonly what: string;
  readonly wanted: string;
  readonly found: string;
  readonly remedy: string;
}

export interface Verified {
  readonly clusterId: string | undefined;
  readonly findings: readonly StreamFinding[];
  /** Streams this user may not look at: nothing is known of them. */
  readonly unseen: readonly string[];
}

/**
 * Creates what is missing and corrects what differs. Repeating it changes nothing.
 *
 * @throws {Fault} `nats/denied`, `nats/no-jetstream`, `nats/storage-full`, `nats/unavailable`, `nats/refused`.
 */
export async function provision(connection: Connection, options: StreamOptions): Promise<{ readonly clusterId: string }> {
  const { wanted, looked } = await compared(connection, options);
  const denied = looked.find((one) => one.denied !== undefined)?.denied;
  if (denied !== undefined) throw denied;
  const found = looked.map(({ config }) => config);
  const clusterId = found.map(clusterIn).find((id) => id !== undefined) ?? randomUUID();
  for (const [i, stream] of wanted.entries()) {
    const before = found[i];
    const metadata = { [CLUSTER_KEY]: clusterId };
    if (before === undefined) await requireApi(connection, `creating stream ${stream.name}`, `STREAM.CREATE.${stream.name}`, { ...stream, metadata });
    else if (findingsIn(stream, before).length > 0 || clusterIn(before) !== clusterId) {
      await requireApi(connection, `updating stream ${stream.name}`, `STREAM.UPDATE.${stream.name}`, updated(before, stream, metadata));
    }
  }
  const after = await verify(connection, options);
  const [first] = after.findings;
  if (first !== undefined) throw new Fault("nats/refused", `stream ${first.stream}: ${first.what} is ${first.found} and stays so; ${first.remedy}`, { retry: "never" });
  return { clusterId };
}

export interface VerifyOptions extends StreamOptions {
  /** How long JetStream is waited for while it answers nothing, milliseconds: it may be choosing a leader. 15 s when absent. */
  readonly withinMs?: number;
}

/**
 * Looks only. No findings means that the streams are as they must be, those that were seen.
 *
 * @throws {Fault} `nats/denied` when this user may look at none of them, `nats/unavailable` when JetStream did not answer in time.
 */
export async function verify(connection: Connection, { withinMs = SETUP_TIMEOUT_MS, ...options }: VerifyOptions): Promise<Verified> {
  const { wanted: all, looked } = await compared(connection, options, withinMs);
  const unseen = all.filter((_, i) => looked[i]!.denied !== undefined).map(({ name }) => name);
  if (unseen.length === all.length) throw looked[0]!.denied!;
  const wanted = all.filter((_, i) => looked[i]!.denied === undefined);
  const found = looked.filter(({ denied }) => denied === undefined).map(({ config }) => config);
  const ids = new Set(found.map(clusterIn).filter((id) => id !== undefined));
  const findings = wanted.flatMap((stream, i) => {
    const config = found[i];
    if (config !== undefined) return findingsIn(stream, config);
    return [{ stream: stream.name, what: "missing", wanted: "exists", found: "does not exist", remedy: "run `longshore setup`" }];
  });
  if (ids.size > 1) {
    findings.push({
      stream: wanted.map((stream) => stream.name).join(", "),
      what: "cluster id",
      wanted: "one",
      found: [...ids].join(", "),
      remedy: "these streams are of different clusters: restore them from one backup",
    });
  }
  return { clusterId: [...ids][0], findings, unseen };
}

type Config = Readonly<Record<string, unknown>>;

interface Looked {
  readonly config?: Config | undefined;
  readonly denied?: Fault;
}

async function look(connection: Connection, stream: string, untilMs: number): Promise<Looked> {
  try {
    return { config: await configOf(connection, stream, untilMs) };
  } catch (fault) {
    if (fault instanceof Fault && fault.code === "nats/denied") return { denied: fault };
    throw fault;
  }
}

/** When nobody says how many copies or how much room, the streams that are there do: whoever repeats a bare `setup` must give nothing up. */
async function compared(connection: Connection, options: StreamOptions, withinMs: number = SETUP_TIMEOUT_MS): Promise<{ readonly wanted: readonly WantedStream[]; readonly looked: readonly Looked[] }> {
  const untilMs = performance.now() + withinMs;
  const looked = await Promise.all(wantedStreams(options).map((stream) => look(connection, stream.name, untilMs)));
  const most = Math.max(1, ...looked.map(({ config }) => Number(config?.["num_replicas"] ?? 1)));
  const wanted = wantedStreams({ ...options, replicas: options.replicas ?? most });
  return { wanted: options.totalBytes === undefined ? wanted.map((stream, i) => withRoomOf(stream, looked[i]!)) : wanted, looked };
}

function withRoomOf(stream: WantedStream, { config }: Looked): WantedStream {
  const bytes = Number(config?.["max_bytes"] ?? 0);
  return bytes > 0 ? { ...stream, max_bytes: bytes } : stream;
}

/** While JetStream chooses a leader nobody answers, or somebody says that nobody can: that passes, and is asked again. */
async function configOf(connection: Connection, stream: string, untilMs: number): Promise<Config | undefined> {
  for (;;) {
    const answer = await new Promise<ApiAnswer>((done) => callApi(connection, `STREAM.INFO.${stream}`, undefined, done));
    if (answer.kind === "ok") return isRecord(answer.body["config"]) ? answer.body["config"] : undefined;
    if (answer.kind === "error" && isStreamAbsent(answer.error)) return undefined;
    const fault = faultOf(`looking at stream ${stream}`, answer);
    // The server has said that it has JetStream: where nobody answers for it, nobody does yet.
    const mayPass = fault.retry === "backoff" || (answer.kind === "none" && answer.cause === "no-responders");
    if (!mayPass) throw fault;
    if (performance.now() >= untilMs) throw noLeader(stream, fault);
    await new Promise((next) => setTimeout(next, LOOK_AGAIN_MS));
  }
}

const noLeader = (stream: string, cause: Fault): Fault =>
  new Fault("nats/unavailable", `JetStream says nothing of stream ${stream}, and it was asked again and again: it has no leader, or the connection broke`, {
    retry: "backoff", cause, remedy: "see that more than half of the servers run and reach each other: `longshore doctor`",
  });

function findingsIn(wanted: WantedStream, found: Config): StreamFinding[] {
  return Object.entries(wanted).flatMap(([what, value]) => {
    // The server leaves out what is false or empty. A description is for people.
    const is = found[what] ?? (typeof value === "boolean" ? false : undefined);
    if (what === "description" || isSame(value, is)) return [];
    return [{ stream: wanted.name, what, wanted: JSON.stringify(value), found: JSON.stringify(is) ?? "not set", remedy: remedyFor(what) }];
  });
}

const isSame = (wanted: unknown, found: unknown): boolean =>
  Array.isArray(wanted) && Array.isArray(found) ? JSON.stringify([...wanted].sort()) === JSON.stringify([...found].sort()) : wanted === found;

const remedyFor = (what: string): string =>
  what === "storage" || what === "retention"
    ? "this cannot be changed: export the histories, delete the stream, run `longshore setup` and import"
    : "run `longshore setup` to correct it";

/** What the server set by itself is kept, apart from its own notes about itself. */
function updated(before: Config, wanted: WantedStream, metadata: Readonly<Record<string, string>>): Config {
  const kept = isRecord(before["metadata"]) ? Object.entries(before["metadata"]).filter(([key]) => !key.startsWith("_nats.")) : [];
  return { ...before, ...wanted, metadata: { ...Object.fromEntries(kept), ...metadata } };
}

function clusterIn(config: Config | undefined): string | undefined {
  const metadata = config?.["metadata"];
  const id = isRecord(metadata) ? metadata[CLUSTER_KEY] : undefined;
  return typeof id === "string" ? id : undefined;
}

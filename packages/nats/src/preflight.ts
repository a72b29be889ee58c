/** What `longshore doctor` prints: is this server fit to keep the histories, and does it keep its word? */
import { statfs } from "node:fs/promises";
import { streamsOf } from "@longshore/kernel";
import { askApi } from "./api.ts";
import type { Connection } from "./connect.ts";
import { copiesFinding } from "./copies.ts";
import { isRecord } from "./faults.ts";
import { bad, type Finding, good, unknown } from "./finding.ts";
import { verify } from "./provision.ts";
import { covers, OWN_PERMISSIONS, permissionsOf, type RoleName } from "./roles.ts";
import { compareVersions, FLOOR_VERSION } from "./server/version.ts";
import { serverTimeOf } from "./server-time.ts";
import type { StreamOptions } from "./streams.ts";

export interface PreflightOptions extends StreamOptions {
  /** The server's monitoring, for example `http://127.0.0.1:8222`; `LONGSHORE_MONITOR_URL` otherwise. */
  readonly monitorUrl?: string;
  /** The roles this connection is meant to have; without them permissions are not checked. */
  readonly roles?: readonly RoleName[];
  /** This machine's clock, milliseconds of UTC. */
  readonly nowMs?: () => number;
}

const CLOCK_DIFFERENCE_MAX_MS = 2_000;
const FULL = 0.8;
const MONITOR_TIMEOUT_MS = 3_000;

/** Looks at everything it can and changes nothing. */
export async function preflight(connection: Connection, options: PreflightOptions): Promise<readonly Finding[]> {
  const monitored = await monitoring(options.monitorUrl ?? process.env["LONGSHORE_MONITOR_URL"]);
  return [
    versionFinding(connection.serverVersion),
    await jetStreamFinding(connection, options.cluster),
    syncFinding(monitored),
    ...(await streamFindings(connection, options)),
    await copiesFinding(connection, options.cluster),
    await permissionFinding(connection, options),
    await clockFinding(connection, options),
    ...(await roomFindings(connection, options, monitored)),
  ];
}

/** These lost whole streams after being killed (nats-server #6888). */
const DENIED = { from: "2.10.20", to: "2.10.22" } as const;

function versionFinding(version: string): Finding {
  const check = "server version";
  if (compareVersions(version, FLOOR_VERSION) < 0) return bad(check, version, `${FLOOR_VERSION} or newer is needed`);
  if (compareVersions(version, DENIED.from) >= 0 && compareVersions(version, DENIED.to) <= 0) {
    return bad(check, `${version}, which can lose a stream when it is killed`, "install 2.10.23 or newer");
  }
  return good(check, version);
}

async function jetStreamFinding(connection: Connection, cluster: string): Promise<Finding> {
  const check = "JetStream";
  const answer = await askApi(connection, `STREAM.INFO.${streamsOf(cluster).inbox}`);
  if (answer.kind === "ok" || answer.kind === "error") return good(check, "answers");
  if (answer.cause === "denied") return unknown(check, "this user may not ask", "use a user with one of the roles of nats.conf");
  return bad(check, "does not answer", "enable it: start nats-server with the nats.conf that comes with Longshore");
}

interface Monitored {
  readonly syncAlways: boolean;
  readonly storeDir: string;
  readonly storeBytesMax: number;
  readonly storeBytes: number;
}

async function monitoring(url: string | undefined): Promise<Monitored | string> {
  if (url === undefined) return "the address of the server's monitoring is not known";
  try {
    const answer = await fetch(`${url.replace(/\/$/, "")}/jsz?config=true`, { signal: AbortSignal.timeout(MONITOR_TIMEOUT_MS) });
    const body: unknown = await answer.json();
    const config = isRecord(body) ? body["config"] : undefined;
    if (!isRecord(body) || !isRecord(config)) return `${url} is not the monitoring of a nats-server with JetStream`;
    return {
      syncAlways: config["sync_always"] === true,
      storeDir: String(config["store_dir"] ?? ""),
      storeBytesMax: Number(config["max_storage"] ?? 0),
      storeBytes: Number(body["storage"] ?? 0),
    };
  } catch {
    return `the server's monitoring does not answer at ${url}`;
  }
}

function syncFinding(monitored: Monitored | string): Finding {
  const check = "an acknowledged message is on disk";
  const remedy = "set `sync_interval: always` in the server's jetstream block (nats.conf)";
  if (typeof monitored === "string") return unknown(check, `${monitored}: an acknowledgement may not mean "on disk"`, "give the address with --monitor or LONGSHORE_MONITOR_URL");
  if (monitored.syncAlways) return good(check, "sync_interval: always");
  return bad(check, "the server syncs now and then: a power loss takes minutes of acknowledged messages", remedy);
}

async function streamFindings(connection: Connection, options: PreflightOptions): Promise<readonly Finding[]> {
  const check = "streams";
  try {
    const { findings, clusterId, unseen } = await verify(connection, options);
    const hidden = unseen.length === 0 ? [] : [unknown(check, `this user may not look at ${unseen.join(", ")}`, "ask as a host or an operator")];
    if (findings.length === 0) return [...hidden, good(check, `${unseen.length === 0 ? "all" : "the others"} as they must be (cluster ${clusterId})`)];
    return [...hidden, ...findings.map(({ stream, what, wanted, found, remedy }) => bad(`stream ${stream}`, what === "missing" ? found : `${what} is ${found} instead of ${wanted}`, remedy))];
  } catch (cause) {
    return [unknown(check, cause instanceof Error ? cause.message : String(cause), "")];
  }
}

async function permissionFinding(connection: Connection, { cluster, roles }: PreflightOptions): Promise<Finding> {
  const check = "permissions";
  if (roles === undefined) return unknown(check, "no role was named to compare with", "");
  const permissions = await ownPermissions(connection);
  if (permissions === "denied") return unknown(check, "this user may not ask for its own permissions", `allow it to publish to ${OWN_PERMISSIONS}`);
  if (permissions === undefined) return good(check, "the server has no users: everybody who reaches it may do everything");
  const wanted = permissionsOf(roles, cluster, connection.principal);
  const missing = [
    ...wanted.publish.filter((subject) => !permissions.publish.some((given) => covers(given, subject))).map((subject) => `publish ${subject}`),
    ...wanted.subscribe.filter((subject) => !permissions.subscribe.some((given) => covers(given, subject))).map((subject) => `subscribe ${subject}`),
  ];
  if (missing.length === 0) return good(check, `those of ${roles.join(", ")}`);
  return bad(check, `missing: ${missing.join("; ")}`, `give user ${connection.principal} the permissions of ${roles.join(", ")} as nats.conf has them`);
}

interface Own {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

function ownPermissions(connection: Connection): Promise<Own | undefined | "denied"> {
  return new Promise((resolve) => {
    connection.calls.request(OWN_PERMISSIONS, new Uint8Array(0), { timeoutMs: MONITOR_TIMEOUT_MS, whileDown: "fail" }, (answer) => {
      resolve(answer.kind === "answer" ? ownIn(JSON.parse(answer.message.string())) : "denied");
    });
  });
}

function ownIn(body: unknown): Own | undefined {
  const data = isRecord(body) ? body["data"] : undefined;
  const permissions = isRecord(data) ? data["permissions"] : undefined;
  if (!isRecord(permissions)) return undefined;
  const allowed = (part: unknown): readonly string[] => {
    if (!isRecord(part)) return [">"];
    return Array.isArray(part["allow"]) ? part["allow"].map(String) : [">"];
  };
  return { publish: allowed(permissions["publish"]), subscribe: allowed(permissions["subscribe"]) };
}

async function clockFinding(connection: Connection, { cluster, nowMs = Date.now }: PreflightOptions): Promise<Finding> {
  const check = "clock";
  const serverMs = await new Promise<number | undefined>((resolve) => serverTimeOf(connection, cluster).sample(resolve));
  if (serverMs === undefined) return unknown(check, "the server's time could not be had", "");
  const difference = nowMs() - serverMs;
  const found = `${Math.abs(difference)} ms ${difference < 0 ? "behind" : "ahead of"} the server's`;
  if (Math.abs(difference) <= CLOCK_DIFFERENCE_MAX_MS) return good(check, found);
  return bad(check, found, "synchronize the clocks (NTP): jobs keep the server's time, logs and people do not");
}

async function roomFindings(connection: Connection, { cluster }: PreflightOptions, monitored: Monitored | string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  let left = 0;
  for (const stream of Object.values(streamsOf(cluster))) {
    const answer = await askApi(connection, `STREAM.INFO.${stream}`);
    if (answer.kind !== "ok") continue;
    const { config, state } = answer.body;
    const max = isRecord(config) ? Number(config["max_bytes"]) : 0;
    const used = isRecord(state) ? Number(state["bytes"]) : 0;
    left += max > 0 ? Math.max(0, max - used) : Number.POSITIVE_INFINITY;
    if (max > 0 && used / max >= FULL) findings.push(bad(`room in ${stream}`, `${percent(used / max)} of ${mebibytes(max)} are used`, "shorten what is kept, or give the stream more bytes"));
  }
  if (findings.length === 0) findings.push(good("room in the streams", `every stream is less than ${percent(FULL)} full`));
  if (typeof monitored !== "string") findings.push(await diskFinding(monitored, left));
  return findings;
}

/** Only on the server's own machine is its disk to be seen. `left`: bytes that the streams may still take. */
async function diskFinding({ storeDir, storeBytesMax, storeBytes }: Monitored, left: number): Promise<Finding> {
  const check = "room on the server's disk";
  const disk = await statfs(storeDir).catch(() => undefined);
  if (disk === undefined) return unknown(check, "the server runs on another machine", "look there: max_file_store must fit on the disk");
  const free = disk.bavail * disk.bsize;
  const needed = Math.max(0, Math.min(storeBytesMax - storeBytes, left));
  if (free >= needed) return good(check, `${mebibytes(free)} are free, the streams may still take ${mebibytes(needed)}`);
  return bad(check, `${mebibytes(free)} are free, but the streams may still take ${mebibytes(needed)}`, "free space on the disk, or give the streams less: `longshore setup --storage <bytes>`");
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20).toLocaleString("en-US")} MiB`;
const percent = (part: number): string => `${Math.round(part * 100)} %`;

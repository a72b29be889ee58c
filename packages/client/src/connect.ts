/** From an address to an open door. */
import { createHash, randomBytes } from "node:crypto";
import { availableParallelism, hostname } from "node:os";
import type { Clock } from "@longshore/kernel";
import { isToken } from "@longshore/kernel";
import type { Connection, ConnectOptions as NatsOptions } from "@longshore/nats";
import { blobsOf, connect as connectNats, journalOf, snapshotsOf, wantedOf, wireOf } from "@longshore/nats";
import { Client } from "./client.ts";
import { InvalidOption, LongshoreError, Unavailable } from "./errors.ts";
import type { ClientLimits, WorkerLimits } from "./internal/limits.ts";
import { Longshore } from "./longshore.ts";
import { refuseOthers } from "./options.ts";
import { readServerState } from "./state-file.ts";

export interface ConnectOptions {
  /** Address of NATS, several separated by commas; otherwise `NATS_URL`, otherwise the server of `longshore up`. */
  readonly servers?: string | readonly string[];
  /** Who this is: on a server with users the user's name. Otherwise `LONGSHORE_USER`, the user in the address, or `me`. */
  readonly principal?: string;
  readonly user?: string;
  readonly password?: string;
  readonly credsFile?: string;
  readonly tls?: NatsOptions["tls"];
  readonly cluster?: string;
  /** The shard of queues that jobs go to. */
  readonly shard?: string;
  /** Name of this process among the workers; unique by default. */
  readonly instance?: string;
  /** Name of this life of the process, for one that belongs to the topology; unique by default. */
  readonly incarnation?: string;
  /** Processors that queues with a share of them count with. */
  readonly processors?: number;
  readonly limits?: Partial<ClientLimits & WorkerLimits>;
  /** What went wrong where no call waits for it. */
  readonly onFault?: (error: LongshoreError) => void;
  readonly signal?: AbortSignal;
}

const FIELDS = ["servers", "principal", "user", "password", "credsFile", "tls", "cluster", "shard", "instance", "incarnation", "processors", "limits", "onFault", "signal"] as const;

/**
 * Connects. The connection keeps itself up; `close` ends it.
 *
 * @throws {Unavailable} `nats/unreachable` when nothing says where NATS is, or it does not answer.
 */
export async function connect(options: ConnectOptions | string = {}): Promise<Longshore> {
  const given = typeof options === "string" ? { servers: options } : options;
  refuseOthers(given, FIELDS, ["token", "region", "labels"]);
  given.signal?.throwIfAborted();
  const found = await findServer(given);
  const connection = await open(found, given);
  if (given.signal?.aborted === true) {
    await connection.close();
    throw given.signal.reason;
  }
  return over(connection, { ...given, cluster: found.cluster });
}

/** The library on a connection that somebody else has made; closing it closes the connection only if `owned`. */
export function over(connection: Connection, options: Omit<ConnectOptions, "servers" | "signal"> & { readonly owned?: boolean } = {}): Longshore {
  const cluster = checkedToken("cluster", options.cluster ?? "main");
  const client = new Client({
    ports: { wire: wireOf(connection), clock: nodeClock, random: Math.random, wallMs: Date.now },
    hash: (bytes) => createHash("sha256").update(bytes).digest(),
    blobs: blobsOf(connection, cluster),
    journal: (kind, actor) => journalOf(connection, { cluster, kind, actor, from: "replica" }),
    snapshots: (kind, actor) => snapshotsOf(connection, { cluster, kind, actor, from: "replica" }),
    wanted: wantedOf(connection, cluster),
    cluster,
    principal: connection.principal,
    shard: checkedToken("shard", options.shard ?? "main"),
    instance: checkedToken("instance", options.instance ?? defaultInstance()),
    ...(options.incarnation === undefined ? {} : { incarnation: checkedToken("incarnation", options.incarnation) }),
    ...selfOf(process.env["LONGSHORE_INSTANCE"]),
    processors: options.processors ?? availableParallelism(),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.onFault === undefined ? {} : { onFault: options.onFault }),
    ...(options.owned === false ? {} : { release: () => connection.close() }),
  });
  return new Longshore(client);
}

interface Found {
  readonly servers: string | readonly string[];
  readonly cluster: string;
}

async function findServer({ servers, cluster }: ConnectOptions): Promise<Found> {
  const { env } = process;
  const named = cluster ?? env["LONGSHORE_CLUSTER"];
  if (servers !== undefined) return { servers, cluster: named ?? "main" };
  const variable = env["NATS_URL"];
  if (variable !== undefined && variable !== "") return { servers: variable, cluster: named ?? "main" };
  const state = await readServerState(env);
  if (state !== undefined) return { servers: state.url, cluster: named ?? state.cluster };
  throw new Unavailable("nats/unreachable", "nothing says where NATS is: start it on this machine with `longshore up`, or set NATS_URL to where one runs");
}

async function open({ servers }: Found, options: ConnectOptions): Promise<Connection> {
  const { addresses, user, password } = withoutUser(servers);
  const secret = options.password ?? password;
  const name = options.principal ?? process.env["LONGSHORE_USER"] ?? options.user ?? user ?? "me";
  const login = options.user ?? user;
  try {
    return await connectNats({
      principal: checkedToken("principal", name),
      servers: addresses,
      ...(login === undefined ? {} : { user: login }),
      ...(secret === undefined ? {} : { password: secret }),
      ...(options.credsFile === undefined ? {} : { credsFile: options.credsFile }),
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      onFault: (fault) => options.onFault?.(new Unavailable(fault.code, fault.message, { cause: fault })),
    });
  } catch (cause) {
    if (cause instanceof LongshoreError) throw cause;
    const { code = "nats/unreachable", message } = cause as { readonly code?: string; readonly message: string };
    throw new Unavailable(code, message, { cause });
  }
}

/** Addresses like `nats://user:password@host` carry the login; NATS wants it apart. */
function withoutUser(servers: string | readonly string[]): { readonly addresses: readonly string[]; readonly user?: string; readonly password?: string } {
  const list = typeof servers === "string" ? servers.split(",") : servers;
  let login: { readonly user?: string; readonly password?: string } = {};
  const addresses = list.map((address) => {
    const match = /^([a-z]+:\/\/)?([^@/:]+)(?::([^@/]*))?@(.+)$/.exec(address.trim());
    if (match === null) return address.trim();
    const [, scheme = "", user = "", password, host = ""] = match;
    login = { user: decodeURIComponent(user), ...(password === undefined ? {} : { password: decodeURIComponent(password) }) };
    return scheme + host;
  });
  return { addresses, ...login };
}

function checkedToken(field: string, value: string): string {
  if (isToken(value)) return value;
  throw new InvalidOption(field, `"${value}" is not allowed: use 1 to 128 of the characters A-Z a-z 0-9 _ -`);
}

/** Set by `longshore run` and `longshore up` for what runs in them. */
const selfOf = (variable: string | undefined): { readonly self?: string } => (variable !== undefined && isToken(variable) ? { self: variable } : {});

/** Two processes must never share an instance: each would take the other for its own past. */
const defaultInstance = (): string => `${hostname().replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, 60)}-${process.pid}-${randomBytes(3).toString("hex")}`;

const TIMER_MAX_MS = 1_000_000_000;

const nodeClock: Clock = {
  monotonicMs: () => performance.now(),
  after: (delayMs, run) => {
    if (delayMs <= 0) {
      // Behind everything that has already arrived, and sooner than any timer.
      const soon = setImmediate(run);
      return () => clearImmediate(soon);
    }
    const timer = setTimeout(run, Math.min(delayMs, TIMER_MAX_MS));
    return () => clearTimeout(timer);
  },
};

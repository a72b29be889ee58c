/** One connection of one principal to the servers of its cluster. */
import { readFile } from "node:fs/promises";
import { Fault, isToken, subjectsOf } from "@longshore/kernel";
import {
  type Authenticator,
  AuthorizationError,
  createInbox,
  credsAuthenticator,
  type NatsConnection,
  nuid,
  PermissionViolationError,
  type Status,
  type TlsOptions,
  UserAuthenticationExpiredError,
} from "@nats-io/transport-node";
import { Calls } from "./calls.ts";
import { jetStreamOff } from "./faults.ts";
import { CONNECT_TIMEOUT_MS, PING_INTERVAL_MS, RECONNECT_WAIT_MS } from "./limits.ts";
import { inboxPrefix } from "./roles.ts";
import { compareVersions, FLOOR_VERSION } from "./server/version.ts";
import { connectWhole } from "./transport.ts";

export interface ConnectOptions {
  /** Who this is: a token of every subject it speaks on, and on a server with users its user's name. */
  readonly principal: string;
  /** Addresses, also several separated by commas; otherwise `NATS_URL`, otherwise this machine's port 4222. */
  readonly servers?: string | readonly string[];
  /** Otherwise the principal, when there is a password. */
  readonly user?: string;
  readonly password?: string;
  /** A file with a JWT and a seed, as operator mode issues it. */
  readonly credsFile?: string;
  readonly tls?: TlsOptions;
  /** What the server's monitoring calls this connection. */
  readonly name?: string;
  readonly timeoutMs?: number;
  /** What went wrong where nobody waits for an answer: a refused publish or subscription, the end of the connection. */
  readonly onFault?: (fault: Fault) => void;
}

export interface Connection {
  readonly nc: NatsConnection;
  readonly calls: Calls;
  /** Requests of one cluster to another: answers across a link may come to no other subjects than these. */
  callsAcross(cluster: string, far: string): Calls;
  readonly principal: string;
  readonly serverVersion: string;
  readonly maxPayloadBytes: number;
  readonly isUp: boolean;
  onReconnect(handler: () => void): () => void;
  report(fault: Fault): void;
  /** Runs what others gave us: an exception must not end the client's reading loop, it is thrown on its own. */
  guarded(run: () => void): void;
  /** Sends what is still to be sent and ends. Idempotent. */
  close(): Promise<void>;
}

const CLOSE_WITHIN_MS = 2_000;

/**
 * Connects, and stays connected: it reconnects for ever.
 *
 * @throws {Fault} `nats/unreachable`, `nats/unauthorized`, `nats/too-old`, `nats/no-jetstream`, `name/illegal`.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  if (!isToken(options.principal)) {
    throw new Fault("name/illegal", `principal "${options.principal}" is not allowed: use 1 to 128 of the characters A-Z a-z 0-9 _ -`, { retry: "never" });
  }
  const servers = addresses(options.servers ?? process.env["NATS_URL"] ?? "127.0.0.1:4222");
  const nc = await open(servers, options);
  const version = nc.info?.version ?? "0.0.0";
  const fault = unfit(nc, version, servers);
  if (fault !== undefined) {
    await nc.close();
    throw fault;
  }
  return connectionOver(nc, version, options);
}

async function open(servers: readonly string[], options: ConnectOptions): Promise<NatsConnection> {
  const authenticator = await authenticatorOf(options);
  try {
    return await connectWhole({
      servers: [...servers],
      name: options.name ?? `longshore ${options.principal}`,
      inboxPrefix: inboxPrefix(options.principal),
      timeout: options.timeoutMs ?? CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: 2,
      noAsyncTraces: true,
      ...(options.password === undefined ? {} : { user: options.user ?? options.principal, pass: options.password }),
      ...(authenticator === undefined ? {} : { authenticator }),
      ...(options.tls === undefined ? {} : { tls: options.tls }),
    });
  } catch (cause) {
    throw connectFault(servers, cause);
  }
}

async function authenticatorOf({ credsFile }: ConnectOptions): Promise<Authenticator | undefined> {
  if (credsFile === undefined) return undefined;
  try {
    return credsAuthenticator(await readFile(credsFile));
  } catch (cause) {
    throw unreadable(credsFile, cause);
  }
}

const unreadable = (credsFile: string, cause: unknown): Fault =>
  new Fault("nats/unauthorized", `the credentials file ${credsFile} cannot be read`, { retry: "never", cause });

function connectFault(servers: readonly string[], cause: unknown): Fault {
  const where = servers.join(", ");
  if (cause instanceof AuthorizationError || cause instanceof UserAuthenticationExpiredError) {
    return new Fault("nats/unauthorized", `the nats-server at ${where} refused the user or the password`, { retry: "never", cause });
  }
  const why = cause instanceof Error && cause.message !== "" ? ` (${cause.message})` : "";
  return new Fault("nats/unreachable", `no nats-server answers at ${where}${why}: start one (\`longshore up\`), or set NATS_URL to where one runs`, {
    retry: "backoff",
    cause,
  });
}

function unfit(nc: NatsConnection, version: string, servers: readonly string[]): Fault | undefined {
  if (compareVersions(version, FLOOR_VERSION) < 0) {
    return new Fault("nats/too-old", `the nats-server at ${servers.join(", ")} is ${version}: ${FLOOR_VERSION} or newer is needed, because older ones cannot sync on every write`, { retry: "never" });
  }
  return nc.info?.jetstream === true ? undefined : jetStreamOff(`connecting to ${servers.join(", ")}`);
}

function connectionOver(nc: NatsConnection, serverVersion: string, options: ConnectOptions): Connection {
  const handlers = new Set<() => void>();
  let isUp = true;
  let isClosing = false;
  const report = (fault: Fault): void => guarded(() => options.onFault?.(fault));
  const calls = new Calls(nc, createInbox(inboxPrefix(options.principal)), guarded);
  const across = new Map<string, Calls>();
  const allCalls = (): readonly Calls[] => [calls, ...across.values()];

  listenTo(nc, {
    down() {
      isUp = false;
      for (const each of allCalls()) each.wentDown();
    },
    up() {
      isUp = true;
      for (const each of allCalls()) each.cameUp();
      for (const handler of [...handlers]) guarded(handler);
    },
    denied({ operation, subject }) {
      if (operation === "publish" && allCalls().some((each) => each.denied(subject))) return;
      report(new Fault("nats/denied", `${options.principal} may not ${operation === "publish" ? "publish to" : "subscribe to"} ${subject}`, { retry: "never" }));
    },
    closed(cause) {
      isUp = false;
      for (const each of allCalls()) each.close();
      if (!isClosing) report(new Fault("nats/closed", "the connection ended for good", { retry: "never", cause }));
    },
  });
  return {
    nc,
    calls,
    callsAcross(cluster, far) {
      const key = `${cluster}.${far}`;
      if (nc.isClosed()) return calls;
      const found = across.get(key) ?? new Calls(nc, subjectsOf(cluster).across(far, nuid.next()), guarded);
      if (!isUp && !across.has(key)) found.wentDown();
      across.set(key, found);
      return found;
    },
    principal: options.principal,
    serverVersion,
    maxPayloadBytes: nc.info?.max_payload ?? 0,
    get isUp() {
      return isUp;
    },
    onReconnect(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    report,
    guarded,
    async close() {
      if (isClosing) return;
      isClosing = true;
      if (isUp) await within(CLOSE_WITHIN_MS, nc.flush());
      await nc.close();
    },
  };
}

interface StatusEvents {
  down(): void;
  up(): void;
  denied(error: PermissionViolationError): void;
  closed(cause: unknown): void;
}

function listenTo(nc: NatsConnection, events: StatusEvents): void {
  const onStatus = (status: Status): void => {
    if (status.type === "disconnect") events.down();
    else if (status.type === "reconnect") events.up();
    else if (status.type === "error" && status.error instanceof PermissionViolationError) events.denied(status.error);
  };
  void (async () => {
    for await (const status of nc.status()) onStatus(status);
  })();
  void nc.closed().then((cause) => events.closed(cause));
}

function guarded(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

const addresses = (servers: string | readonly string[]): readonly string[] =>
  (typeof servers === "string" ? servers.split(",") : servers).map((server) => server.trim()).filter((server) => server !== "");

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work.catch(() => undefined), limit]);
  clearTimeout(timer);
}

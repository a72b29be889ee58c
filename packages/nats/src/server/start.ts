/** The embedded nats-server: started, watched and stopped by this process, and gone when this process is gone. */
import { appendFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { Fault } from "@longshore/kernel";
import { type ServerLeaf, type ServerRoutes, type ServerUser, serverConfig } from "../conf.ts";
import type { Suite } from "./fetch.ts";
import { checkLock, checkStamp, removeLock, type ServerFiles, serverFiles, turnLog, writeLock, writeStamp } from "./files.ts";
import { findServer, type ServerBinary } from "./find.ts";
import { type GuardedProcess, spawnGuarded } from "./guard.ts";

export interface StartOptions {
  /** The folder that keeps everything; the same folder again continues where the last server stopped. */
  readonly storeDir: string;
  /** Address to listen at; 127.0.0.1 when absent. */
  readonly host?: string;
  /** A free port of it when absent. */
  readonly port?: number;
  readonly monitorPort?: number;
  /** A configuration of your own instead of the generated one. It must listen where `port` says. */
  readonly configFile?: string;
  readonly binary?: ServerBinary;
  readonly suite?: Suite;
  readonly serverName?: string;
  readonly cluster?: string;
  /** Without users everybody on this machine may do everything. */
  readonly users?: readonly ServerUser[];
  /** Passwords of the users, by the names of their variables. */
  readonly env?: Readonly<Record<string, string>>;
  readonly fileStoreBytes?: number;
  readonly maxPayloadBytes?: number;
  /** False only for tests: an acknowledged message may then be lost with the machine. */
  readonly syncAlways?: boolean;
  readonly jetstream?: boolean;
  /** One of several servers; each needs its own `serverName` and folder. */
  readonly routes?: ServerRoutes;
  /** A server of another cluster joins this one, or this one joins it. */
  readonly leaf?: ServerLeaf;
  readonly extraConfig?: string;
  readonly readyWithinMs?: number;
}

export interface NatsServer {
  readonly url: string;
  readonly monitorUrl: string;
  readonly port: number;
  readonly pid: number;
  readonly version: string;
  readonly isRunning: boolean;
  /** Resolves with the exit code of the current process, whoever ends it. */
  readonly exited: Promise<number>;
  /** In order: what is stored stays, what is open is closed. Idempotent. */
  stop(): Promise<void>;
  /** As a crash would end it. */
  kill(): Promise<void>;
  /** Starts it again on the same store and port, after `stop`, `kill` or a crash. */
  restart(): Promise<void>;
}

const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 20_000;
const POLL_MS = 15;
const LOOPBACK = "127.0.0.1";

/**
 * Starts a server and waits until it is healthy.
 *
 * @throws {Fault} `nats/no-server`, `nats/store-newer`, `nats/store-in-use`, `nats/start-failed` with the server's last words.
 */
export async function startServer(options: StartOptions): Promise<NatsServer> {
  const binary = options.binary ?? (await findServer(options.suite === undefined ? {} : { suite: options.suite }));
  const files = await serverFiles(resolve(options.storeDir));
  let running = await launch(binary, files, options, options.port ?? -1, options.monitorPort ?? -1);
  const { port, monitorPort } = running;
  const { host = LOOPBACK } = options;

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    running.process.signal(signal);
    const late = setTimeout(() => running.process.signal("SIGKILL"), STOP_WITHIN_MS);
    await running.process.exited;
    clearTimeout(late);
    await removeLock(files);
  };
  return {
    url: `nats://${host}:${port}`,
    monitorUrl: `http://${host}:${monitorPort}`,
    port,
    version: binary.version,
    get isRunning() {
      return running.process.isRunning;
    },
    get pid() {
      return running.process.pid;
    },
    get exited() {
      return running.process.exited;
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    async restart() {
      await end("SIGTERM");
      running = await launch(binary, files, options, port, monitorPort);
    },
  };
}

interface Running {
  readonly process: GuardedProcess;
  readonly port: number;
  readonly monitorPort: number;
}

async function launch(binary: ServerBinary, files: ServerFiles, options: StartOptions, port: number, monitorPort: number): Promise<Running> {
  await checkLock(files);
  await checkStamp(files, binary.version);
  const config = options.configFile ?? (await writeConfig(files, options, port, monitorPort));
  await turnLog(files);
  await appendFile(files.log, "");
  const logFrom = (await readFile(files.log)).length;
  const command = [binary.path, "-c", config, "--ports_file_dir", files.ports];
  const guarded = await spawnGuarded(files.log, command, { ...process.env, ...options.env });
  await writeLock(files, guarded.pid);
  try {
    const ports = await ready(binary, files, guarded, options);
    await writeStamp(files, binary.version);
    return { process: guarded, ...ports };
  } catch (cause) {
    guarded.signal("SIGKILL");
    await removeLock(files);
    const words = (await readFile(files.log)).subarray(logFrom).toString("utf8").trim().split("\n").slice(-6).join("\n");
    throw notStarted(binary, words, cause);
  }
}

const notStarted = (binary: ServerBinary, words: string, cause: unknown): Fault =>
  new Fault("nats/start-failed", `nats-server ${binary.version} did not start: ${cause instanceof Error ? cause.message : ""}\n${words}`, { retry: "never", cause });

async function writeConfig(files: ServerFiles, options: StartOptions, port: number, monitorPort: number): Promise<string> {
  const { host = LOOPBACK, serverName, cluster, users, fileStoreBytes, maxPayloadBytes, syncAlways, jetstream, routes, leaf, extraConfig } = options;
  const text = serverConfig({
    listen: `${host}:${port}`,
    monitor: `${host}:${monitorPort}`,
    storeDir: files.store,
    ...(serverName === undefined ? {} : { serverName }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(users === undefined ? {} : { users }),
    ...(fileStoreBytes === undefined ? {} : { fileStoreBytes }),
    ...(maxPayloadBytes === undefined ? {} : { maxPayloadBytes }),
    ...(syncAlways === undefined ? {} : { syncAlways }),
    ...(jetstream === undefined ? {} : { jetstream }),
    ...(routes === undefined ? {} : { routes }),
    ...(leaf === undefined ? {} : { leaf }),
    ...(extraConfig === undefined ? {} : { extra: extraConfig }),
  });
  await writeFile(files.config, text, { mode: 0o600 });
  return files.config;
}

/** The server writes the ports it took into a file, and says on `/healthz` when its streams are back. */
async function ready(binary: ServerBinary, files: ServerFiles, guarded: GuardedProcess, { host = LOOPBACK, readyWithinMs = READY_WITHIN_MS }: StartOptions): Promise<{ port: number; monitorPort: number }> {
  const deadlineMs = Date.now() + readyWithinMs;
  let hasExited = false;
  void guarded.exited.then(() => {
    hasExited = true;
  });
  const portsFile = join(files.ports, `${basename(binary.path)}_${guarded.pid}.ports`);
  let ports: { port: number; monitorPort: number } | undefined;
  while (Date.now() < deadlineMs) {
    if (hasExited) throw new Error(`it ended with code ${await guarded.exited}`);
    ports ??= portsIn(await readFile(portsFile, "utf8").catch(() => ""));
    if (ports !== undefined && (await isHealthy(host, ports.monitorPort))) {
      await removeOldPorts(files, basename(portsFile));
      return ports;
    }
    await new Promise((next) => setTimeout(next, POLL_MS));
  }
  throw new Error("it was not healthy in time");
}

function portsIn(text: string): { port: number; monitorPort: number } | undefined {
  try {
    const parsed = JSON.parse(text) as { nats?: readonly string[]; monitoring?: readonly string[] };
    const port = Number(new URL(parsed.nats?.[0] ?? "").port);
    const monitorPort = Number(new URL(parsed.monitoring?.[0] ?? "").port);
    return port > 0 && monitorPort > 0 ? { port, monitorPort } : undefined;
  } catch {
    // Not there, or not yet written to its end.
    return undefined;
  }
}

async function isHealthy(host: string, monitorPort: number): Promise<boolean> {
  const answer = await fetch(`http://${host}:${monitorPort}/healthz`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  return answer?.ok === true;
}

/** A killed server leaves its ports file behind. */
async function removeOldPorts(files: ServerFiles, current: string): Promise<void> {
  for (const name of await readdir(files.ports)) if (name !== current) await rm(join(files.ports, name), { force: true });
}

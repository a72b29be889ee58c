/**
 * Real processes to be hurt: a nats-server on a store and port of its own, hosts and workers, all ended with the test.
 *
 * Every process is known by its pid and ended by it; nothing is found by name.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Connection, connect, type NatsServer, provision, startServer } from "@longshore/nats";
import { connect as connectBare, type NatsConnection } from "@nats-io/transport-node";
import { type ConnectOptions, connect as connectClient, type Longshore } from "longshore";
import { onTestFinished } from "vitest";
import type { Network, Place } from "../../chaos/network.ts";
import { startServers, urlsOf } from "../../chaos/servers.ts";
import { excused, type Line, linesOf } from "./worker-lines.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const NODE = ["--import", import.meta.resolve("tsx"), "--conditions=@longshore/source"];
const LONGSHORE = join(ROOT, "packages/cli/src/main.ts");
export const PLACE = { cluster: "main", kind: "job-queue", actor: "main" } as const;
export const STREAM = { journal: "LS_main_JOURNAL", inbox: "LS_main_INBOX" } as const;

/** One instant for all processes of this machine, milliseconds. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Waits for a fact, not for time. */
export async function until(what: string, fact: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await fact())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** A process and what it has said. */
export class Member {
  readonly pid: number;
  readonly ended: Promise<number>;
  isEnded = false;
  text = "";
  private readonly child: ChildProcess;

  /** `enter`: what its command is put behind, to run somewhere else. */
  constructor(args: readonly string[], env: NodeJS.ProcessEnv, enter: readonly string[] = []) {
    const [command, ...words] = [...enter, process.execPath, ...NODE, ...args];
    this.child = spawn(command!, words, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    this.pid = this.child.pid ?? -1;
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (chunk: string) => {
        this.text += chunk;
      });
    }
    this.ended = new Promise((resolve) => this.child.once("close", (code) => {
      this.isEnded = true;
      resolve(code ?? -1);
    }));
    onTestFinished(async () => {
      this.child.kill("SIGCONT");
      await this.kill();
    });
  }

  async said(text: string, withinMs?: number): Promise<void> {
    await until(`process ${this.pid} says "${text}"`, () => {
      if (this.text.includes(text)) return true;
      if (this.isEnded) throw new Error(`process ${this.pid} has ended before it said "${text}":\n${this.text}`);
      return false;
    }, withinMs);
  }

  /** Its exit code, once it has ended by itself or by a signal that lets it. */
  async ends(): Promise<number> {
    await until(`process ${this.pid} ends`, () => this.isEnded).catch((error: Error) => {
      throw new Error(`${error.message}:\n${this.text}`);
    });
    return this.ended;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** As a power cut would end it: no handler runs. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }
}

/** A process that executes jobs, and writes each execution down before it begins and before it is told to anybody. */
export class WorkerMember extends Member {
  readonly instance: string;
  private readonly file: string;
  private killedMs: number | undefined;
  private readonly pauses: { readonly fromMs: number; toMs: number }[] = [];

  constructor(instance: string, file: string, args: readonly string[], env: NodeJS.ProcessEnv, enter: readonly string[] = []) {
    super(args, env, enter);
    this.instance = instance;
    this.file = file;
  }

  override async kill(): Promise<void> {
    await super.kill();
    this.killedMs ??= nowMs();
  }

  override signal(name: NodeJS.Signals): void {
    if (name === "SIGSTOP") this.pauses.push({ fromMs: nowMs(), toMs: Number.POSITIVE_INFINITY });
    super.signal(name);
    const last = this.pauses.at(-1);
    if (name === "SIGCONT" && last !== undefined) last.toMs = nowMs();
  }

  /** What it has written; what it was doing when it was killed has ended then. */
  lines(): readonly Line[] {
    const lines = linesOf(readFileSync(this.file, { encoding: "utf8", flag: "a+" }), this.killedMs);
    const incarnation = /"incarnation":"([^"]+)"[^\n]*"event":"instance.started"/.exec(this.text)?.[1] ?? "?";
    return excused(lines, this.pauses).map((line) => (line.incarnation === "" ? { ...line, incarnation } : line));
  }
}

export interface WorldOptions {
  /** What JetStream may use of the disk; the streams share it. */
  readonly totalBytes?: number;
  /** Servers; with three there are three copies of everything. 1 when absent. */
  readonly servers?: number;
  /** Servers are on places of their own of it, and instances where they are told to be. */
  readonly network?: Network | undefined;
}

export class World {
  readonly servers: readonly NatsServer[];
  /** May do everything: this server has no users. */
  readonly connection: Connection;
  readonly folder: string;
  readonly workers: WorkerMember[] = [];

  private constructor(servers: readonly NatsServer[], connection: Connection, folder: string) {
    this.servers = servers;
    this.connection = connection;
    this.folder = folder;
  }

  static async open({ totalBytes, servers: count = 1, network }: WorldOptions = {}): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "longshore-faults-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const servers = count === 1 && network === undefined ? [await startServer({ storeDir: join(folder, "store") })] : await startServers(join(folder, "servers"), count, { network });
    for (const server of servers) onTestFinished(() => server.kill());
    const connection = await connect({ principal: "test", servers: urlsOf(servers) });
    onTestFinished(() => connection.close());
    await provision(connection, { cluster: PLACE.cluster, ...(count < 3 ? {} : { replicas: 3 }), ...(totalBytes === undefined ? {} : { totalBytes }) });
    return new World(servers, connection, folder);
  }

  /** The only one, or the first. */
  get server(): NatsServer {
    return this.servers[0]!;
  }

  get urls(): string {
    return urlsOf(this.servers);
  }

  /** `longshore run job-queue`; resolves when it runs, not when it serves. */
  host(...options: readonly string[]): Member {
    return new Member([LONGSHORE, "run", "job-queue", "--log", "json", ...options], this.env());
  }

  /** A host that serves, started by a program with options that the command line does not have. */
  hostWith(options: Readonly<Record<string, unknown>>): Member {
    return new Member([fileURLToPath(new URL("host.ts", import.meta.url)), JSON.stringify({ stateDir: join(this.folder, "host"), ...options })], this.env());
  }

  async servingHost(...options: readonly string[]): Promise<Member> {
    const host = this.host(...options);
    await host.said("host.serving");
    return host;
  }

  /** A worker under this instance name; the same name again is the next life of that instance. */
  async worker(instance: string): Promise<WorkerMember> {
    const file = this.executionsFile(instance);
    const worker = this.works(new WorkerMember(instance, file, [fileURLToPath(new URL("worker.ts", import.meta.url)), instance, file], this.env()));
    await worker.said("ready");
    return worker;
  }

  /** `longshore run job-queue worker …`: a process that hosts, or stands by to, and works. */
  instance(name: string, jobs: string, { place, options = [] }: { readonly place?: Place | undefined; readonly options?: readonly string[] } = {}): WorkerMember {
    const file = this.executionsFile(name);
    const args = [LONGSHORE, "run", "job-queue", "worker", jobs, "--instance", name, "--concurrency", "8", "--log", "json", ...options];
    return this.works(new WorkerMember(name, file, args, { ...this.env(), EXECUTIONS_FILE: file }, place?.enter));
  }

  private works(worker: WorkerMember): WorkerMember {
    this.workers.push(worker);
    return worker;
  }

  private executionsFile(instance: string): string {
    return join(this.folder, `${instance}-${this.workers.length}.log`);
  }

  async client(options: Omit<ConnectOptions, "servers"> = {}): Promise<Longshore> {
    const ls = await connectClient({ servers: this.urls, principal: "client", ...options });
    onTestFinished(() => ls.close());
    return ls;
  }

  /** A client that knows nothing of Longshore. */
  async bare(): Promise<NatsConnection> {
    const nc = await connectBare({ servers: this.urls.split(","), maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    onTestFinished(() => nc.close());
    return nc;
  }

  /** Gives a stream another bound; answers the one it had. */
  async setBytesMax(stream: string, bytes: number): Promise<void> {
    const nc = await this.bare();
    const info = (await nc.request(`$JS.API.STREAM.INFO.${stream}`)).json<{ readonly config: object }>();
    const answer = (await nc.request(`$JS.API.STREAM.UPDATE.${stream}`, JSON.stringify({ ...info.config, max_bytes: bytes }))).json<{ readonly error?: { readonly description: string } }>();
    await nc.close();
    if (answer.error !== undefined) throw new Error(answer.error.description);
  }

  async streamState(stream: string): Promise<{ readonly bytes: number; readonly messages: number; readonly first_seq: number; readonly last_seq: number }> {
    const nc = await this.bare();
    const { state } = (await nc.request(`$JS.API.STREAM.INFO.${stream}`)).json<{ readonly state: { readonly bytes: number; readonly messages: number; readonly first_seq: number; readonly last_seq: number } }>();
    await nc.close();
    return state;
  }

  private env(): NodeJS.ProcessEnv {
    return { ...process.env, NATS_URL: this.urls, XDG_STATE_HOME: join(this.folder, "state"), NO_COLOR: "1" };
  }
}

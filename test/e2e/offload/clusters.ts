/**
 * Clusters of real processes, joined by a leaf node: each with a server of its own that syncs every write, hosts that start again
 * whatever ends them, and workers where it has any. Every process is a user that may do no more than its role.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Connection } from "@longshore/nats";
import { connect, type Longshore } from "longshore";
import { onTestFinished } from "vitest";
import { Fleet, type Slot } from "../../chaos/fleet.ts";
import { connectionOf, type JoinedServer, JoinedServers, passwordOf } from "../../joined-servers.ts";
import { Member, until, WorkerMember } from "../faults/world.ts";
import { TOPIC } from "./flip.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const LONGSHORE = join(ROOT, "packages/cli/src/main.ts");
const JOBS = fileURLToPath(new URL("jobs.ts", import.meta.url));
const GIB = 1024 ** 3;
const COMMAND_WITHIN_MS = 60_000;

export const ACTOR = { queue: "job-queue.main", router: "offload-router.main" } as const;

export interface ClusterOptions {
  readonly name: string;
  /** Processes that host queue and router; one of them each. */
  readonly hosts: number;
  /** Processes that work. */
  readonly workers?: number;
  /** What they work on; the usual topic when absent. */
  readonly topics?: readonly string[];
}

export interface ClustersOptions {
  /** The hub first; all others are its leaf nodes. */
  readonly clusters: readonly ClusterOptions[];
  readonly storeBytes?: number;
}

/** What a command of the command line came to. */
export interface CommandEnd {
  readonly code: number;
  readonly text: string;
}

export class Cluster {
  readonly name: string;
  readonly server: JoinedServer["nats"];
  /** May what a host may. */
  readonly connection: Connection;
  readonly hosts: Fleet;
  readonly workers: Fleet<WorkerMember>;
  /** Its server was killed: nats-server then forgets some of what was removed from a stream just before. */
  wasServerKilled = false;
  /** Every worker process there was. */
  readonly lives: WorkerMember[] = [];
  private readonly folder: string;
  private readonly peers: readonly string[];
  private readonly topics: readonly string[];

  constructor({ cluster, nats }: JoinedServer, connection: Connection, folder: string, peers: readonly string[], { hosts, workers = 0, topics = [TOPIC] }: ClusterOptions) {
    this.name = cluster;
    this.server = nats;
    this.connection = connection;
    this.folder = folder;
    this.peers = peers;
    this.topics = topics;
    this.hosts = new Fleet(named("h", hosts), (name) => this.host(name));
    this.workers = new Fleet(named("w", workers), (name) => this.worker(name));
  }

  /** The process that hosts an actor now. @throws when none does within a minute. */
  async hostOf(actor: string): Promise<Slot> {
    await until(`somebody hosts ${actor} of ${this.name}`, () => this.hosts.hostOf(actor) !== undefined).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.words()}`);
    });
    return this.hosts.hostOf(actor)!;
  }

  async client(principal: "submitter" | "operator" = "operator"): Promise<Longshore> {
    const ls = await connect({ servers: this.server.url, cluster: this.name, principal, password: passwordOf(principal) });
    onTestFinished(() => ls.close());
    return ls;
  }

  /** As a crash would end it; it is started again. */
  async killServer(): Promise<void> {
    this.wasServerKilled = true;
    await this.server.kill();
    await this.server.restart();
  }

  /** A command of the command line as the operator, to its end. */
  async command(...args: readonly string[]): Promise<CommandEnd> {
    const member = new Member([LONGSHORE, ...args, ...this.place("operator")], this.env("operator"));
    await until(`longshore ${args.join(" ")} ends`, () => member.isEnded, COMMAND_WITHIN_MS);
    return { code: await member.ended, text: member.text };
  }

  /** Starts nothing more, and ends what runs. */
  async end(): Promise<void> {
    for (const fleet of [this.hosts, this.workers]) {
      fleet.end();
      await Promise.all(fleet.slots.map((slot) => fleet.kill(slot)));
    }
  }

  /** What ended without being asked to, for no ordinary reason. */
  get surprises(): readonly string[] {
    return [...this.hosts.surprises, ...this.workers.surprises].map((words) => `${this.name}: ${words}`);
  }

  /** The last that its processes said. */
  words(): string {
    return [...this.hosts.slots, ...this.workers.slots].map(({ name, member }) => `${this.name} ${name}: ${member.text.slice(-1_500)}`).join("\n");
  }

  /** `longshore run …` as that user; for processes that nobody starts again. */
  runs(user: "host" | "worker", ...words: readonly string[]): Member {
    return new Member([LONGSHORE, "run", ...words, "--log", "json", ...this.place(user)], this.env(user));
  }

  private host(name: string): Member {
    return this.runs("host", "job-queue", "offload-router", "--instance", `${this.name}-${name}`, "--peers", this.peers.join(","));
  }

  private worker(name: string): WorkerMember {
    const file = join(this.folder, `${this.name}-${name}-${this.lives.length}.log`);
    const args = [LONGSHORE, "run", "worker", JOBS, "--instance", `${this.name}-${name}`, "--concurrency", "4", "--log", "json", ...this.place("worker")];
    const member = new WorkerMember(name, file, args, { ...this.env("worker"), EXECUTIONS_FILE: file, FLIP_TOPICS: this.topics.join(",") });
    this.lives.push(member);
    return member;
  }

  private place(user: string): readonly string[] {
    return ["--cluster", this.name, "--user", user, "--server", this.server.url];
  }

  env(user: string): NodeJS.ProcessEnv {
    return { ...process.env, LONGSHORE_PASSWORD: passwordOf(user), XDG_STATE_HOME: join(this.folder, `state-${this.name}`), NO_COLOR: "1" };
  }
}

const named = (letter: string, count: number): readonly string[] => Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);

export class Clusters {
  readonly all: readonly Cluster[];
  private readonly servers: JoinedServers;

  private constructor(all: readonly Cluster[], servers: JoinedServers) {
    this.all = all;
    this.servers = servers;
  }

  static async open({ clusters, storeBytes = 60 * GIB }: ClustersOptions): Promise<Clusters> {
    const folder = await mkdtemp(join(tmpdir(), "longshore-offload-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const names = clusters.map(({ name }) => name);
    const servers = await JoinedServers.start({ folder, clusters: names, storeBytes });
    onTestFinished(() => servers.close());
    await until("the servers have joined", () => servers.see(true));
    const all = await Promise.all(servers.all.map(async (one, i) => {
      const connection = await connectionOf(one, "host");
      onTestFinished(() => connection.close());
      return new Cluster(one, connection, folder, names.filter((name) => name !== one.cluster), clusters[i]!);
    }));
    for (const one of all) onTestFinished(() => one.end());
    await Promise.all(all.flatMap((one) => [one.hostOf(ACTOR.queue), one.hostOf(ACTOR.router)]));
    return new Clusters(all, servers);
  }

  of(name: string): Cluster {
    const found = this.all.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no cluster "${name}"`);
    return found;
  }

  /** Bytes over the link so far, both ways. */
  get carried(): number {
    const { there, back } = this.servers.link.bytes;
    return there + back;
  }

  async cut(): Promise<void> {
    this.servers.link.cut();
    await until("the servers know that the link is cut", () => this.servers.see(false));
  }

  async join(): Promise<void> {
    this.servers.link.join();
    await until("the servers have joined again", () => this.servers.see(true));
  }

  words(): string {
    return this.all.map((one) => one.words()).join("\n");
  }
}

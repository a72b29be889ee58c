/** Instances under a light load, one of which is hurt at a time, and what the others say of it. */
import type { InstanceService } from "@longshore/cli";
import { startInstance } from "@longshore/cli";
import { connect as connectNats, type NatsServer, provision, startServer } from "@longshore/nats";
import { connect, type Longshore } from "longshore";
import { sleep } from "../measure.ts";
import { instance, type Process, type Said, until } from "./processes.ts";

/** Jobs added a second while anything is measured, so that it shows when they are begun again. */
const RATE = 100;
const ADDER_PAUSE_MS = 10;
/** An add that fails while a host is away is one job fewer, not a failure of the measurement. */
const OPEN_ADDS_MAX = 2_000;

export interface WorldOptions {
  readonly directory: string;
  readonly instances: number;
  /** Every instance folds the histories of shards that others host. */
  readonly standby: boolean;
}

/** Milliseconds from the stroke, to the slowest of those that were told. */
export interface Told {
  readonly changingMs: number;
  readonly changedMs: number;
}

export class World {
  readonly all: Process[];
  readonly env: NodeJS.ProcessEnv;
  /** An instance in this process, which announces what it is told. */
  readonly speaker: InstanceService;
  private readonly server: NatsServer;
  private readonly client: Longshore;
  private readonly options: WorldOptions;
  private isOver = false;
  private adding: Promise<void> = Promise.resolve();

  private constructor(server: NatsServer, client: Longshore, speaker: InstanceService, options: WorldOptions) {
    this.server = server;
    this.client = client;
    this.speaker = speaker;
    this.options = options;
    this.env = envOf(server, options.directory);
    this.all = Array.from({ length: options.instances }, (_, i) => this.start(`i${i + 1}`));
  }

  static async open(options: WorldOptions): Promise<World> {
    const server = await startServerAt(options.directory);
    const connection = { servers: server.url, principal: "bench" };
    const speaker = await startInstance({ connection, instance: "speaker", isReady: true });
    const world = new World(server, await connect(connection), speaker, options);
    await world.settled();
    world.adding = world.add();
    return world;
  }

  get host(): Process | undefined {
    return this.all.find(({ isHosting, isEnded }) => isHosting && !isEnded);
  }

  /** Those that have not ended, but for one. */
  others(victim: Process | undefined): readonly Process[] {
    return this.all.filter((one) => one !== victim && !one.isEnded);
  }

  /** All are in everybody's view, one hosts, and jobs are begun. What was said before is forgotten. */
  async settled(): Promise<void> {
    const names = this.all.map(({ name }) => name);
    const isWhole = (): boolean => this.host !== undefined && this.all.every(({ members }) => names.every((name) => members.includes(name)));
    await until("all are in one view and one hosts", isWhole);
    let sinceMs = Date.now();
    await until("it stays so", () => {
      if (!isWhole() || this.all.some((one) => one.first("host.serving", sinceMs) ?? one.first("host.moved", sinceMs))) sinceMs = Date.now();
      return Date.now() - sinceMs >= 1_000;
    });
    for (const one of this.all) one.said.length = 0;
  }

  /** Starts the next life of an instance. */
  restart({ name }: Process): Process {
    const next = this.start(name);
    this.all[this.all.findIndex((one) => one.name === name)] = next;
    return next;
  }

  /** Waits until all of these were told of a view with, or without, that instance. */
  async told(by: readonly Process[], fromMs: number, is: (said: Said) => boolean): Promise<Told> {
    const changed = (one: Process): Said | undefined => one.first("topology.view", fromMs, is);
    await until("everybody is told", () => by.every((one) => changed(one) !== undefined));
    const slowest = (times: readonly number[]): number => Math.max(...times) - fromMs;
    return {
      changingMs: slowest(by.map((one) => one.first("topology.changing", fromMs)?.atMs ?? Number.NaN)),
      changedMs: slowest(by.map((one) => changed(one)!.atMs)),
    };
  }

  /** From an instant to the first job that is begun by any of these after the longest pause since. */
  async dispatchedAgain(by: readonly Process[], fromMs: number): Promise<number> {
    const begun = (): readonly number[] => by.flatMap(({ said }) => said.filter(({ event, atMs }) => event === "job.started" && atMs >= fromMs)).map(({ atMs }) => atMs).sort((a, b) => a - b);
    const hostsSinceMs = Date.now();
    await until("jobs are begun again", () => this.host !== undefined && (begun().at(-1) ?? 0) > hostsSinceMs && Date.now() - hostsSinceMs > 500);
    const times = [fromMs, ...begun()];
    let end = fromMs;
    for (let i = 1, longest = -1; i < times.length; i++) {
      const pause = times[i]! - times[i - 1]!;
      if (pause > longest) [longest, end] = [pause, times[i]!];
    }
    return end - fromMs;
  }

  async close(): Promise<void> {
    this.isOver = true;
    await this.adding;
    await this.client.close();
    await this.speaker.close();
    for (const one of this.all) one.signal("SIGKILL");
    await this.server.stop();
  }

  private start(name: string): Process {
    return instance(name, this.env, { standby: this.options.standby });
  }

  private async add(): Promise<void> {
    let open = 0;
    while (!this.isOver) {
      for (let i = 0; i < (RATE * ADDER_PAUSE_MS) / 1_000 && open < OPEN_ADDS_MAX; i++) {
        open++;
        void this.client.add("bench", {}).then(() => open--, () => open--);
      }
      await sleep(ADDER_PAUSE_MS);
    }
  }
}

/** A server with the streams, which syncs every write. */
export async function startServerAt(directory: string): Promise<NatsServer> {
  const server = await startServer({ storeDir: `${directory}/store` });
  const connection = await connectNats({ principal: "bench", servers: server.url });
  await provision(connection, { cluster: "main" });
  await connection.close();
  return server;
}

export const envOf = ({ url }: NatsServer, directory: string): NodeJS.ProcessEnv => ({ NATS_URL: url, XDG_STATE_HOME: `${directory}/state` });

/** Everything that runs: a nats-server, a host, workers, each a process of its own, all ended in order. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Connection, connect, type NatsServer, provision, startServer } from "@longshore/nats";
import { Crew, type Member } from "./crew.ts";
import { Fleet } from "./fleet.ts";
import type { Said } from "./instance.ts";

export interface StageOptions {
  /** Keeps the store, the logs and whatever else is left behind. */
  readonly folder: string;
  readonly workers: number;
  /** In place of a host and workers; 0: none. */
  readonly instances: number;
  readonly onLost: (error: Error) => void;
}

const HOST = "host";

export class Stage {
  readonly server: NatsServer;
  /** Of the conductor: it may do everything, because this server has no users. */
  readonly connection: Connection;
  private readonly folder: string;
  private readonly crew: Crew;
  private hostNow: Member | undefined;
  private readonly workersNow: Member[] = [];
  readonly fleet: Fleet;

  private constructor(server: NatsServer, connection: Connection, options: StageOptions) {
    this.server = server;
    this.connection = connection;
    this.folder = options.folder;
    this.crew = new Crew(join(options.folder, "logs"), { NATS_URL: server.url }, options.onLost, (name, message) => this.fleet.heard(name, message as Said));
    this.fleet = new Fleet(this.crew, options.folder);
  }

  /** `onOpened` gets the stage as soon as something runs, so that a failure half-way leaves nothing behind. */
  static async start(options: StageOptions, onOpened: (stage: Stage) => void): Promise<Stage> {
    await mkdir(join(options.folder, "logs"), { recursive: true });
    const server = await startServer({ storeDir: join(options.folder, "store") });
    const connection = await connect({ principal: "demo", servers: server.url });
    const stage = new Stage(server, connection, options);
    onOpened(stage);
    await provision(connection, { cluster: "main" });
    if (options.instances > 0) await stage.fleet.start(options.instances);
    else await Promise.all([stage.startHost(), ...Array.from({ length: options.workers }, (_, i) => stage.startWorker(i + 1))]);
    return stage;
  }

  get host(): Member | undefined {
    return this.hostNow;
  }

  get workers(): readonly Member[] {
    return this.workersNow;
  }

  /** The host and the last worker die without a word. Answers who they were. */
  async crash(): Promise<readonly Member[]> {
    const victims = [this.hostNow, this.workersNow.at(-1)].filter((member) => member !== undefined);
    await Promise.all(victims.map((member) => this.crew.kill(member)));
    return victims;
  }

  /** What died is started again, under the same names. */
  async mend(): Promise<readonly Member[]> {
    await Promise.all([this.startHost(), ...(this.workersNow.length === 0 ? [] : [this.startWorker(this.workersNow.length)])]);
    return [this.hostNow, this.workersNow.at(-1)].filter((member) => member !== undefined);
  }

  async stop(): Promise<void> {
    await this.crew.stop(HOST);
    await this.connection.close();
    await this.server.stop();
  }

  private async startHost(): Promise<void> {
    this.hostNow = await this.crew.start(HOST, "host.ts", [join(this.folder, "host")]);
  }

  private async startWorker(number: number): Promise<void> {
    this.workersNow[number - 1] = await this.crew.start(`worker-${number}`, "worker.ts", [`demo-worker-${number}`]);
  }
}

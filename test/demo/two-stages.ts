/** Two clusters, each with a nats-server and processes of its own, joined by a leaf node: one takes jobs, the other has workers. */
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Connection, connect, type NatsServer, provision, startServer } from "@longshore/nats";
import { freePort } from "../free-port.ts";
import { Crew, type Member } from "./crew.ts";

export const HUB = "hub";
export const WEST = "west";
type Cluster = typeof HUB | typeof WEST;

const LONGSHORE = fileURLToPath(new URL("../../packages/cli/bin/longshore.js", import.meta.url));
const HOST = "host";

interface Part {
  readonly server: NatsServer;
  readonly connection: Connection;
  readonly crew: Crew;
}

export interface TwoStagesOptions {
  readonly folder: string;
  readonly workers: number;
  readonly onLost: (error: Error) => void;
}

export class TwoStages {
  private readonly parts = new Map<Cluster, Part>();
  private readonly folder: string;
  private readonly onLost: (error: Error) => void;
  readonly members = new Map<string, Member>();

  private constructor({ folder, onLost }: TwoStagesOptions) {
    this.folder = folder;
    this.onLost = onLost;
  }

  /** `onOpened` gets it as soon as something may run, so that a failure half-way leaves nothing behind. */
  static async start(options: TwoStagesOptions, onOpened: (stages: TwoStages) => void): Promise<TwoStages> {
    const stages = new TwoStages(options);
    onOpened(stages);
    const leafPort = await freePort();
    await stages.open(HUB, { domain: HUB, listen: `127.0.0.1:${leafPort}` }, {});
    await stages.open(WEST, { domain: WEST, hubVariable: "DEMO_HUB" }, { DEMO_HUB: `nats://127.0.0.1:${leafPort}` });
    const names = Array.from({ length: options.workers }, (_, i) => `worker-${i + 1}`);
    await Promise.all([stages.startHost(HUB), stages.startHost(WEST), ...names.map((name) => stages.startWorker(name))]);
    return stages;
  }

  part(cluster: Cluster): Part {
    return this.parts.get(cluster)!;
  }

  /** The other cluster's host, with its router, and the last worker die without a word. */
  async crash(): Promise<readonly Member[]> {
    const { crew } = this.part(WEST);
    const victims = [this.members.get(`${WEST}-${HOST}`), [...this.members.values()].at(-1)].filter((member) => member !== undefined);
    await Promise.all(victims.map((member) => crew.kill(member)));
    return victims;
  }

  async mend(victims: readonly Member[]): Promise<readonly Member[]> {
    return Promise.all(victims.map(({ name }) => (name.endsWith(HOST) ? this.startHost(WEST) : this.startWorker(name))));
  }

  /** What a person would type on the hub's side; answers what it prints. */
  longshore(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, NATS_URL: this.part(HUB).server.url, LONGSHORE_CLUSTER: HUB, NO_COLOR: "1" };
    const child = spawn(process.execPath, [LONGSHORE, ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => { said += text; });
    return new Promise((resolve) => child.once("close", () => resolve(said)));
  }

  /** Jobs first: what is on its way is not followed any more. */
  async stop(): Promise<void> {
    for (const cluster of [WEST, HUB] as const) {
      const part = this.parts.get(cluster);
      if (part === undefined) continue;
      await part.crew.stop(`${cluster}-${HOST}`);
      await part.connection.close();
      await part.server.stop();
    }
  }

  private async open(cluster: Cluster, leaf: NonNullable<Parameters<typeof startServer>[0]["leaf"]>, env: Readonly<Record<string, string>>): Promise<void> {
    await mkdir(join(this.folder, cluster, "logs"), { recursive: true });
    const server = await startServer({ storeDir: join(this.folder, cluster, "store"), cluster, serverName: cluster, leaf, env });
    const connection = await connect({ principal: "demo", servers: server.url });
    this.parts.set(cluster, { server, connection, crew: new Crew(join(this.folder, cluster, "logs"), { NATS_URL: server.url, LONGSHORE_CLUSTER: cluster }, this.onLost) });
    await provision(connection, { cluster });
  }

  private startHost(cluster: Cluster): Promise<Member> {
    const name = `${cluster}-${HOST}`;
    return this.startMember(cluster, name, "cluster-host.ts", [cluster, cluster === HUB ? WEST : HUB, join(this.folder, name)]);
  }

  private startWorker(name: string): Promise<Member> {
    return this.startMember(WEST, name, "cluster-worker.ts", [WEST, name, join(this.folder, name)]);
  }

  private async startMember(cluster: Cluster, name: string, file: string, args: readonly string[]): Promise<Member> {
    const member = await this.part(cluster).crew.start(name, file, args);
    this.members.set(name, member);
    return member;
  }
}

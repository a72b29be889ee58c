/** Two clusters on this machine, joined by a leaf node over a relay that counts: one adds jobs and does some itself, the other does the rest. */
import { connect, type Longshore } from "longshore";
import { JoinedServers } from "../../joined-servers.ts";
import { Process, until } from "../topology/processes.ts";
import type { Where } from "./topics.ts";

const JOBS = new URL("jobs.ts", import.meta.url).pathname;
export const [ORIGIN, THERE] = ["hub", "west"] as const;
const STORE_BYTES = 60 * 1024 ** 3;
/** Jobs that each cluster does at a time. */
const CONCURRENCY = 64;
const STARTED_WITHIN_MS = 60_000;
export const QUEUE = "bench";

export class World {
  readonly origin: Longshore;
  readonly there: Longshore;
  readonly servers: JoinedServers;
  private readonly processes: readonly Process[];

  private constructor(servers: JoinedServers, [origin, there]: readonly [Longshore, Longshore], processes: readonly Process[]) {
    this.servers = servers;
    this.origin = origin;
    this.there = there;
    this.processes = processes;
  }

  static async open(folder: string): Promise<World> {
    const servers = await JoinedServers.start({ folder, clusters: [ORIGIN, THERE], storeBytes: STORE_BYTES, hasUsers: false });
    const urls = servers.all.map(({ nats }) => nats.url);
    const start = (i: 0 | 1, name: string, ...words: readonly string[]): Process => {
      const [cluster, where] = ([[ORIGIN, "here"], [THERE, "there"]] as const)[i];
      return new Process(`${cluster}-${name}`, ["run", ...words, "--instance", `${cluster}-${name}`, "--cluster", cluster, "--log", "json"], { NATS_URL: urls[i], XDG_STATE_HOME: `${folder}/state-${cluster}`, BENCH_WHERE: where });
    };
    const processes = ([[0, THERE], [1, ORIGIN]] as const).flatMap(([i, peer]) => [
      start(i, "host", "job-queue", "offload-router", "--peers", peer), start(i, "worker", "worker", JOBS, "--concurrency", String(CONCURRENCY)),
    ]);
    const clients = await Promise.all(urls.map((url, i) => connect({ servers: url, cluster: i === 0 ? ORIGIN : THERE, principal: "bench" })));
    const world = new World(servers, clients as unknown as readonly [Longshore, Longshore], processes);
    await until("all serve and work", () => processes.every((one) => one.first(one.name.endsWith("host") ? "host.serving" : "worker.started", 0) !== undefined), STARTED_WITHIN_MS);
    await world.settled();
    return world;
  }

  /** Bytes over the link so far, both ways. */
  get carried(): number {
    const { there, back } = this.servers.link.bytes;
    return there + back;
  }

  /** A job goes either way and comes back. */
  private async settled(): Promise<void> {
    await this.origin.queues.configure(QUEUE, { topics: ["bench/*"] });
    for (const where of ["here", "there"] as const satisfies readonly Where[]) await (await this.origin.add(`bench/nothing-${where}`, null)).result();
  }

  async close(): Promise<void> {
    await Promise.all([this.origin.close(), this.there.close()]);
    for (const one of this.processes) one.signal("SIGKILL");
    await this.servers.close();
  }
}

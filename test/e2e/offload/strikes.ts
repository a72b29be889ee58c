/** What is done to the parts of two clusters while jobs go from one to the other and back, one thing at a time. */
import { ACTOR, type Cluster } from "./clusters.ts";

export interface Strike {
  readonly name: string;
  /** Resolves when what was struck is back; whatever it interrupts goes on later. */
  hit(): Promise<void>;
}

/** A host is overtaken by the other one, and starts again beside it. */
const hostOf = (cluster: Cluster, actor: string, name: string): Strike => ({
  name: `${name} of ${cluster.name}`,
  async hit() {
    await cluster.hosts.kill(await cluster.hostOf(actor));
    await cluster.hostOf(actor);
  },
});

const worker = (cluster: Cluster, i: number): Strike => ({
  name: `a worker of ${cluster.name}`,
  async hit() {
    const slot = cluster.workers.slots[i % cluster.workers.slots.length]!;
    await cluster.workers.kill(slot);
  },
});

const server = (cluster: Cluster): Strike => ({
  name: `the server of ${cluster.name}`,
  async hit() {
    await cluster.killServer();
    await Promise.all([cluster.hostOf(ACTOR.queue), cluster.hostOf(ACTOR.router)]);
  },
});

/** Each part in turn. */
export const strikesOn = (origin: Cluster, there: Cluster): readonly Strike[] => [
  hostOf(origin, ACTOR.router, "the router"), hostOf(there, ACTOR.router, "the router"), hostOf(origin, ACTOR.queue, "the queue"), hostOf(there, ACTOR.queue, "the queue"),
  worker(there, 0), server(origin), server(there),
];

/** Two clusters in memory, joined by a link: queues and routers with their hosts, and a program in each. */
import type { JobQueueActor } from "@longshore/job-queue";
import { jobQueue, presence, results, wanted } from "@longshore/job-queue";
import type { Attendant } from "@longshore/kernel";
import { Host } from "@longshore/kernel";
import type { OffloadEvent, OffloadState } from "@longshore/offload-router";
import { OFFLOAD_ACTOR, OFFLOAD_KIND, offloadRouter } from "@longshore/offload-router";
import { MemoryServer, sha256 } from "@longshore/testkit";
import { Client } from "../../client.ts";
import { Longshore } from "../../longshore.ts";
import { seededRandom } from "../../testing/seeded-random.ts";
import { SteppedClock } from "../../testing/stepped-clock.ts";

const STARTS_AT = Date.UTC(2026, 0, 1);
const HELLO = { role: "hello", principal: "host" } as const;

export interface TwoClusters {
  readonly home: Longshore;
  readonly far: Longshore;
  readonly clock: SteppedClock;
  /** The router of `home` is gone without a word. */
  killRouter(): void;
  close(): Promise<void>;
}

/** `far` takes up to four jobs of `media/thumbnail` for `home`. */
export async function twoClusters(): Promise<TwoClusters> {
  const clock = new SteppedClock();
  const [home, far] = [new Cluster("home", "far", clock), new Cluster("far", "home", clock)];
  home.server.linkTo(far.server);
  for (const { host } of [home.queue, far.queue, home.router, far.router]) host.open();
  await clock.advance(1_000);
  const close = async (): Promise<void> => {
    const closing = Promise.all([home, far].map(({ client }) => client.close(0)));
    let isClosed = false;
    void closing.then(() => {
      isClosed = true;
    });
    while (!isClosed) await clock.advance(1_000);
    for (const { host } of [home.queue, far.queue, home.router, far.router]) host.close();
    clock.close();
  };
  const killRouter = (): void => {
    home.router.disconnect();
    home.router.host.close();
  };
  return { home: new Longshore(home.client), far: new Longshore(far.client), clock, killRouter, close };
}

class Cluster {
  readonly server: MemoryServer;
  readonly client: Client;
  readonly queue: Hosted;
  readonly router: Hosted;

  constructor(cluster: string, other: string, clock: SteppedClock) {
    this.server = new MemoryServer({ cluster, clock, startedAt: STARTS_AT });
    const { server } = this;
    const actor: JobQueueActor = jobQueue({ cluster, shard: "main" });
    const ports = server.hostPorts(actor.kind, "main", "host");
    const attendants = [presence({ shard: "main" }), results({ shard: "main" }), wanted({ wanted: server.wanted })];
    this.queue = { host: new Host(actor, ports, { cluster, actor: "main", instance: "host", principal: "host", incarnation: `${cluster}-queue`, software: "test", attendants }), disconnect: () => undefined };
    const wires = server.hostPorts(OFFLOAD_KIND, OFFLOAD_ACTOR, "host");
    this.router = {
      host: new Host(offloadRouter({ cluster }), wires, { cluster, actor: OFFLOAD_ACTOR, instance: "host", principal: "host", incarnation: `${cluster}-router`, software: "test", attendants: [routeTo(other)] }),
      disconnect: () => (wires.wire as { readonly disconnect?: () => void }).disconnect?.(),
    };
    this.client = new Client({
      ports: { wire: server.wire("ann"), clock, random: seededRandom(1), wallMs: () => STARTS_AT + clock.monotonicMs() },
      hash: sha256, blobs: server.blobs, journal: (kind, name) => server.journal(kind, name), wanted: server.wanted,
      cluster, principal: "ann", shard: "main", instance: `${cluster}-1`, processors: 1,
    });
  }
}

interface Hosted {
  readonly host: { open(): void; close(): void };
  disconnect(): void;
}

const routeTo = (cluster: string): Attendant<OffloadState, OffloadEvent> => ({
  serving: (context) => {
    context.command("own", { topics: ["media/thumbnail"], shards: ["main"] }, HELLO);
    context.command("route", { cluster, pools: [{ topics: ["media/thumbnail"], slots: 4 }] }, HELLO);
  },
  stopped: () => undefined,
});

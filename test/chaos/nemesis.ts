/** What is done to instances and servers, and when: drawn from a seed, two hands at a time. */
import type { NatsServer } from "@longshore/nats";
import { STREAM, until, type World } from "../e2e/faults/world.ts";
import { type Chance, chanceOf } from "./chance.ts";
import type { Fleet, Slot } from "./fleet.ts";
import type { Network } from "./network.ts";
import { areWhole, leaderOf } from "./servers.ts";

const STREAMS = ["LS_main_INBOX", "LS_main_PEERS", "LS_main_JOURNAL", "LS_main_SNAPSHOTS", "LS_main_BLOBS", "LS_main_MARKS", "KV_LS_main_CONFIG"];
/** A host that is silent for longer is overtaken. */
const OVERTAKEN_AFTER_MS = 10_000;
const LEAVE_WITHIN_MS = 20_000;
const WHOLE_WITHIN_MS = 120_000;

type Fault = "kill the host" | "kill an instance" | "stop the host" | "stop an instance" | "leave" | "leave, the host" | "kill the journal's leader" | "kill a server" | "restart all servers"
  | "cut off the host" | "cut off an instance" | "cut off a server" | "part a server from the others";

const OF_INSTANCES: readonly Fault[] = ["kill the host", "kill an instance", "stop the host", "stop an instance", "leave", "leave, the host"];
const OF_SERVERS: readonly Fault[] = ["kill the journal's leader", "kill a server", "restart all servers"];
/** Only where there is a network of the test's own. */
const CUTS_OF_INSTANCES: readonly Fault[] = ["cut off the host", "cut off an instance"];
const CUTS_OF_SERVERS: readonly Fault[] = ["cut off a server", "part a server from the others"];

export interface Stroke {
  readonly fault: Fault;
  readonly victim: string;
}

export class Nemesis {
  readonly strokes: Stroke[] = [];
  readonly troubles: string[] = [];
  private readonly world: World;
  private readonly fleet: Fleet;
  private readonly network: Network | undefined;
  private readonly say: (line: string) => void;
  private isOver = false;

  constructor(world: World, fleet: Fleet, { network, say }: { readonly network: Network | undefined; readonly say: (line: string) => void }) {
    this.world = world;
    this.fleet = fleet;
    this.network = network;
    this.say = say;
  }

  /** Strikes until `isOver`; then everything that was hurt is whole again. */
  async strike(seed: number, untilOver: Promise<void>): Promise<void> {
    void untilOver.then(() => { this.isOver = true; });
    const [ofInstances, ofServers] = this.network === undefined ? [OF_INSTANCES, OF_SERVERS] : [[...OF_INSTANCES, ...CUTS_OF_INSTANCES], [...OF_SERVERS, ...CUTS_OF_SERVERS]];
    const hurtsServers = this.world.servers.length >= 3;
    await Promise.all([this.hand(chanceOf(seed), ofInstances, [500, 4_000]), hurtsServers ? this.hand(chanceOf(seed + 1), ofServers, [2_000, 12_000]) : undefined]);
    await this.whole().catch((error: Error) => this.troubles.push(error.message));
  }

  /** Every kind comes once before one comes again. */
  private async hand(chance: Chance, kinds: readonly Fault[], [restMinMs, restMaxMs]: readonly [number, number]): Promise<void> {
    let deck: Fault[] = [];
    while (!this.isOver) {
      await this.rest(chance.between(restMinMs, restMaxMs));
      if (deck.length === 0) deck = chance.shuffled(kinds);
      const fault = deck.pop();
      if (fault === undefined || this.isOver) return;
      await this.does(fault, chance).catch((error: Error) => this.troubles.push(`${fault}: ${error.message}`));
    }
  }

  private async does(fault: Fault, chance: Chance): Promise<void> {
    if (OF_SERVERS.includes(fault) || CUTS_OF_SERVERS.includes(fault)) return this.hurtServers(fault, chance);
    // Somebody must be left to go on.
    if (this.fleet.running.length < 2) return;
    const slot = fault.includes("host") ? this.fleet.host : chance.pick(this.fleet.running);
    if (slot === undefined || slot.isStopped) return;
    this.noted(fault, slot.name);
    return this.hurtInstance(fault, slot, chance);
  }

  private async hurtInstance(fault: Fault, slot: Slot, chance: Chance): Promise<void> {
    if (fault.startsWith("kill")) return this.fleet.kill(slot);
    if (fault.startsWith("leave")) {
      if (!(await this.fleet.leave(slot, LEAVE_WITHIN_MS))) this.troubles.push(`${slot.name} had not left ${LEAVE_WITHIN_MS} ms after SIGTERM:\n${slot.member.text.slice(-1_500)}`);
      return;
    }
    if (fault.startsWith("cut")) return this.cutInstance(slot, chance);
    this.fleet.pause(slot);
    await this.rest(fault === "stop the host" ? OVERTAKEN_AFTER_MS + chance.between(2_000, 5_000) : chance.between(500, 14_000));
    this.fleet.goOn(slot);
  }

  private async cutInstance(slot: Slot, chance: Chance): Promise<void> {
    slot.isStopped = true;
    this.network?.cut(slot.name);
    await this.rest(chance.between(1_000, 25_000));
    this.network?.heal(slot.name);
    slot.isStopped = false;
  }

  /** It runs on meanwhile; whoever is connected to it may not know. */
  private async cutServer(fault: Fault, victim: NatsServer, chance: Chance): Promise<void> {
    const { network } = this;
    const name = this.nameOf(victim);
    const others = this.world.servers.map((server) => this.nameOf(server)).filter((other) => other !== name);
    const parts = fault === "part a server from the others";
    if (parts) for (const other of others) network?.part(name, other);
    else network?.cut(name);
    await this.rest(chance.between(1_000, 25_000));
    if (parts) for (const other of others) network?.unite(name, other);
    else network?.heal(name);
    await this.whole();
  }

  private async hurtServers(fault: Fault, chance: Chance): Promise<void> {
    const { servers } = this.world;
    // One that did not come back: with another away nothing could be written.
    for (const server of servers) if (!server.isRunning) await server.restart();
    await this.whole();
    if (fault === "restart all servers") {
      this.noted(fault, "n0, n1, n2");
      for (const server of servers) {
        await server.stop();
        await server.restart();
        await this.whole();
      }
      return;
    }
    const victim = fault === "kill the journal's leader" ? await leaderOf(servers, STREAM.journal) : chance.pick(servers);
    if (victim === undefined) return;
    this.noted(fault, this.nameOf(victim));
    if (CUTS_OF_SERVERS.includes(fault)) return this.cutServer(fault, victim, chance);
    await victim.kill();
    await this.rest(chance.between(500, 6_000));
    await victim.restart();
    await this.whole();
  }

  /** With another one hurt before all copies are whole, two of three could be away. */
  private whole(): Promise<void> {
    const { servers } = this.world;
    return servers.length < 3 ? Promise.resolve() : until("every copy is whole", () => areWhole(servers, STREAMS), WHOLE_WITHIN_MS);
  }

  private nameOf(server: NatsServer): string {
    return `n${this.world.servers.indexOf(server)}`;
  }

  private noted(fault: Fault, victim: string): void {
    this.strokes.push({ fault, victim });
    this.say(`${fault}: ${victim}`);
  }

  private rest(ms: number): Promise<void> {
    return new Promise((next) => setTimeout(next, ms));
  }
}

/**
 * A network of its own for each process of a run, so that traffic can be dropped in silence, as a cable that is pulled drops it:
 * nothing is refused, nothing is reset, and nobody is told.
 *
 *   the test ── bridge ──┬── n0   n1   n2   servers
 *                        └── i1 … i5        instances
 *
 * Each place is a network namespace that a small process holds, on one bridge in the namespace of the test. The test must be root
 * in a namespace already (`unshare -Urn`, which needs no rights on most systems). A port of the bridge that is disabled cuts a
 * place off; two places that have each other's hardware address wrong are parted, and both are seen by everybody else.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { onTestFinished } from "vitest";
import { until } from "../e2e/faults/world.ts";

const BRIDGE = "longshore0";
const address = (number: number): string => `10.77.0.${number}`;
/** Nobody's: what is sent there is lost. */
const NOWHERE = "02:00:00:00:00:fe";
const DISABLED = "0";
const FORWARDING = "3";

const ip = (...args: readonly string[]): void => void execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });

export interface Place {
  readonly name: string;
  readonly address: string;
  /** Put before a command, it runs there. */
  readonly enter: readonly string[];
}

interface Held extends Place {
  readonly port: string;
}

export class Network {
  private readonly places = new Map<string, Held>();

  /** Whether this process may make one. */
  static get isPossible(): boolean {
    return process.env["LONGSHORE_CHAOS_NAMESPACES"] === "1";
  }

  constructor() {
    ip("link", "set", "lo", "up");
    ip("link", "add", BRIDGE, "type", "bridge");
    ip("addr", "add", `${address(1)}/24`, "dev", BRIDGE);
    ip("link", "set", BRIDGE, "up");
    onTestFinished(() => ip("link", "del", BRIDGE));
  }

  /** A place of this name; the same one for the same name. */
  async place(name: string): Promise<Place> {
    const known = this.places.get(name);
    if (known !== undefined) return known;
    const holder = spawn("unshare", ["-n", "sh", "-c", "read -r _"], { stdio: ["pipe", "ignore", "ignore"] });
    onTestFinished(() => void holder.kill("SIGKILL"));
    await until(`${name} has a network of its own`, () => isApart(holder));
    const number = this.places.size + 2;
    const place: Held = { name, address: address(number), port: `port${number}`, enter: ["nsenter", "-t", String(holder.pid), "-n"] };
    ip("link", "add", place.port, "type", "veth", "peer", "name", `peer${number}`);
    ip("link", "set", place.port, "master", BRIDGE);
    ip("link", "set", place.port, "up");
    ip("link", "set", `peer${number}`, "netns", String(holder.pid), "name", "eth0");
    within(place, "addr", "add", `${place.address}/24`, "dev", "eth0");
    within(place, "link", "set", "eth0", "up");
    within(place, "link", "set", "lo", "up");
    this.places.set(name, place);
    return place;
  }

  /** Whatever is sent to it or by it is lost. */
  cut(name: string): void {
    ip("link", "set", "dev", this.of(name).port, "type", "bridge_slave", "state", DISABLED);
  }

  heal(name: string): void {
    ip("link", "set", "dev", this.of(name).port, "type", "bridge_slave", "state", FORWARDING);
  }

  /** What these two send each other is lost; all others reach both. */
  part(one: string, other: string): void {
    for (const [from, to] of [[this.of(one), this.of(other)], [this.of(other), this.of(one)]] as const) {
      within(from, "neigh", "replace", to.address, "lladdr", NOWHERE, "dev", "eth0", "nud", "permanent");
    }
  }

  unite(one: string, other: string): void {
    for (const [from, to] of [[this.of(one), this.of(other)], [this.of(other), this.of(one)]] as const) within(from, "neigh", "del", to.address, "dev", "eth0");
  }

  private of(name: string): Held {
    const place = this.places.get(name);
    if (place === undefined) throw new Error(`there is no place "${name}"`);
    return place;
  }
}

function within({ enter: [command, ...args] }: Held, ...words: readonly string[]): void {
  execFileSync(command!, [...args, "ip", ...words], { stdio: ["ignore", "ignore", "pipe"] });
}

function isApart({ pid }: ChildProcess): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
  } catch {
    return false;
  }
}

/**
 * Servers of several clusters as `docs/examples/leaf` has them: the first is the hub, the others join it as leaf nodes, over one link
 * that may be cut. Users have the roles of `nats.conf`, each called like its role, with the password `pw-<name>`, unless there
 * are none.
 */
import { join } from "node:path";
import { type Connection, connect, type NatsServer, provision, ROLE_USERS, type ServerUser, type StartOptions, startServer } from "@longshore/nats";
import { freePort } from "./free-port.ts";
import { Relay } from "./relay.ts";

export interface JoinedServer {
  readonly cluster: string;
  readonly nats: NatsServer;
  readonly hasUsers: boolean;
}

export interface JoinedOptions {
  /** Each cluster's store lies in a folder of its own below it. */
  readonly folder: string;
  /** The hub first. */
  readonly clusters: readonly string[];
  /** What JetStream of each may take of the disk; its streams share most of it. */
  readonly storeBytes: number;
  /** False: no users, and everybody may do everything. */
  readonly hasUsers?: boolean;
}

const USERS = ROLE_USERS.filter(({ roles }) => !roles.includes("peer"));
/** Streams may reserve so much of a server's space. */
const RESERVED = 0.95;
const READY_WITHIN_MS = 60_000;

export const passwordOf = (user: string): string => `pw-${user}`;

/** A connection as the user of that role. */
export const connectionOf = ({ nats, hasUsers }: JoinedServer, user: string): Promise<Connection> => connect({ principal: user, servers: nats.url, ...(hasUsers ? { password: passwordOf(user) } : {}) });

/** Servers with their streams, and the link between the hub and all others. */
export class JoinedServers {
  readonly all: readonly JoinedServer[];
  readonly link: Relay;

  private constructor(all: readonly JoinedServer[], link: Relay) {
    this.all = all;
    this.link = link;
  }

  /** Whoever starts them closes them. */
  static async start({ folder, clusters: [hub = "hub", ...leafs], storeBytes, hasUsers = true }: JoinedOptions): Promise<JoinedServers> {
    const peers = leafs.map((name): ServerUser => ({ name, roles: ["peer"], passwordVariable: variableOf(name) }));
    const env = Object.fromEntries([...USERS, ...peers].map(({ name, passwordVariable }) => [passwordVariable, passwordOf(name)]));
    const link = new Relay();
    const leafPort = await freePort();
    const address = `127.0.0.1:${await link.open(leafPort)}`;
    const started = async (cluster: string, options: Partial<StartOptions>): Promise<JoinedServer> => {
      const nats = await startServer({ storeDir: join(folder, cluster), serverName: cluster, cluster, fileStoreBytes: storeBytes, readyWithinMs: READY_WITHIN_MS, env, ...options });
      const one = { cluster, nats, hasUsers };
      const connection = await connectionOf(one, "provisioner");
      await provision(connection, { cluster, totalBytes: Math.floor(storeBytes * RESERVED) });
      await connection.close();
      return one;
    };
    // Otherwise leaf nodes would learn where the hub really listens, and go around the link.
    const first = await started(hub, { ...(hasUsers ? { users: [...USERS, ...peers] } : {}), leaf: { domain: hub, listen: `127.0.0.1:${leafPort}`, advertise: address } });
    const others = leafs.map((cluster) => {
      const login = hasUsers ? `${cluster}:${passwordOf(cluster)}@` : "";
      return started(cluster, { ...(hasUsers ? { users: USERS } : {}), env: { ...env, LONGSHORE_HUB: `nats://${login}${address}` }, leaf: { domain: cluster, hubVariable: "LONGSHORE_HUB" } });
    });
    return new JoinedServers([first, ...(await Promise.all(others))], link);
  }

  /** Whether every server sees those that are joined to it, or, cut, nobody. */
  async see(isJoined: boolean): Promise<boolean> {
    const wanted = this.all.map((_, i) => (isJoined ? (i === 0 ? this.all.length - 1 : 1) : 0));
    const counts = await Promise.all(this.all.map(({ nats }) => leafsOf(nats)));
    return counts.every((count, i) => count === wanted[i]);
  }

  async close(): Promise<void> {
    this.link.close();
    await Promise.all(this.all.map(({ nats }) => nats.stop()));
  }
}

const variableOf = (name: string): string => `LONGSHORE_PASSWORD_${name.toUpperCase()}`;

async function leafsOf({ monitorUrl }: NatsServer): Promise<number | undefined> {
  const answer = await fetch(`${monitorUrl}/leafz`).catch(() => undefined);
  return answer === undefined ? undefined : ((await answer.json()) as { readonly leafnodes: number }).leafnodes;
}

/** Two clusters with a server each, joined by a leaf node through a link that a test may cut. */
import { type Connection, connect, type NatsServer, permissionsOf, provision, ROLE_USERS, type ServerUser } from "@longshore/nats";
import { onTestFinished } from "vitest";
import { freePort } from "../../free-port.ts";
import { Relay } from "../../relay.ts";
import { server, until } from "./world.ts";

export const [HUB, WEST, EAST] = ["hub", "west", "east"] as const;

export interface TwoClusters {
  readonly hub: NatsServer;
  readonly west: NatsServer;
  /** Resolves when both servers know. */
  cut(): Promise<void>;
  join(): Promise<void>;
  /** A connection to the cluster's server; with users, as the one of that name. */
  as(cluster: typeof HUB | typeof WEST, user: string): Promise<Connection>;
  /** Starts the server of a third cluster, joined to the hub where there are users; a connection of its host. */
  east(): Promise<Connection>;
}

const peerOf = (name: string): ServerUser => ({ name, roles: ["peer"], passwordVariable: `LONGSHORE_PASSWORD_${name.toUpperCase()}` });

const { publish, subscribe } = permissionsOf(["peer"], HUB, WEST);
/** West may do what its role says; the provisioner everything. */
const ONLY_PEER = `authorization { users: [
  { user: ${WEST}, password: "pw-${WEST}", permissions: ${JSON.stringify({ publish, subscribe })} }
  { user: provisioner, password: "pw-provisioner" }
] }`;

/** `users`: both servers have those of `nats.conf`. `peer`: the hub has west as a peer, and else nobody who is bounded. `none`: everybody may do everything. */
export async function twoClusters(guard: "users" | "peer" | "none" = "users"): Promise<TwoClusters> {
  const link = new Relay();
  onTestFinished(() => link.close());
  const leafPort = await freePort();
  const roles = ROLE_USERS.filter(({ name }) => name !== "peer");
  const peers = [WEST, EAST].map(peerOf);
  const hasLogin = (cluster: string): boolean => guard === "users" || (guard === "peer" && cluster === HUB);
  const env = Object.fromEntries([...roles, ...peers].map(({ name, passwordVariable }) => [passwordVariable, `pw-${name}`]));
  const address = `127.0.0.1:${await link.open(leafPort)}`;
  // Otherwise the leaf node would learn where the hub really listens, and go around the link.
  const hub = await server({
    cluster: HUB, serverName: HUB, env, leaf: { domain: HUB, listen: `127.0.0.1:${leafPort}`, advertise: address }, ...(guard === "users" ? { users: [...roles, ...peers] } : {}), ...(guard === "peer" ? { extraConfig: ONLY_PEER } : {}),
  });
  const leafOf = (cluster: string): Promise<NatsServer> => {
    const login = hasLogin(HUB) ? `${cluster}:pw-${cluster}@` : "";
    return server({
      cluster, serverName: cluster, env: { ...env, LONGSHORE_HUB: `nats://${login}${address}` }, leaf: { domain: cluster, hubVariable: "LONGSHORE_HUB" },
      ...(guard === "users" ? { users: roles } : {}),
    });
  };
  const west = await leafOf(WEST);
  const at = async ({ url }: NatsServer, cluster: string, user: string): Promise<Connection> => {
    const connection = await connect({ principal: user, servers: url, ...(hasLogin(cluster) ? { password: `pw-${user}` } : {}) });
    onTestFinished(() => connection.close());
    return connection;
  };
  const as = (cluster: string, user: string): Promise<Connection> => at(cluster === HUB ? hub : west, cluster, user);
  const provisioned = async (nats: NatsServer, cluster: string): Promise<void> => {
    await provision(await at(nats, cluster, "provisioner"), { cluster, totalBytes: 200 * 1024 ** 2 });
  };
  await provisioned(hub, HUB);
  await provisioned(west, WEST);
  const joined = async (): Promise<void> => {
    await until(async () => (await hears(hub, `ls.${WEST}.in.`)) && (await hears(west, `ls.${HUB}.in.`)), "both servers know what the other one listens to");
  };
  await joined();
  return {
    hub, west, as,
    async cut() {
      link.cut();
      await until(async () => (await leafs(hub)).length === 0 && (await leafs(west)).length === 0, "both servers know that the link is cut");
    },
    join() {
      link.join();
      return joined();
    },
    async east() {
      const east = await leafOf(EAST);
      await provisioned(east, EAST);
      await until(() => hears(hub, `ls.${EAST}.in.`), "the hub knows what the third cluster listens to");
      return at(east, EAST, "host");
    },
  };
}

interface Leaf {
  readonly subscriptions_list?: readonly string[];
}

async function leafs({ monitorUrl }: NatsServer): Promise<readonly Leaf[]> {
  const answer = await fetch(`${monitorUrl}/leafz?subs=1`);
  return ((await answer.json()) as { readonly leafs?: readonly Leaf[] }).leafs ?? [];
}

const hears = async (nats: NatsServer, prefix: string): Promise<boolean> =>
  (await leafs(nats)).some(({ subscriptions_list: list }) => list?.some((subject) => subject.startsWith(prefix)) === true);

/** The text of nats-server's configuration: `nats.conf` of the repository and the embedded server's, from one source. */
import { Fault } from "@longshore/kernel";
import { FILE_STORE_BYTES, MAX_PAYLOAD_BYTES, MEMORY_STORE_BYTES } from "./limits.ts";
import { deniedFromHub, permissionsOf, ROLE_NAMES, type RoleName } from "./roles.ts";

export interface ServerUser {
  /** Also the principal: a token of every subject the user may speak on. */
  readonly name: string;
  readonly roles: readonly RoleName[];
  /** The environment variable that holds the password. It must not look like a number. */
  readonly passwordVariable: string;
}

export interface ServerSettings {
  readonly listen: string;
  /** Where monitoring is served; it has no password and must stay on loopback. */
  readonly monitor: string;
  readonly storeDir: string;
  readonly serverName?: string;
  readonly cluster?: string;
  /** Without users everybody who reaches the server may do everything. */
  readonly users?: readonly ServerUser[];
  readonly fileStoreBytes?: number;
  readonly memoryStoreBytes?: number;
  readonly maxPayloadBytes?: number;
  /** False only for tests: an acknowledged message may then be lost with the machine. */
  readonly syncAlways?: boolean;
  /** False only for tests. */
  readonly jetstream?: boolean;
  /** One of several servers that keep copies of each other's streams. */
  readonly routes?: ServerRoutes;
  /** How servers of other clusters are joined to this one. */
  readonly leaf?: ServerLeaf;
  /** Further lines. */
  readonly extra?: string;
}

export interface ServerLeaf {
  /** Name of this server's JetStream domain: each cluster has its own, or their streams would be one. */
  readonly domain: string;
  /** Where leaf nodes of other clusters connect, each as a user of the role `peer` that is called like its cluster. */
  readonly listen?: string;
  /** Where they reach it, when that is another address: they are told, and go there when a connection breaks. */
  readonly advertise?: string;
  /** The environment variable that holds the address of the hub this server joins, `nats://<cluster>:<password>@<host>:<port>`. */
  readonly hubVariable?: string;
}

export interface ServerRoutes {
  /** Name of the cluster of servers, the same on each. */
  readonly name: string;
  /** Where the other servers reach this one. */
  readonly listen: string;
  /** Addresses of all of them, `host:port`; its own may be among them. */
  readonly servers: readonly string[];
}

/** One user for each role, named like it. */
export const ROLE_USERS: readonly ServerUser[] = ROLE_NAMES.map((role) => ({
  name: role,
  roles: [role],
  passwordVariable: `LONGSHORE_PASSWORD_${role.toUpperCase()}`,
}));

export function serverConfig(settings: ServerSettings): string {
  return [
    `listen: ${quoted(settings.listen)}`,
    `http: ${quoted(settings.monitor)}`,
    ...(settings.serverName === undefined ? [] : [`server_name: ${quoted(settings.serverName)}`]),
    `max_payload: ${settings.maxPayloadBytes ?? MAX_PAYLOAD_BYTES}`,
    "# A process that died without a word is noticed after 20 seconds.",
    'ping_interval: "10s"',
    "ping_max: 2",
    ...(settings.jetstream === false ? [] : jetstreamLines(settings)),
    ...(settings.users === undefined ? [] : accountLines(settings.cluster ?? "main", settings.users)),
    ...(settings.routes === undefined ? [] : routeLines(settings.routes)),
    ...(settings.leaf === undefined ? [] : leafLines(settings.leaf, settings.cluster ?? "main", settings.users !== undefined)),
    ...(settings.extra === undefined ? [] : [settings.extra]),
    "",
  ].join("\n");
}

/** What `nats.conf` at the top of the repository says. */
export function shippedConfig(): string {
  return SHIPPED_HEADER + serverConfig({ listen: "127.0.0.1:4222", monitor: "127.0.0.1:8222", storeDir: ".longshore/nats", users: ROLE_USERS });
}

/** What `docs/examples/cluster/nats.conf` says: one file for each of three servers, which differ by their names alone. */
export function clusterConfig(): string {
  const routes = { name: "longshore", listen: "0.0.0.0:6222", servers: ["n1:6222", "n2:6222", "n3:6222"] };
  const text = serverConfig({ listen: "0.0.0.0:4222", monitor: "127.0.0.1:8222", storeDir: "/data", users: ROLE_USERS, routes });
  return `${CLUSTER_HEADER}server_name: $SERVER_NAME\n${text}`;
}

/** The two clusters of `docs/examples/leaf`: a hub, and one that joins it. */
export type LeafExample = "hub" | "west";

/** What `docs/examples/leaf/hub.conf` and `west.conf` say: two clusters, joined by a leaf node, that know of each other. */
export function leafConfig(cluster: LeafExample): string {
  const [port, monitor] = cluster === "hub" ? [4222, 8222] : [4223, 8223];
  const west: ServerUser = { name: "west", roles: ["peer"], passwordVariable: "LONGSHORE_PASSWORD_WEST" };
  const users = ROLE_USERS.filter(({ roles }) => !roles.includes("peer"));
  const text = serverConfig({
    listen: `127.0.0.1:${port}`, monitor: `127.0.0.1:${monitor}`, storeDir: `.longshore/${cluster}`, serverName: cluster, cluster,
    users: cluster === "hub" ? [...users, west] : users,
    leaf: cluster === "hub" ? { domain: "hub", listen: "127.0.0.1:7422" } : { domain: "west", hubVariable: "LONGSHORE_HUB" },
  });
  return (cluster === "hub" ? HUB_HEADER : WEST_HEADER) + text;
}

const LEAF_NOTE = (cluster: LeafExample): string => `# Generated from packages/nats/src/conf.ts; a test compares. Write it anew with
#   npx tsx --conditions=@longshore/source packages/nats/src/print-conf.ts ${cluster} > docs/examples/leaf/${cluster}.conf
`;

const HUB_HEADER = `# The nats-server of the cluster "hub", which servers of other clusters join as leaf nodes; see docs/operations.md.
#
${LEAF_NOTE("hub")}#
# Each cluster that joins is a user of the role peer, called like the cluster: "west" here, with the password
# LONGSHORE_PASSWORD_WEST. It reaches the inboxes of other clusters in its own name, and nothing else. Before anybody else than this
# machine may connect: listen on another address, and configure TLS, also in the block leafnodes.

`;

const WEST_HEADER = `# The nats-server of the cluster "west", which joins that of "hub" as a leaf node; see docs/operations.md.
#
${LEAF_NOTE("west")}#
# LONGSHORE_HUB is where the hub listens for leaf nodes, and who this cluster is there: nats://west:<password>@127.0.0.1:7422.

`;

const CLUSTER_HEADER = `# One of three nats-servers that keep three copies of everything; see compose.yaml beside it.
#
# Generated from packages/nats/src/conf.ts; a test compares. Write it anew with
#   npx tsx --conditions=@longshore/source packages/nats/src/print-conf.ts cluster > docs/examples/cluster/nats.conf
#
# SERVER_NAME (n1, n2, n3) and the passwords come from the environment. The routes between the servers have neither
# password nor TLS here: keep them in a network of their own, or configure TLS in the cluster block.

`;

const SHIPPED_HEADER = `# The nats-server configuration we tell people to run, for nats-server 2.10 and newer.
#
# Generated from packages/nats/src/roles.ts and conf.ts; a test compares. Write it anew with
#   npx tsx --conditions=@longshore/source packages/nats/src/print-conf.ts > nats.conf
#
# Each password comes from an environment variable: LONGSHORE_PASSWORD_HOST and so on. The server does not start
# without them. Begin a password with a letter: the server reads one that looks like a number as a number.
# One user may hold several roles, and there may be any number of users; a user's name is its principal.
# Before anybody else than this machine may connect: listen on another address, and configure TLS.

`;

function jetstreamLines(settings: ServerSettings): readonly string[] {
  return [
    "",
    "jetstream {",
    ...(settings.leaf === undefined ? [] : [`  domain: ${quoted(settings.leaf.domain)}`]),
    `  store_dir: ${quoted(settings.storeDir)}`,
    `  max_file_store: ${settings.fileStoreBytes ?? FILE_STORE_BYTES}`,
    `  max_memory_store: ${settings.memoryStoreBytes ?? MEMORY_STORE_BYTES}`,
    ...(settings.syncAlways === false
      ? []
      : ["  # Acknowledged means on disk. With the server's default (2 minutes) a power loss takes what was acknowledged.", "  sync_interval: always"]),
    "}",
  ];
}

const routeLines = ({ name, listen, servers }: ServerRoutes): readonly string[] => [
  "",
  "cluster {",
  `  name: ${quoted(name)}`,
  `  listen: ${quoted(listen)}`,
  "  routes: [",
  ...servers.map((server) => `    ${quoted(`nats://${server}`)}`),
  "  ]",
  "}",
];

function leafLines({ listen, advertise, hubVariable }: ServerLeaf, cluster: string, hasUsers: boolean): readonly string[] {
  return [
    "",
    "leafnodes {",
    ...(listen === undefined ? [] : [`  listen: ${quoted(listen)}`]),
    ...(advertise === undefined ? [] : [`  advertise: ${quoted(advertise)}`]),
    ...(hubVariable === undefined
      ? []
      : [
          "  # Tried once a second, for ever, while the hub cannot be reached.",
          '  reconnect: "1s"',
          "  remotes: [",
          "    {",
          `      url: $${variable(hubVariable)}`,
          ...(hasUsers ? ["      account: LONGSHORE"] : []),
          "      # Whoever runs the hub may say here what a peer says, and nothing else.",
          "      deny_imports: [",
          ...deniedFromHub(cluster).map((subject) => `        ${quoted(subject)}`),
          "      ]",
          "    }",
          "  ]",
        ]),
    "}",
  ];
}

function accountLines(cluster: string, users: readonly ServerUser[]): readonly string[] {
  return ["", "accounts {", "  LONGSHORE {", "    jetstream: enabled", "    users: [", ...users.flatMap((user) => userLines(cluster, user)), "    ]", "  }", "}"];
}

function userLines(cluster: string, user: ServerUser): readonly string[] {
  const permissions = permissionsOf(user.roles, cluster, user.name);
  const list = (subjects: readonly string[]): readonly string[] => subjects.map((subject) => `            ${quoted(subject)}`);
  return [
    `      # ${user.roles.join(", ")}`,
    "      {",
    `        user: ${quoted(user.name)}`,
    `        password: $${variable(user.passwordVariable)}`,
    "        permissions {",
    "          publish: [",
    ...list(permissions.publish),
    "          ]",
    "          subscribe: [",
    ...list(permissions.subscribe),
    "          ]",
    "        }",
    "      }",
  ];
}

function variable(name: string): string {
  if (/^[A-Za-z_]\w*$/.test(name)) return name;
  throw new Fault("name/illegal", `"${name}" cannot be the name of an environment variable`, { retry: "never" });
}

const quoted = (text: string): string => JSON.stringify(text);

/**
 * Who may do what: the table from which every permission in `nats.conf` is generated.
 *
 * A user's name is its principal, and the principal is a token of every subject it may speak on, so a receiver knows
 * the sender from the subject alone. Answers go to `_INBOX.<principal>.>`, which nobody else may listen to, and which hosts and workers,
 * who are asked, may publish to. Letting them answer by `allow_responses` instead was tried: the server then remembers the reply
 * subject of everything it delivers, and reading a history made it four times as slow, and slower with each reading; and it
 * lets whoever asks itself answer anywhere, into a history too.
 * Only hosts may create consumers: a consumer delivers wherever its creator says, with nobody's permissions.
 */
import { Fault, GUEST_BLOBS, IMPORTED_BLOBS, ROLES, type StreamNames, type Subjects, streamsOf, subjectsOf, token, topologyAddress } from "@longshore/kernel";

export type RoleName = "submitter" | "worker" | "host" | "observer" | "operator" | "peer" | "provisioner";

export const ROLE_NAMES: readonly RoleName[] = ["submitter", "worker", "host", "observer", "operator", "peer", "provisioner"];

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** Where the answers to a principal's questions arrive. */
export const inboxPrefix = (principal: string): string => `_INBOX.${principal}`;

/** Tells a user what it may do itself; the preflight asks it. */
export const OWN_PERMISSIONS = "$SYS.REQ.USER.INFO";

/** Whether a permission covers everything that `wanted` names. */
export function covers(permission: string, wanted: string): boolean {
  const given = permission.split(".");
  const tokens = wanted.split(".");
  for (const [i, token] of given.entries()) {
    if (token === ">") return tokens.length > i;
    if (i >= tokens.length || (token !== "*" && token !== tokens[i]) || (token === "*" && tokens[i] === ">")) return false;
  }
  return given.length === tokens.length;
}

/**
 * Everything a user may do who holds these roles.
 *
 * @throws {Fault} `name/illegal` when the cluster or the principal cannot be a token: a wildcard would be everybody; and when the
 * principal is one under which routers keep payloads.
 */
export function permissionsOf(roles: readonly RoleName[], cluster: string, principal: string): Permissions {
  token("user", principal);
  if (ROUTER_BLOBS.includes(principal)) throw new Fault("name/illegal", `no user may be called "${principal}": routers keep payloads under that name`, { retry: "never" });
  const parts = roles.map((role) => permissionsIn(role, subjectsOf(cluster), streamsOf(cluster), principal));
  const union = (pick: (part: Permissions) => readonly string[]): readonly string[] => [...new Set(parts.flatMap(pick))];
  return {
    publish: [...union((part) => part.publish), OWN_PERMISSIONS],
    subscribe: [...new Set([`${inboxPrefix(principal)}.>`, ...union((part) => part.subscribe)])],
  };
}

function permissionsIn(role: RoleName, subjects: Subjects, streams: StreamNames, principal: string): Permissions {
  switch (role) {
    case "submitter":
      return submitter(subjects, streams, principal);
    case "worker":
      return worker(subjects, streams, principal);
    case "host":
      return host(subjects, streams, principal);
    case "observer":
      return observer(subjects, streams, principal);
    case "operator":
      return operator(subjects, streams, principal);
    case "peer":
      return peer(subjects, streams, principal);
    case "provisioner":
      return provisioner(streams);
  }
}

const ROUTER_BLOBS: readonly string[] = [GUEST_BLOBS, IMPORTED_BLOBS];

type Table = (subjects: Subjects, streams: StreamNames, principal: string) => Permissions;

/** The two ways in and the questions, for one role token. */
const speaksAs = (subjects: Subjects, role: (typeof ROLES)[number], principal: string): readonly string[] => [
  subjects.command("*", "*", role, principal),
  subjects.inbox("*", "*", role, principal),
  subjects.query("*", "*", role, principal),
];

/**
 * Puts payloads under the own name, and reads those of all: a wildcard in place of a digest gives the last one put, and
 * no permission can forbid that. The inbox's info tells the server's time.
 */
const usesPayloads = (subjects: Subjects, streams: StreamNames, principal: string): readonly string[] => [
  `${subjects.prefix}bl.${principal}.*.*`,
  `$JS.API.DIRECT.GET.${streams.blobs}.${subjects.prefix}bl.*.*.*`,
  `$JS.API.STREAM.INFO.${streams.inbox}`,
];

/** Which queue lives where: everybody may know. Read by direct get, and heard of by listening. */
const readsWanted = (streams: StreamNames): string => `$JS.API.DIRECT.GET.${streams.config}`;

/**
 * Belongs to the topology: announces itself, beats, probes the others and answers their probes. Services of NATS are asked
 * after on `$SRV`.
 */
const takesPart = (subjects: Subjects, principal: string): Permissions => ({
  publish: [
    ...speaksAs(subjects, "hello", principal),
    subjects.hello(principal, "*", "*"),
    subjects.heartbeat(principal, "*"),
    subjects.probe("*", "*"),
  ],
  subscribe: [subjects.prefix + topologyAddress(principal, "*"), subjects.heartbeats, subjects.probe(principal, "*"), SERVICES],
});

/** Where everybody who asks hears the answer. Who answers needs it: the names there cannot be guessed. */
const ANSWERS = "_INBOX.>";

/** Where NATS asks who offers services. */
const SERVICES = "$SRV.>";

const submitter: Table = (subjects, streams, principal) => ({
  publish: [
    ...speaksAs(subjects, "submit", principal), subjects.watch("*", "*", principal), readsWanted(streams), ...usesPayloads(subjects, streams, principal),
  ],
  subscribe: [`${subjects.prefix}re.${principal}.*`, subjects.allWanted],
});

const worker: Table = (subjects, streams, principal) => ({
  publish: [
    ...speaksAs(subjects, "outcome", principal),
    ...takesPart(subjects, principal).publish,
    ANSWERS,
    readsWanted(streams),
    ...usesPayloads(subjects, streams, principal),
  ],
  subscribe: [
    `${subjects.prefix}wk.${principal}.*.*`, subjects.ping(principal, "*", "*"), subjects.hellos, subjects.allWanted,
    ...takesPart(subjects, principal).subscribe,
  ],
});

/** What goes from one cluster to others, in its name only: both ways in, and answers to those who asked. */
const speaksForCluster = (cluster: string): readonly string[] => [`ls.*.in.*.*.peer.${cluster}`, `ls.*.cm.*.*.peer.${cluster}`, `ls.*.ak.${cluster}.*.*`];

/** Hosts alone write histories. They speak to other clusters in the name of their own. */
const host: Table = (subjects, streams, principal) => ({
  publish: [
    ...speaksAs(subjects, "actor", principal),
    ...speaksForCluster(subjects.cluster),
    ...["jr", "mk", "sn", "wk", "re", "tp", "ev", "ping"].map((what) => `${subjects.prefix}${what}.>`),
    ...takesPart(subjects, principal).publish,
    ANSWERS,
    ...usesPayloads(subjects, streams, principal),
    ...ROUTER_BLOBS.map((keeper) => `${subjects.prefix}bl.${keeper}.*.*`),
    "$JS.API.INFO",
    ...Object.values(streams).flatMap((stream) => [`$JS.API.STREAM.INFO.${stream}`, `$JS.API.STREAM.MSG.GET.${stream}`]),
    ...[streams.inbox, streams.peers, streams.journal, streams.snapshots, streams.blobs].map((stream) => `$JS.API.STREAM.PURGE.${stream}`),
    `$JS.API.DIRECT.GET.${streams.journal}`,
    readsWanted(streams),
    ...reads(streams.inbox, `${subjects.prefix}in.>`),
    ...reads(streams.peers, `${subjects.prefix}in.>`),
    ...reads(streams.journal, `${subjects.prefix}jr.>`),
    ...reads(streams.snapshots, `${subjects.prefix}sn.>`),
  ],
  subscribe: [
    ...["cm", "q", "wa", "in", "hi"].map((what) => `${subjects.prefix}${what}.>`), subjects.ping(principal, "*", "*"), subjects.allWanted,
    subjects.allAcross,
    ...takesPart(subjects, principal).subscribe,
  ],
});

/** Consumers under names that nobody can guess: a permission cannot tell whose consumer a name is. */
const reads = (stream: string, filter: string): readonly string[] => [
  `$JS.API.CONSUMER.CREATE.${stream}.*.${filter}`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
  `$JS.API.CONSUMER.DELETE.${stream}.*`,
];

/** Looks at everything and changes nothing: public events, questions, histories by direct get. */
const observer: Table = (subjects, streams, principal) => ({
  publish: [
    subjects.query("*", "*", "operate", principal),
    "$JS.API.INFO",
    SERVICES,
    ...Object.values(streams).map((stream) => `$JS.API.STREAM.INFO.${stream}`),
    `$JS.API.DIRECT.GET.${streams.journal}`,
    `$JS.API.DIRECT.GET.${streams.journal}.>`,
    `$JS.API.DIRECT.GET.${streams.snapshots}`,
    `$JS.API.DIRECT.GET.${streams.snapshots}.>`,
    readsWanted(streams),
  ],
  subscribe: [`${subjects.prefix}ev.>`, subjects.hellos, subjects.allWanted],
});

const operator: Table = (subjects, streams, principal) => {
  const looks = observer(subjects, streams, principal);
  return {
    ...looks,
    publish: [
      ...speaksAs(subjects, "operate", principal), subjects.watch("*", "*", principal), subjects.wanted("*.*"), ...looks.publish.slice(1),
      ...usesPayloads(subjects, streams, principal),
    ],
    subscribe: [...looks.subscribe, `${subjects.prefix}re.${principal}.*`],
  };
};

/**
 * Another cluster, whose principal is its name, by its leaf node: what its hosts say to this cluster and to those behind other
 * leaf nodes, and what it is told itself. It never hears what is answered to a user here. Payloads it gets from a router's door,
 * those of its own jobs only: it has no right in the store.
 */
const peer: Table = (_subjects, _streams, principal) => ({
  publish: speaksForCluster(principal),
  subscribe: [`ls.${principal}.in.*.*.peer.*`, `ls.${principal}.cm.*.*.peer.*`, `ls.${principal}.ak.>`],
});

/** What the other side of a leaf node's link may never send into this cluster, whatever users it has: everything that no peer says. */
export function deniedFromHub(cluster: string): readonly string[] {
  const { prefix } = subjectsOf(cluster);
  const own = ROLES.filter((role) => role !== "peer");
  return [
    ...["jr", "mk", "sn", "bl", "wk", "re", "tp", "hi", "hb", "pb", "ping", "q", "wa", "ev"].map((what) => `${prefix}${what}.>`),
    ...["cm", "in"].flatMap((what) => own.map((role) => `${prefix}${what}.*.*.${role}.*`)),
    "$KV.>", "$JS.API.>", "$SRV.>", "_INBOX.>",
  ];
}

const provisioner = (streams: StreamNames): Permissions => ({
  publish: [
    "$JS.API.INFO",
    ...Object.values(streams).flatMap((stream) => ["INFO", "CREATE", "UPDATE"].map((verb) => `$JS.API.STREAM.${verb}.${stream}`)),
  ],
  subscribe: [],
});

/**
 * Every subject, stream and bucket name of the system, and nothing else.
 *
 * Grammar: `ls.<cluster>.<what>.…`; every token is `[A-Za-z0-9_-]`, at most 128 characters. The cluster stands in every
 * subject so that two clusters joined by a leaf node never capture each other's messages. Role and principal stand in
 * the subject because NATS gives a receiver no sender identity: permissions bind a user to its own principal.
 */
import type { Role } from "./actor.ts";
import { Fault } from "./faults.ts";

const TOKEN = /^[A-Za-z0-9_-]{1,128}$/;
export const ROLES: readonly Role[] = ["submit", "outcome", "operate", "actor", "peer", "hello"];

export const isToken = (text: unknown): text is string => typeof text === "string" && TOKEN.test(text);

/** @throws {Fault} `name/illegal` when `text` cannot be a token of a subject. */
export function token(field: string, text: string): string {
  if (isToken(text)) return text;
  throw new Fault("name/illegal", `${field} "${text}" is not allowed: use 1 to 128 of the characters A-Z a-z 0-9 _ -`, { retry: "never" });
}

/** Under these principals routers keep payloads: what jobs of other clusters need, and outputs that came home. No user may be called so. */
export const GUEST_BLOBS = "offload-guest";
export const IMPORTED_BLOBS = "offload-import";

export interface Subjects {
  readonly cluster: string;
  /** `ls.<c>.`: what stands before an address of `Reactions.tell`. */
  readonly prefix: string;
  command(kind: string, actor: string, role: Role, principal: string): string;
  commands(kind: string, actor: string): string;
  inbox(kind: string, actor: string, role: Role, principal: string): string;
  inboxes(kind: string, actor: string): string;
  journal(kind: string, actor: string): string;
  query(kind: string, actor: string, role: Role, principal: string): string;
  queries(kind: string, actor: string): string;
  /** Where a client says which results it waits for. */
  watch(kind: string, actor: string, principal: string): string;
  watches(kind: string, actor: string): string;
  /** To one shard: each has a standing of its own with every instance. */
  hello(principal: string, instance: string, shard: string): string;
  hellosTo(shard: string): string;
  readonly hellos: string;
  ping(principal: string, instance: string, shard: string): string;
  /** Where a member says, once a second, that it lives; all members listen on `heartbeats`. */
  heartbeat(principal: string, instance: string): string;
  readonly heartbeats: string;
  /** Where a member is asked whether it lives, and by its server whether it is there at all. */
  probe(principal: string, instance: string): string;
  /** Where another cluster answers what this one asked of it, and says that it has stored something: `id` is one connection's. */
  across(far: string, id: string): string;
  readonly allAcross: string;
  feed(kind: string, type: string, topic: string): string;
  blob(principal: string, digest: string, chunk: number): string;
  /** Where another cluster asks for pieces of the payloads that it may read. */
  blobDoor(peer: string): string;
  mark(kind: string, actor: string): string;
  snapshot(kind: string, actor: string, id: string, piece: string): string;
  /** An entry of the wanted configuration: a bucket, as NATS keeps buckets in streams. */
  wanted(key: string): string;
  readonly allWanted: string;
}

export function subjectsOf(cluster: string): Subjects {
  const prefix = `ls.${token("cluster", cluster)}.`;
  return {
    cluster,
    prefix,
    command: (kind, actor, role, principal) => `${prefix}cm.${kind}.${actor}.${role}.${principal}`,
    commands: (kind, actor) => `${prefix}cm.${kind}.${actor}.>`,
    inbox: (kind, actor, role, principal) => `${prefix}in.${kind}.${actor}.${role}.${principal}`,
    inboxes: (kind, actor) => `${prefix}in.${kind}.${actor}.>`,
    journal: (kind, actor) => `${prefix}jr.${kind}.${actor}`,
    query: (kind, actor, role, principal) => `${prefix}q.${kind}.${actor}.${role}.${principal}`,
    queries: (kind, actor) => `${prefix}q.${kind}.${actor}.>`,
    watch: (kind, actor, principal) => `${prefix}wa.${kind}.${actor}.${principal}`,
    watches: (kind, actor) => `${prefix}wa.${kind}.${actor}.*`,
    hello: (principal, instance, shard) => `${prefix}hi.${principal}.${instance}.${shard}`,
    hellosTo: (shard) => `${prefix}hi.*.*.${shard}`,
    hellos: `${prefix}hi.>`,
    ping: (principal, instance, shard) => `${prefix}ping.${principal}.${instance}.${shard}`,
    heartbeat: (principal, instance) => `${prefix}hb.${principal}.${instance}`,
    heartbeats: `${prefix}hb.>`,
    probe: (principal, instance) => `${prefix}pb.${principal}.${instance}`,
    across: (far, id) => `${prefix}ak.${token("cluster", far)}.${id}`,
    allAcross: `${prefix}ak.>`,
    feed: (kind, type, topic) => `${prefix}ev.${kind}.${type}.${topic.replaceAll("/", ".")}`,
    blob: (principal, digest, chunk) => `${prefix}bl.${principal}.${digest}.${chunk}`,
    blobDoor: (peer) => `${prefix}cm.offload-blobs.main.peer.${peer}`,
    mark: (kind, actor) => `${prefix}mk.${kind}.${actor}`,
    snapshot: (kind, actor, id, piece) => `${prefix}sn.${kind}.${actor}.${id}.${piece}`,
    wanted: (key) => `$KV.LS_${cluster}_CONFIG.${key}`,
    allWanted: `$KV.LS_${cluster}_CONFIG.>`,
  };
}

/** The address (for `Reactions.tell`) of an instance's dispatches, of what it is told of the topology, and of a client's results. */
export const workAddress = (principal: string, instance: string, shard: string): string => `wk.${principal}.${instance}.${shard}`;
export const topologyAddress = (principal: string, instance: string): string => `tp.${principal}.${instance}`;
export const resultsAddress = (principal: string, client: string): string => `re.${principal}.${client}`;

/** The cluster whose subject it is; undefined when it is none of ours. */
export function clusterOf(subject: string): string | undefined {
  const [ls, cluster] = subject.split(".", 2);
  return ls === "ls" ? cluster : undefined;
}

/** Who speaks on a command, inbox or query subject; undefined when the subject is none of them or the role unknown. */
export function senderOf(subject: string): { readonly role: Role; readonly principal: string } | undefined {
  const tokens = subject.split(".");
  const role = ROLES.find((known) => known === tokens[5]);
  const principal = tokens[6];
  return tokens.length === 7 && role !== undefined && principal !== undefined ? { role, principal } : undefined;
}

export interface StreamNames {
  readonly inbox: string;
  readonly peers: string;
  readonly journal: string;
  readonly snapshots: string;
  readonly blobs: string;
  readonly marks: string;
  /** The stream of the bucket `LS_<c>_CONFIG`. */
  readonly config: string;
}

export const streamsOf = (cluster: string): StreamNames => ({
  inbox: `LS_${cluster}_INBOX`,
  peers: `LS_${cluster}_PEERS`,
  journal: `LS_${cluster}_JOURNAL`,
  snapshots: `LS_${cluster}_SNAPSHOTS`,
  blobs: `LS_${cluster}_BLOBS`,
  marks: `LS_${cluster}_MARKS`,
  config: `KV_LS_${cluster}_CONFIG`,
});

/**
 * What a run came to, judged at rest: every add that was resolved has one end, with success and the right bytes; every handler has run;
 * P12 holds between the histories, and every other promise within each; nothing of a guest is left in a store.
 */
import { fileURLToPath } from "node:url";
import { brokenRoundTrips, GUEST_BLOBS } from "@longshore/offload-router";
import { passwordOf } from "../../joined-servers.ts";
import { Member, until } from "../faults/world.ts";
import type { Cluster, Clusters } from "./clusters.ts";
import { blobsIn, type Histories, historiesOf } from "./histories.ts";
import type { Traffic } from "./traffic.ts";

const SWEEPERS = fileURLToPath(new URL("sweepers.ts", import.meta.url));
const EMPTY_WITHIN_MS = 60_000;

/** Everything that is wrong, one line each. */
export async function judged(clusters: Clusters, traffic: readonly Traffic[]): Promise<readonly string[]> {
  await until("all trips are over and nothing of a guest is left", async () => (await restless(clusters)).length === 0, EMPTY_WITHIN_MS).catch(() => undefined);
  const histories = await Promise.all(clusters.all.map(historiesOf));
  return [
    ...(await restless(clusters)),
    ...brokenRoundTrips(histories),
    ...traffic.flatMap((one) => [...one.wrong, ...endsOf(one, histories.find(({ cluster }) => cluster === one.cluster)!), ...notRun(one, clusters)]),
    ...(await Promise.all(clusters.all.map(audited))).flat(),
    ...clusters.all.flatMap(({ surprises }) => surprises),
  ];
}

/** What is still on its way, or lies about. */
async function restless(clusters: Clusters): Promise<readonly string[]> {
  const all = await Promise.all(clusters.all.map(async (cluster) => {
    const history = await historiesOf(cluster);
    const kept = keptIn(history);
    const open = new Set(brokenRoundTrips([history], { atRest: true }));
    for (const line of brokenRoundTrips([history])) open.delete(line);
    for (const guest of kept.guests) open.delete(`${cluster.name}: guest ${guest} was never released`);
    const forgotten = cluster.wasServerKilled ? removedIn(history) : new Set<string>();
    const left = (await blobsIn(cluster)).filter(({ principal, digest }) => principal === GUEST_BLOBS && !kept.digests.has(digest) && !forgotten.has(digest));
    return [...open, ...left.map(({ digest }) => `${cluster.name}: blob ${digest} of a guest is left`)];
  }));
  return all.flat();
}

/**
 * What the store has confirmed to be removed. A nats-server that is killed may have it again when it starts (seen with 2.15.1: a purge
 * is not synced as a message is); then nobody names it, and the sweep finds it.
 */
const removedIn = ({ router }: Histories): ReadonlySet<string> => new Set(router.flatMap((event) => (event.type === "PayloadRemoved" ? event.digests : [])));

/** Guests that did not succeed and were let go: their payload is kept for an hour, for a person to look at. */
function keptIn({ router }: Histories): { readonly guests: ReadonlySet<number>; readonly digests: ReadonlySet<string> } {
  const guests = new Set<number>();
  const digests = new Set<string>();
  for (const event of router) if (event.type === "GuestReleased" && event.removeAt > Date.now()) guests.add(event.guest);
  for (const event of router) if (event.type === "GuestAccepted" && guests.has(event.guest)) for (const { digest } of event.blobs) digests.add(digest);
  return { guests, digests };
}

/** Held against the journal itself, not against what a client was told. */
function endsOf({ name, adds }: Traffic, { cluster, queue }: Histories): readonly string[] {
  const { numbers, ends } = livesIn(queue);
  return adds.flatMap(({ key, id }) => {
    if (id === undefined) return [];
    const jobs = numbers.get(id.slice(id.indexOf(".") + 1)) ?? [];
    const wrong = jobs.map((job) => (ends.get(job) ?? []).join()).filter((states) => states !== "succeeded");
    return [
      ...(jobs.length === 1 ? [] : [`${cluster}: the add of ${name} ${key} was resolved as ${id}, which was accepted ${jobs.length} times`]),
      ...wrong.map((states) => `${cluster}: job ${id} (${name} ${key}) has ended as [${states}], not once with success`),
    ];
  });
}

/** The numbers under which each id was accepted, and as what each number has ended. */
function livesIn(queue: Histories["queue"]): { readonly numbers: ReadonlyMap<string, readonly number[]>; readonly ends: ReadonlyMap<number, readonly string[]> } {
  const numbers = new Map<string, number[]>();
  const ends = new Map<number, string[]>();
  for (const event of queue) {
    if (event.type === "JobAccepted") numbers.set(event.id, [...(numbers.get(event.id) ?? []), event.job]);
    if (event.type === "JobEnded") ends.set(event.job, [...(ends.get(event.job) ?? []), event.state]);
  }
  return { numbers, ends };
}

function* notRun({ name, adds }: Traffic, clusters: Clusters): Generator<string> {
  const done = new Set(executions(clusters).filter(({ outcome }) => outcome === "succeeded").map(({ job }) => job));
  for (const { key, id } of adds) if (id !== undefined && !done.has(key)) yield `no handler has done ${name} ${key}`;
}

/** What workers of all clusters have written down; its job is the key that the adder gave it. */
export const executions = ({ all }: Pick<Clusters, "all">): ReturnType<Cluster["lives"][number]["lines"]> =>
  all.flatMap(({ lives }) => lives.flatMap((life) => life.lines())).filter(({ phase }) => phase === "end");

async function audited(cluster: Cluster): Promise<readonly string[]> {
  const { code, text } = await cluster.command("audit");
  return code === 0 ? [] : [`longshore audit of ${cluster.name} ended with ${code}:\n${text}`];
}

/** Once all jobs are forgotten nothing is left in any store. The command line has no shorter times for its sweep: hosts of this test do. */
export async function emptied(clusters: Clusters): Promise<readonly string[]> {
  const left = await Promise.all(clusters.all.map(async (cluster) => {
    const ls = await cluster.client("operator");
    await (await ls.jobs.remove({ state: "history" })).done();
    await cluster.end();
    const { principal } = cluster.connection;
    const connection = { principal, servers: cluster.server.url, password: passwordOf(principal) };
    const sweepers = new Member([SWEEPERS, JSON.stringify(connection), cluster.name], cluster.env(principal));
    await sweepers.said("host.serving", EMPTY_WITHIN_MS);
    await until(`the store of ${cluster.name} is empty`, async () => (await blobsIn(cluster)).length === 0, EMPTY_WITHIN_MS).catch(() => undefined);
    return (await blobsIn(cluster)).map(({ principal: of, digest }) => `${cluster.name}: blob ${digest} of ${of} is left when all jobs are forgotten`);
  }));
  return left.flat();
}

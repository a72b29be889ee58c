import type { InstanceView } from "@longshore/job-queue";
import { type Connection, type Finding, historiesOf, preflight, ROLE_NAMES, type RoleName } from "@longshore/nats";
import { OFFLOAD_ACTOR, OFFLOAD_KIND } from "@longshore/offload-router";
import { type Command, command } from "../command.ts";
import { type Place, withConnection } from "../connection.ts";
import { failed, wrongUsage } from "../errors.ts";
import { type HistoryAddress, historyAddress, showAddress } from "../history/address.ts";
import { askHost, type HostDescription } from "../host-query.ts";
import type { Io } from "../io.ts";
import { nearest } from "../nearest.ts";
import { tripsFinding, untakenFinding } from "../offload-findings.ts";
import { present } from "../present.ts";
import { paintOf } from "../render/paint.ts";
import { plural, showCount } from "../render/quantities.ts";

export const doctor: Command = command({
  name: "doctor",
  group: "operate",
  summary: "What is wrong with the server, the streams, the permissions, the clock or the disk, and how to mend it",
  details: ["It changes nothing. It ends with 1 when something is wrong; what could not be looked at is no failure."],
  options: {
    monitor: { kind: "text", value: "<url>", help: "the server's monitoring, for its settings and disk; else LONGSHORE_MONITOR_URL, else that of `longshore up`" },
    role: { kind: "list", value: "<role>", help: `check that this user has what the role needs: ${ROLE_NAMES.join(", ")}` },
  },
  examples: [{ line: "longshore doctor --role host --role worker", says: "may this user run hosts and workers?" }],
  connects: true,
  run: ({ options, shared, io }) =>
    withConnection(shared, io, async ({ connection, place }) => {
      const roles = options.role.map(roleNamed);
      const monitorUrl = options.monitor ?? io.env["LONGSHORE_MONITOR_URL"] ?? place.monitor;
      const findings = [
        await reachFinding(connection, place),
        ...(await preflight(connection, {
          cluster: place.cluster,
          ...(monitorUrl === undefined ? {} : { monitorUrl }),
          ...(roles.length === 0 ? {} : { roles }),
        })).filter(({ check }) => roles.length > 0 || check !== "permissions"),
        ...(await hostFindings(connection, place)),
        ...(await routerFindings(connection, place)),
      ];
      await present({ shared, io }, { url: place.url, cluster: place.cluster, findings }, () => findingsText(findings, io));
      const wrong = findings.filter(({ ok }) => ok === false).length;
      if (wrong > 0) throw failed("doctor/findings", `${plural(wrong, "thing")} to mend`, "the remedies are above");
    }),
});

function roleNamed(name: string): RoleName {
  const role = ROLE_NAMES.find((known) => known === name);
  if (role !== undefined) return role;
  const meant = nearest(name, ROLE_NAMES);
  throw wrongUsage(`there is no role "${name}"`, meant === undefined ? `roles: ${ROLE_NAMES.join(", ")}` : `did you mean ${meant}?`);
}

const SLOW_MS = 50;

async function reachFinding(connection: Connection, { url, from }: Place): Promise<Finding> {
  const roundTripMs = await connection.nc.rtt();
  const found = `${url} (from ${from}), round trip ${roundTripMs} ms`;
  return roundTripMs <= SLOW_MS
    ? { check: "NATS", ok: true, found, remedy: "" }
    : { check: "NATS", ok: "unknown", found, remedy: "every commit takes at least one round trip: run hosts near the server" };
}

async function hostFindings(connection: Connection, { cluster, shard }: Place): Promise<readonly Finding[]> {
  const address = historyAddress(cluster, `job-queue.${shard}`);
  const found = await hostFinding(connection, address, "start one: `longshore run job-queue`; until then jobs are kept in the inbox");
  return found.isThere ? [found.finding, await parkedFinding(connection, address), await workersFinding(connection, address), ...(await untakenFinding(connection, address))] : [found.finding];
}

/** A cluster that has never had a router needs none. */
async function routerFindings(connection: Connection, { cluster }: Place): Promise<readonly Finding[]> {
  const address: HistoryAddress = { cluster, kind: OFFLOAD_KIND, actor: OFFLOAD_ACTOR };
  const histories = await new Promise<readonly (readonly [kind: string, actor: string])[] | undefined>((done) => historiesOf(connection, cluster)(done));
  if (histories?.some(([kind]) => kind === OFFLOAD_KIND) !== true) return [];
  const { finding, isThere } = await hostFinding(connection, address, "start one: `longshore run offload-router`; until then no job leaves this cluster or comes home");
  return isThere ? [finding, ...(await tripsFinding(connection, address))] : [finding];
}

async function hostFinding(connection: Connection, address: HistoryAddress, remedy: string): Promise<{ readonly isThere: boolean; readonly finding: Finding }> {
  const check = `host of ${showAddress(address)}`;
  const answer = await askHost(connection, address, { ask: "host" });
  if (answer.kind !== "answer") return { isThere: false, finding: absentFinding(check, answer.kind, remedy) };
  const { instance, incarnation, software, epoch, commit, blocked } = answer.answer as HostDescription;
  const found = `${software} on ${instance} (${incarnation}), epoch ${epoch}, commit ${showCount(commit)}`;
  const finding: Finding = blocked === false ? { check, ok: true, found, remedy: "" } : { check, ok: false, found: `${found}; it cannot write: ${blocked}`, remedy: "see the room in the streams and on the disk" };
  return { isThere: true, finding };
}

function absentFinding(check: string, why: "no-responders" | "denied" | "refused" | "timeout", remedy: string): Finding {
  switch (why) {
    case "no-responders": return { check, ok: false, found: "none is running", remedy };
    case "denied": case "refused": return { check, ok: "unknown", found: "this user may not ask it", remedy: "use a user with the role observer or operator" };
    case "timeout": return { check, ok: false, found: "it is there, but did not answer in time", remedy: "look at its log and its load" };
  }
}

async function parkedFinding(connection: Connection, address: HistoryAddress): Promise<Finding> {
  const check = "parked commands";
  const answer = await askHost(connection, address, { ask: "parked" });
  const parked = answer.kind === "answer" && Array.isArray(answer.answer) ? answer.answer : [];
  if (parked.length === 0) return { check, ok: true, found: "none", remedy: "" };
  const [first] = parked as readonly { readonly reason?: unknown }[];
  return { check, ok: false, found: `${plural(parked.length, "command")} made the actor fail, the first: ${String(first?.reason)}`, remedy: "they were set aside and change nothing; report them with `longshore export`" };
}

async function workersFinding(connection: Connection, address: HistoryAddress): Promise<Finding> {
  const check = "workers";
  const answer = await askHost(connection, address, { ask: "instances" });
  const all = answer.kind === "answer" && Array.isArray(answer.answer) ? (answer.answer as readonly InstanceView[]) : [];
  // Another cluster is a member of the queue, too; no instance is called so.
  const present = all.filter(({ instance }) => !instance.startsWith("@"));
  const takers = all.filter(({ instance, pools }) => instance.startsWith("@") && pools.length > 0).map(({ instance }) => instance.slice(1));
  if (present.length === 0 && takers.length > 0) return { check, ok: true, found: `nobody here; jobs may go to ${takers.join(", ")}`, remedy: "" };
  if (present.length === 0) return { check, ok: "unknown", found: "nobody works for this shard now", remedy: "start some: `longshore run worker jobs.ts`" };
  const topics = new Set(present.flatMap(({ pools }) => pools.flatMap((pool) => pool.topics)));
  return { check, ok: true, found: `${plural(present.length, "instance")}, ${plural(topics.size, "topic")}`, remedy: "" };
}

function findingsText(findings: readonly Finding[], io: Io): string {
  const paint = paintOf(io.outScreen);
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .map(({ check, ok, found, remedy }) => {
      const sign = ok === true ? paint.green("ok   ") : ok === false ? paint.red("wrong") : paint.yellow("?    ");
      return `${sign}  ${check.padEnd(width)}  ${found}\n${remedy === "" ? "" : `${" ".repeat(width + 9)}${paint.dim("→")} ${remedy}\n`}`;
    })
    .join("");
}

/** What every service needs of its cluster before it starts. */
import { Fault } from "@longshore/kernel";
import { type Connection, verify } from "@longshore/nats";

/** How long a service waits for servers that start at the same time, or have just lost their leader, milliseconds. */
const JETSTREAM_WITHIN_MS = 60_000;

/**
 * Answers the uuid that tells this cluster from others of the same name.
 *
 * @throws {Fault} `setup/missing` when the streams are not there, `nats/unavailable` when JetStream had no leader for a minute.
 */
export async function requireStreams(connection: Connection, cluster: string): Promise<string> {
  const { findings, clusterId } = await verify(connection, { cluster, withinMs: JETSTREAM_WITHIN_MS });
  const first = findings.find((finding) => finding.what === "missing");
  if (first !== undefined) throw new Fault("setup/missing", `stream ${first.stream} of cluster ${cluster} ${first.found}`, { retry: "never", remedy: first.remedy });
  return clusterId ?? cluster;
}

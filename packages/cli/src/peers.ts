/** Other clusters: which ones this process tells who is here, and hears. */
import { isToken } from "@longshore/kernel";
import { wrongUsage } from "./errors.ts";
import type { Io } from "./io.ts";

export const PEERS_OPTION = {
  peers: { kind: "text", value: "<clusters>", help: "other clusters that are told who is here, and heard, separated by commas; each must name this one, too; LONGSHORE_PEERS when absent" },
} as const;

export const SHARED_PAYLOADS_OPTION = {
  sharedPayloads: { kind: "text", value: "<folder>", help: "a folder that the other clusters reach, too: payloads of jobs go through it, and only their digests over the link" },
} as const;

/** @throws {CommandFailure} `cli/usage` when one is no name of another cluster. */
export function peersIn(option: string | undefined, cluster: string, { env }: Pick<Io, "env">): readonly string[] {
  const peers = [...new Set((option ?? env["LONGSHORE_PEERS"] ?? "").split(",").map((name) => name.trim()).filter((name) => name !== ""))];
  const illegal = peers.find((name) => !isToken(name));
  if (illegal !== undefined) throw wrongUsage(`"${illegal}" is no name of a cluster`, "use 1 to 128 of the characters A-Z a-z 0-9 _ -, several separated by commas: --peers hub,east");
  if (peers.includes(cluster)) throw wrongUsage(`the cluster "${cluster}" is no peer of itself`, "name the other clusters: --peers hub,east");
  return peers;
}

import { resolve } from "node:path";
import { type AppendAnswer, type Journal, type LastAnswer, type Snapshot, sameBytes, subjectsOf } from "@longshore/kernel";
import { type Connection, journalOf, snapshotsOf, verify, wireOf } from "@longshore/nats";
import { type Command, command } from "../command.ts";
import { withConnection } from "../connection.ts";
import { failed, refused } from "../errors.ts";
import { type HistoryAddress, historyAddress, showAddress } from "../history/address.ts";
import { type FileSource, fileSource } from "../history/file-source.ts";
import { foldAny } from "../history/fold.ts";
import { readFault } from "../history/source.ts";
import { hint, present } from "../present.ts";
import { progressOf } from "../render/progress.ts";
import { hex, plural } from "../render/quantities.ts";

export const importHistory: Command = command({
  name: "import",
  group: "history",
  summary: "Write an exported history into an empty journal",
  details: [
    "First the whole file is folded, so nothing is written of a file that was cut off or changed. Then the commits are appended as they are: same bytes, same chain, same state hash. A history that is not empty, or has a host, is refused.",
    "Start the host afterwards. It needs the roles host and observer.",
  ],
  args: {
    file: { kind: "required", help: "an export, ndjson or binary" },
    history: { kind: "optional", help: "import it as this one; the name in the file when absent" },
  },
  examples: [{ line: "longshore setup && longshore import backup.lsh", says: "into a fresh cluster" }],
  connects: true,
  async run({ args, shared, io }) {
    const source = await fileSource(resolve(io.cwd, args.file));
    const progress = progressOf(io, "commits");
    const checked = await foldAny(source, { progress: (commits) => progress.at(commits) }).finally(() => progress.end());
    await withConnection(shared, io, async ({ connection, place }) => {
      const address = historyAddress(place.cluster, args.history ?? showAddress(source.address), [source.address.kind]);
      await requireEmpty(connection, address);
      const { commits, version } = await append(connection, address, source, (done) => progress.at(done, checked.commits)).finally(() => progress.end());
      const { number } = checked.history.kernel;
      const stateHash = hex(checked.history.stateHash());
      await present({ shared, io }, { history: showAddress(address), commits, lastCommit: number, lastVersion: version, stateHash }, () =>
        `${showAddress(address)}: ${plural(commits, "commit")} up to number ${number}, state ${stateHash}\n`);
      hint({ shared, io }, `start its host: \`longshore run ${address.kind}\`, or \`longshore up\``);
    });
  },
});

async function requireEmpty(connection: Connection, address: HistoryAddress): Promise<void> {
  const name = showAddress(address);
  const { findings } = await verify(connection, { cluster: address.cluster });
  const missing = findings.find(({ what }) => what === "missing");
  if (missing !== undefined) throw refused("setup/missing", `stream ${missing.stream} ${missing.found}`, missing.remedy);
  const journal = journalOf(connection, address);
  const last = await new Promise<LastAnswer>((done) => journal.last(done));
  if (last.kind !== "last") throw readFault(name, last);
  if (last.commit !== undefined) {
    throw refused("history/not-empty", `${name} of cluster ${address.cluster} is not empty`, "import into a fresh cluster, or under the name of another shard");
  }
  const query = subjectsOf(address.cluster).query(address.kind, address.actor, "operate", connection.principal);
  const answer = await new Promise<{ readonly kind: string }>((done) => wireOf(connection).request(query, new Uint8Array(0), 1_000, done));
  if (answer.kind === "answer") throw refused("history/has-host", `${name} has a host`, "stop it first");
}

async function append(connection: Connection, address: HistoryAddress, source: FileSource, progress: (commits: number) => void): Promise<{ readonly commits: number; readonly version: number }> {
  const journal = journalOf(connection, address);
  const snapshot = await source.snapshot();
  let commits = 0;
  let version = 0;
  for await (const stored of source.stored()) {
    const answer = await appended(journal, stored.bytes, version);
    if (answer.kind !== "stored") {
      throw failed("history/half-imported", `commit ${stored.version} was not stored (${answer.cause}): ${plural(commits, "commit")} are there`,
        "delete them with the stream, mend the cause and import again");
    }
    version = answer.version;
    commits++;
    progress(commits);
    if (snapshot?.number === stored.version) await save(connection, address, { ...snapshot, version });
  }
  return { commits, version };
}

/** In doubt the journal itself tells: its last commit is ours, or it is not stored. */
async function appended(journal: Journal, bytes: Uint8Array, expected: number): Promise<AppendAnswer> {
  const answer = await new Promise<AppendAnswer>((done) => journal.append(bytes, expected, done));
  if (answer.kind !== "doubt") return answer;
  const last = await new Promise<LastAnswer>((done) => journal.last(done));
  const isOurs = last.kind === "last" && last.commit !== undefined && sameBytes(last.commit.bytes, bytes);
  return isOurs ? { kind: "stored", version: last.commit.version } : answer;
}

async function save(connection: Connection, address: HistoryAddress, snapshot: Snapshot): Promise<void> {
  const isSaved = await new Promise<boolean>((done) => snapshotsOf(connection, address).save(snapshot, done));
  if (!isSaved) throw failed("history/half-imported", "the snapshot was not stored, and the first commits are not in the file", "mend the server and import again");
}

import { closeSync, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, command } from "../command.ts";
import { wrongUsage } from "../errors.ts";
import { JUDGED } from "../history/address.ts";
import { exportTo } from "../history/export-file.ts";
import { withHistory } from "../history/open.ts";
import { present } from "../present.ts";
import { progressOf } from "../render/progress.ts";
import { plural, showBytes } from "../render/quantities.ts";

export const exportHistory: Command = command({
  name: "export",
  group: "history",
  summary: "Write a history to a file or to stdout, readable or compact",
  details: [
    "ndjson shows every event with its fields, and carries each commit's exact bytes beside them. binary carries only the bytes: a third of the size. Both can be imported, replayed and audited, and both are known to be cut off when they are.",
    "Where the oldest commits were purged, the latest snapshot goes with it.",
  ],
  args: { history: { kind: "optional", help: "job-queue.<shard>, or <shard>, discovery-agent, offload-router, or an exported file; job-queue.main when absent" } },
  options: {
    format: { kind: "text", value: "<form>", choices: ["ndjson", "binary"], help: "ndjson or binary; else by the file's name: .ndjson or .lsh" },
    out: { kind: "text", short: "o", value: "<file>", help: "write there and not to stdout" },
  },
  examples: [
    { line: "longshore export --out backup.lsh", says: "all of job-queue.main, compact" },
    { line: "longshore export | jq '.events[]?.type'", says: "what happened, one line each" },
  ],
  connects: true,
  run: ({ args, options, shared, io }) =>
    withHistory(shared, io, args.history, async (source) => {
      const isBinary = options.format === undefined ? options.out?.endsWith(".lsh") === true : options.format === "binary";
      if (isBinary && options.out === undefined && io.outScreen.isTerminal) throw wrongUsage("binary is not for a screen", "add --out <file>, or pipe it");
      const progress = progressOf(io, "commits");
      const sink = options.out === undefined ? undefined : openSync(resolve(io.cwd, options.out), "w", 0o600);
      let bytes = 0;
      const put = (data: Uint8Array): void => {
        bytes += data.length;
        if (sink === undefined) void io.out(data);
        else writeSync(sink, data);
      };
      try {
        const commits = await exportTo(source, { isBinary, nowMs: io.nowMs(), put, progress: (done) => progress.at(done, source.commits) });
        progress.end();
        if (options.out === undefined) return;
        await present({ shared, io }, { file: options.out, commits, bytes }, () => `${options.out}: ${plural(commits, "commit")}, ${showBytes(bytes)}\n`);
      } finally {
        progress.end();
        if (sink !== undefined) closeSync(sink);
      }
    }, JUDGED),
});

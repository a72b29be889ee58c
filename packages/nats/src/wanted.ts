/**
 * The wanted configuration: a bucket as NATS's key-value clients know it, so that `nats kv` reads and writes it too.
 *
 * Read by direct gets, which may lag behind and need no right to create consumers. Whoever follows looks again.
 */
import { streamsOf, subjectsOf, type WantedConfiguration, type WantedEntry } from "@longshore/kernel";
import { headers } from "@nats-io/transport-node";
import type { Connection } from "./connect.ts";
import { readDirect } from "./direct-range.ts";
import { appendAnswer } from "./faults.ts";
import { hints } from "./inbox.ts";
import { API_TIMEOUT_MS } from "./limits.ts";
import type { RangeMessage } from "./range.ts";

export function wantedOf(connection: Connection, cluster: string): WantedConfiguration {
  const { wanted: subjectOf, allWanted } = subjectsOf(cluster);
  const stream = streamsOf(cluster).config;
  const prefix = subjectOf("");
  return {
    read(after, max, done) {
      const entries: WantedEntry[] = [];
      const take = (message: RangeMessage): void => {
        // Nobody who may configure has said it: what was wanted before goes on.
        if (message.isAnswer) return;
        // A deleted key leaves an empty message behind; nothing that is wanted is empty.
        entries.push({ key: message.subject.slice(prefix.length), revision: message.sequence, value: message.data.length === 0 ? undefined : message.data });
      };
      readDirect(connection, { stream, filter: allWanted, after, max }, take, (answer) => {
        connection.guarded(() => done(answer.kind === "end" ? { kind: "entries", entries } : answer));
      });
    },
    put(key, value, expected, done) {
      const guard = headers();
      guard.set("Nats-Expected-Stream", stream);
      guard.set("Nats-Expected-Last-Subject-Sequence", String(expected));
      connection.calls.request(subjectOf(key), value, { timeoutMs: API_TIMEOUT_MS, headers: guard, whileDown: "fail" }, (answer) => {
        const append = appendAnswer(answer);
        if (append.kind === "stored") done({ kind: "stored", revision: append.version });
        else if (append.kind === "stop") done({ kind: "refused", cause: append.cause });
        else if (append.cause === "conflict") done({ kind: "conflict" });
        else if (append.cause === "full") done({ kind: "refused", cause: "full" });
        else done(answer.kind === "no-responders" ? { kind: "refused", cause: "no-stream" } : { kind: "unknown" });
      });
    },
    onChange: (hint) => hints(connection, [allWanted], hint),
  };
}

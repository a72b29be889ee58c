import { provision, verify } from "@longshore/nats";
import { type Command, command } from "../command.ts";
import { withConnection } from "../connection.ts";
import { failed } from "../errors.ts";
import { present } from "../present.ts";
import { renderTable } from "../render/table.ts";

export const setup: Command = command({
  name: "setup",
  group: "run",
  summary: "Create or correct the JetStream streams of a cluster",
  details: ["Repeating it changes nothing. `longshore up` does it by itself; `longshore run` only checks. It needs the role provisioner."],
  options: {
    replicas: { kind: "integer", value: "<1|3|5>", help: "copies of each message on different servers; when absent, as many as there are, at first 1" },
    storage: { kind: "integer", value: "<bytes>", help: "file space that all streams together may reserve; below the server's max_file_store" },
    check: { kind: "flag", help: "only look, and end with 1 when something differs" },
  },
  examples: [
    { line: "longshore setup --replicas 3", says: "a cluster of three servers" },
    { line: "longshore setup --check --json", says: "what differs, for a script" },
  ],
  connects: true,
  run: ({ options, shared, io }) =>
    withConnection(shared, io, async ({ connection, place }) => {
      const { cluster } = place;
      const wanted = {
        cluster,
        ...(options.replicas === undefined ? {} : { replicas: options.replicas }),
        ...(options.storage === undefined ? {} : { totalBytes: options.storage }),
      };
      if (!options.check) {
        const { clusterId } = await provision(connection, wanted);
        await present({ shared, io }, { cluster, clusterId, url: place.url }, () => `cluster ${cluster} (${clusterId}) is set up at ${place.url}\n`);
        return;
      }
      const { clusterId, findings } = await verify(connection, wanted);
      await present({ shared, io }, { cluster, clusterId, findings }, () =>
        findings.length === 0
          ? `the streams of cluster ${cluster} are as they must be\n`
          : renderTable(findings, [
              { head: "stream", cell: ({ stream }) => stream },
              { head: "what", cell: ({ what }) => what },
              { head: "wanted", cell: ({ wanted: value }) => value },
              { head: "found", cell: ({ found }) => found },
              { head: "remedy", cell: ({ remedy }) => remedy, shrinks: true },
            ], io.outScreen));
      if (findings.length > 0) throw failed("setup/differs", `${findings.length} settings differ`, "`longshore setup` corrects them");
    }),
});

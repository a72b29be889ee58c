/** How long the journal of three copies cannot be written when the server that leads it is killed. */

import { streamsOf } from "@longshore/kernel";
import { connect, journalOf, provision } from "@longshore/nats";
import { appendSurely } from "../../chaos/append-surely.ts";
import { areWhole, leaderOf, startServers, urlsOf } from "../../chaos/servers.ts";
import { sleep } from "../measure.ts";
import { note, ROWS, type Samples } from "./cases.ts";

const CLUSTER = "main";
const WHOLE_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 200;

/** The next leader is struck when all copies are whole again. */
export async function killLeaders(directory: string, count: number, samples: Samples, progress: (words: string) => void): Promise<void> {
  const servers = await startServers(directory, 3);
  const connection = await connect({ servers: urlsOf(servers), principal: "bench" });
  const stream = streamsOf(CLUSTER).journal;
  try {
    await provision(connection, { cluster: CLUSTER, replicas: 3 });
    const journal = journalOf(connection, { cluster: CLUSTER, kind: "bench", actor: "main" });
    const commit = (text: string, after: number): Promise<number> => appendSurely(journal, new TextEncoder().encode(text), after);
    let version = 0;
    for (let i = 0; i < count; i++) {
      const deadlineMs = performance.now() + WHOLE_WITHIN_MS;
      while (!(await areWhole(servers, [stream]))) {
        if (performance.now() > deadlineMs) throw new Error(`the copies of the journal were not whole again after ${WHOLE_WITHIN_MS / 1_000} s`);
        await sleep(LOOK_EVERY_MS);
      }
      const leader = await leaderOf(servers, stream);
      if (leader === undefined) throw new Error("nobody leads the journal");
      version = await commit(`before ${i}`, version);
      const fromMs = performance.now();
      await leader.kill();
      version = await commit(`after ${i}`, version);
      const tookMs = performance.now() - fromMs;
      note(samples, ROWS.leaderKilled, tookMs);
      await leader.restart();
      progress(`${i + 1}/${count}: stored again after ${Math.round(tookMs)} ms`);
    }
  } finally {
    await connection.close();
    await Promise.all(servers.map((server) => server.stop()));
  }
}

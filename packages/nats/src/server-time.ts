/** The server's clock, as the answers of JetStream's API carry it. */
import { type ServerTime, streamsOf } from "@longshore/kernel";
import { callApi } from "./api.ts";
import type { Connection } from "./connect.ts";
import { SAMPLE_ROUND_TRIP_MAX_MS } from "./limits.ts";

/** Takes the middle of the round trip; one longer than 250 ms says too little and answers undefined. */
export function serverTimeOf(connection: Connection, cluster: string): ServerTime {
  const { inbox } = streamsOf(cluster);
  return {
    sample(done) {
      const askedMs = performance.now();
      callApi(connection, `STREAM.INFO.${inbox}`, undefined, (answer) => {
        const roundTripMs = performance.now() - askedMs;
        if (answer.kind !== "ok" || roundTripMs > SAMPLE_ROUND_TRIP_MAX_MS) return done(undefined);
        const serverMs = Date.parse(String(answer.body["ts"] ?? ""));
        done(Number.isNaN(serverMs) ? undefined : Math.round(serverMs + roundTripMs / 2));
      });
    },
  };
}

/** The one way in which a server of somebody else is lost and comes back: killed, and started again on its files. */
import type { Outage } from "./contender.ts";

/** `start` resolves when the server serves. */
export function restart({ kill, start }: { kill(): Promise<void>; start(): Promise<void> }): Outage {
  let recovered = Promise.resolve(Number.NaN);
  return {
    name: "restart",
    prepare: async () => {},
    async strike() {
      await kill();
      const begin = performance.now();
      recovered = start().then(() => performance.now() - begin);
      // Whoever asks for it hears of a failure; until then it is nobody's.
      recovered.catch(() => {});
    },
    recoveredMs: () => recovered,
  };
}

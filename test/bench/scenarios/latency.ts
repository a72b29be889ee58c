/** How long from `add` to the first line of the handler: with nothing else going on, and at a steady rate. */
import { feedAtRate } from "../load.ts";
import { percentile, sleep } from "../measure.ts";
import type { Scenario } from "../scenario.ts";

export const latencyIdle: Scenario = {
  name: "latency-idle",
  inputBytes: 100,
  jobs: (size) => size.samples,
  metrics: [
    { key: "idle-p50", label: "add to handler start, idle, p50", unit: "ms", better: "lower" },
    { key: "idle-p99", label: "add to handler start, idle, p99", unit: "ms", better: "lower" },
  ],
  seconds: ({ samples }) => samples * 0.009,
  async run(session) {
    const latencies: number[] = [];
    const workers = await session.work();
    const { from, count } = session.range(session.size.samples);
    for (let seq = from; seq < from + count; seq += 1) {
      const begin = performance.now();
      const [started] = await Promise.all([session.started(seq), session.add(seq)]);
      latencies.push(started - begin);
      // Let the worker go back to waiting, so that each job finds the system idle.
      await sleep(5);
    }
    session.expect(from, count);
    await session.finish(workers);
    return { "idle-p50": percentile(latencies, 0.5), "idle-p99": percentile(latencies, 0.99) };
  },
};

export function latencyUnderLoad(perSecond: number): Scenario {
  const loadSeconds = 5;
  return {
    name: "latency-load",
    inputBytes: 100,
    jobs: () => perSecond * loadSeconds,
    metrics: [
      { key: "load-p50", label: `add to handler start at ${perSecond} jobs/s, p50`, unit: "ms", better: "lower" },
      { key: "load-p99", label: `add to handler start at ${perSecond} jobs/s, p99`, unit: "ms", better: "lower" },
    ],
    seconds: () => loadSeconds,
    async run(session) {
      const latencies: number[] = [];
      const workers = await session.work();
      const { from, count } = session.range(perSecond * loadSeconds);
      const begin = performance.now();
      const add = (seq: number, offered: number) => {
        void session.started(seq).then((started) => latencies.push(started - offered));
        return session.add(seq);
      };
      await feedAtRate({ from, count, perSecond, add });
      session.expect(from, count);
      await session.allFinished();
      const tookSeconds = (performance.now() - begin) / 1000;
      await session.finish(workers);
      // Its queue grew all the time: what was measured is how long the test was, not the system.
      if (tookSeconds > loadSeconds * 1.2) throw new Error(`did not keep up with ${perSecond} jobs/s: took ${tookSeconds.toFixed(1)} s for ${loadSeconds} s of jobs`);
      return { "load-p50": percentile(latencies, 0.5), "load-p99": percentile(latencies, 0.99) };
    },
  };
}

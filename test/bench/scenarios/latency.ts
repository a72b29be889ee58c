/** How long from `add` to the first line of the handler: with nothing else going on, and at a steady rate. */
import { feedAtRate } from "../load.ts";
import { percentile, sleep } from "../measure.ts";
import type { Scenario, Size } from "../scenario.ts";
import type { Session } from "../session.ts";

const loadSeconds = 5;

export function latency({ rate }: Size): Scenario {
  return {
    name: "latency",
    inputBytes: 100,
    jobs: (size) => size.samples + rate * loadSeconds,
    metrics: [
      { key: "idle-p50", label: "add to handler start, idle, p50", unit: "ms", better: "lower" },
      { key: "idle-p99", label: "add to handler start, idle, p99", unit: "ms", better: "lower" },
      { key: "load-p50", label: `add to handler start at ${rate} jobs/s, p50`, unit: "ms", better: "lower" },
      { key: "load-p99", label: `add to handler start at ${rate} jobs/s, p99`, unit: "ms", better: "lower" },
    ],
    seconds: ({ samples }) => samples * 0.008 + loadSeconds,
    async run(session) {
      const workers = await session.work();
      const idle = await whenIdle(session);
      const load = await underLoad(session);
      await session.finish(workers);
      return {
        "idle-p50": percentile(idle, 0.5), "idle-p99": percentile(idle, 0.99),
        ...(load === undefined ? {} : { "load-p50": percentile(load, 0.5), "load-p99": percentile(load, 0.99) }),
      };
    },
  };
}

async function whenIdle(session: Session): Promise<readonly number[]> {
  const latencies: number[] = [];
  const { from, count } = session.range(session.size.samples);
  for (let seq = from; seq < from + count; seq += 1) {
    const begin = performance.now();
    const [started] = await Promise.all([session.started(seq), session.add(seq)]);
    latencies.push(started - begin);
    // Let the worker go back to waiting, so that each job finds the system idle.
    await sleep(5);
  }
  session.expect(from, count);
  return latencies;
}

/** Undefined for a system that did not keep up: its queue grew all the time, so what was measured is how long the test was. */
async function underLoad(session: Session): Promise<readonly number[] | undefined> {
  const latencies: number[] = [];
  const perSecond = session.size.rate;
  const { from, count } = session.range(perSecond * loadSeconds);
  const begin = performance.now();
  const add = (seq: number, offered: number): Promise<void> => {
    void session.started(seq).then((started) => latencies.push(started - offered));
    return session.add(seq);
  };
  await feedAtRate({ from, count, perSecond, add });
  session.expect(from, count);
  await session.allFinished();
  const tookSeconds = (performance.now() - begin) / 1000;
  return tookSeconds > loadSeconds * 1.2 ? undefined : latencies;
}

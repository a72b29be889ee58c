/** The process that holds the queue is killed with many jobs waiting: when do others notice that it is back? */
import type { OutageName } from "../contender.ts";
import { grouped, type Metric, type Scenario } from "../scenario.ts";
import { fill } from "./throughput.ts";

const outages: Readonly<Record<OutageName, string>> = {
  restart: "killed and started again",
  journal: "killed and started again, no snapshot",
  standby: "killed while another host stands by",
};

export function recovery(name: string, waiting: number): Scenario {
  const metrics = (Object.entries(outages) as [OutageName, string][]).flatMap(([outage, label]): Metric[] => {
    const metric = (what: string, says: string): Metric => ({ key: `${name}-${outage}-${what}`, label: `${grouped(waiting)} waiting, ${label}: ${says}`, unit: "ms", better: "lower" });
    return [
      metric("served", outage === "standby" ? "it serves after" : "its recovery, by its own account"),
      metric("answer", "a client's question is answered after"),
      metric("add", "a client's add is acknowledged after"),
    ];
  });
  return {
    name,
    isLong: true,
    inputBytes: 100,
    jobs: () => waiting + Object.keys(outages).length,
    metrics,
    seconds: () => waiting / 35_000 + waiting / 100_000 + 6,
    async run(session) {
      await fill(session, waiting);
      await session.client.settle();
      const figures: Record<string, number> = {};
      for (const outage of session.server.outages) {
        const { recoveredMs, answerMs, addMs } = await session.survive(outage);
        figures[`${name}-${outage.name}-served`] = recoveredMs;
        figures[`${name}-${outage.name}-answer`] = answerMs;
        figures[`${name}-${outage.name}-add`] = addMs;
      }
      const workers = await session.work();
      await session.untilEnded(waiting, 1);
      await session.finishPartly(workers);
      return figures;
    },
  };
}

/**
 * Queues that say on which instance their jobs run: drawn from streams of their own, on top of a scenario, so that seeds kept
 * before mean what they meant.
 */
import type { Roster } from "@longshore/job-queue";
import { PLACEMENTS } from "@longshore/job-queue";
import type { SimProcess } from "@longshore/testkit/simulation";
import { Random } from "@longshore/testkit/simulation";
import type { Config } from "./config.ts";
import type { Action } from "./plan.ts";
import type { Scenario } from "./simulate.ts";

const nothing = (): (() => void) => () => undefined;

export function withPlacements({ config, plan }: Scenario): Scenario {
  const random = new Random(config.seed, "placements");
  if (random.chance(0.6)) return { config, plan };
  return placed({ config, plan }, () => random.pick(PLACEMENTS));
}

/** Each queue gets a placement; jobs are added by workers, and now and then by somebody who is none. */
export function placed({ config, plan }: Scenario, next: () => (typeof PLACEMENTS)[number]): Scenario {
  const random = new Random(config.seed, "creators");
  const creator = (): string => `w${random.int(1, config.workers + 1)}`;
  const queues = config.queues.map((one) => ({ ...one, config: { ...one.config, placement: next() } }));
  const added = plan.map((action): Action => (action.kind === "add" ? { ...action, options: { ...action.options, creator: creator() } } : action));
  return { config: { ...config, queues }, plan: added };
}

/** What a host knows of a topology whose order changes now and then. */
export class SimView implements Roster {
  readonly onGone: Roster["onGone"] = nothing;
  readonly onTopics: Roster["onTopics"] = nothing;
  private readonly random: Random;
  private readonly process: SimProcess;
  private readonly runs = new Set<() => void>();
  private members: readonly string[];

  constructor(config: Config, process: SimProcess) {
    this.random = new Random(config.seed, `view of ${process.name}-${process.life}`);
    this.process = process;
    this.members = Array.from({ length: config.workers }, (_, i) => `w${i + 1}`);
    this.turn();
  }

  isEnabled(): boolean {
    return true;
  }

  order(): readonly string[] {
    return this.members;
  }

  onOrder(changed: () => void): () => void {
    this.runs.add(changed);
    return () => this.runs.delete(changed);
  }

  private turn(): void {
    this.process.after(this.random.log(300, 10_000), () => {
      const [first, ...others] = this.members;
      this.members = this.random.chance(0.3) ? others : [...others, first!];
      if (this.members.length === 0) this.members = ["w1"];
      for (const run of [...this.runs]) run();
      this.turn();
    });
  }
}

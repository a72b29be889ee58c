/** The plan of a run: who starts and ends when, and everything that goes wrong, as a list that can be made shorter. */
import { Random, type Weather } from "@longshore/testkit/simulation";
import type { Config, Family } from "./config.ts";
import { namesOf } from "./config.ts";

type WeatherChange = { readonly [Key in keyof Weather]?: Weather[Key] };

export type Action = { readonly atMs: number } & (
  | { readonly kind: "start"; readonly instance: string }
  /**
   * Each for so long, then it starts again, goes on, or is connected. `crash`: the process dies, and its connection with it.
   * `power`: its machine goes, and the server does not know. `cut`: nobody notices at once. `drop`: the connection breaks.
   * Instance `host`: whoever hosts the history then.
   */
  | { readonly kind: "crash" | "power" | "pause" | "leave" | "cut" | "drop"; readonly instance: string; readonly forMs: number }
  /** From there an operator asks for another view. */
  | { readonly kind: "ask"; readonly instance: string }
  /** It ends and never starts again. */
  | { readonly kind: "lose"; readonly instance: string; readonly as: "crash" | "power" }
  /** What these say does not reach the others, nor the other way round unless it is one-way. */
  | { readonly kind: "apart"; readonly instances: readonly string[]; readonly isOneWay: boolean; readonly isNoticed: boolean; readonly forMs: number }
  /** Listeners take so long for what they are told. */
  | { readonly kind: "listeners"; readonly instance: string; readonly takeMs: number; readonly forMs: number }
  | { readonly kind: "properties" | "lead"; readonly instance: string; readonly value: string }
  | { readonly kind: "weather"; readonly change: WeatherChange; readonly forMs: number }
  /** The server's clock is set. */
  | { readonly kind: "step"; readonly byMs: number }
);

type Draft = Action extends infer One ? (One extends { readonly atMs: number } ? Omit<One, "atMs"> : never) : never;

export function drawPlan(config: Config, random: Random): readonly Action[] {
  const names = namesOf(config);
  const isTogether = config.isMeasured || random.chance(0.5);
  const starts = names.map((instance): Action => ({ atMs: isTogether ? random.next() * 800 : random.log(1, config.troubleMs), kind: "start", instance }));
  const actions = config.isMeasured ? drawMeasured(config, names, random) : drawFaults(config, names, random);
  return [...starts, ...actions, ...drawLosses(config), ...drawStuck(config, names)].sort((a, b) => a.atMs - b.atMs);
}

function drawLosses({ seed, lost, troubleMs }: Config): readonly Action[] {
  const random = new Random(seed, "discovery losses");
  return lost.map((instance): Action => ({ atMs: random.log(50, troubleMs), kind: "lose", instance, as: random.chance(0.5) ? "crash" : "power" }));
}

function drawStuck({ seed, isStuck, troubleMs }: Config, names: readonly string[]): readonly Action[] {
  if (!isStuck) return [];
  const random = new Random(seed, "discovery stuck plan");
  const at = (): number => 1_000 + random.next() * troubleMs;
  const listeners = Array.from({ length: random.int(1, 4) }, (): Action => ({ atMs: at(), kind: "listeners", instance: random.pick(names), takeMs: random.log(5_000, 40_000), forMs: random.log(3_000, 20_000) }));
  const asked = Array.from({ length: random.int(0, 3) }, (): Action => ({ atMs: at(), kind: "ask", instance: random.pick(names) }));
  return [...listeners, ...asked];
}

/** Long enough apart for everybody to be back. */
function drawMeasured({ hangs }: Config, names: readonly string[], random: Random): readonly Action[] {
  if (hangs) return [{ atMs: 6_000 + random.next() * 2_000, kind: "pause", instance: random.pick(["host", ...names]), forMs: 24_000 }];
  return [6_000, 19_000].map((fromMs) => ({ atMs: fromMs + random.next() * 2_000, kind: "crash", instance: random.pick(["host", ...names]), forMs: 8_000 }));
}

function drawFaults(config: Config, names: readonly string[], random: Random): readonly Action[] {
  const actions: Action[] = [];
  const some = (family: Family, high: number, draft: () => Draft): void => {
    if (!config.families.includes(family)) return;
    for (let count = random.int(1, high); count > 0; count--) actions.push({ atMs: 1_000 + random.next() * config.troubleMs, ...draft() } as Action);
  };
  const one = (): string => random.pick(["host", ...names]);
  const ofOne = (kind: "crash" | "power" | "pause" | "leave" | "cut" | "drop", low: number, high: number) => (): Draft => ({ kind, instance: one(), forMs: random.log(low, high) });
  const weather = (low: number, high: number, change: () => WeatherChange) => (): Draft => ({ kind: "weather", change: change(), forMs: random.log(low, high) });
  some("crash", 4, ofOne("crash", 5, 15_000));
  some("power", 3, ofOne("power", 200, 20_000));
  some("pause", 4, ofOne("pause", 20, 25_000));
  some("leave", 3, ofOne("leave", 50, 10_000));
  // A shorter cut loses nothing: the connection outlives it.
  some("cut", 4, ofOne("cut", 5_000, 25_000));
  some("drop", 4, ofOne("drop", 10, 20_000));
  some("apart", 3, () => ({ kind: "apart", instances: names.filter(() => random.chance(0.4)), isOneWay: random.chance(0.3), isNoticed: random.chance(0.3), forMs: random.log(300, 20_000) }));
  some("listeners", 4, () => ({ kind: "listeners", instance: random.pick(names), takeMs: random.log(5, random.chance(0.1) ? 90_000 : 8_000), forMs: random.log(1_000, 20_000) }));
  some("properties", 5, () => ({ kind: "properties", instance: random.pick(names), value: String(random.int(1, 1e6)) }));
  some("leaders", 6, () => ({ kind: "lead", instance: random.pick(names), value: String(random.int(1, 1e6)) }));
  some("clocks", 2, () => ({ kind: "step", byMs: random.log(100, 1_000_000) * random.pick([-1, 1]) }));
  some("outage", 2, weather(100, 20_000, () => ({ outage: true })));
  some("no-streams", 2, weather(200, 30_000, () => ({ noStreams: true })));
  some("full", 2, weather(200, 30_000, () => ({ full: true })));
  some("lost-answers", 3, weather(50, 10_000, () => ({ answerLoss: random.log(0.05, 1) })));
  some("late-appends", 3, weather(50, 10_000, () => ({ lateAppend: random.log(0.05, 0.9) })));
  some("deposed", 3, weather(200, 10_000, () => ({ deposed: true })));
  some("loss", 3, weather(50, 6_000, () => ({ loss: random.log(0.01, 0.4) })));
  some("doubles", 3, weather(50, 6_000, () => ({ duplicate: random.log(0.01, 0.5) })));
  some("reorder", 3, weather(50, 6_000, () => ({ reorder: random.log(0.01, 0.3) })));
  some("slow", 3, weather(100, 8_000, () => ({ latencyMs: random.log(1, 300) })));
  return actions;
}

/**
 * Tells the router what other clusters take and what its own works on, as the topology has it: when it changed, and of each other
 * cluster once a minute, so that its history shows that it was heard. While the view is not to be relied on nothing is said.
 *
 * It compares with the state and keeps nothing: a host that opens says only what is new.
 */
import type { Attendant, HostContext } from "@longshore/kernel";
import { isRouteKnown, isSame } from "../decide-routes.ts";
import type { OffloadEvent } from "../events.ts";
import { OFFLOAD_LIMITS } from "../limits.ts";
import type { OffloadState } from "../state.ts";
import type { Outlook, OutlookSource } from "./outlook.ts";

export interface RoutesOptions {
  readonly source: OutlookSource;
  /** A cluster that goes on as it was is told as heard again after so many milliseconds. */
  readonly heardEveryMs?: number;
}

/** How often it is looked at what is to be said although nothing seems to have changed; and again after something was said. */
const LOOK_EVERY_MS = 10_000;
const AGAIN_MS = 1_000;
const TOPOLOGY = { role: "hello", principal: "topology" } as const;

type Word = readonly [verb: "own" | "route" | "routeLost", item: Readonly<Record<string, unknown>>];

export const routes = (options: RoutesOptions): Attendant<OffloadState, OffloadEvent> => new Routes(options);

class Routes implements Attendant<OffloadState, OffloadEvent> {
  private readonly source: OutlookSource;
  private readonly heardEveryMs: number;
  private context: HostContext<OffloadState> | undefined;
  private isSaying = false;
  private stopFollowing: () => void = () => undefined;
  private cancel: () => void = () => undefined;

  constructor({ source, heardEveryMs = OFFLOAD_LIMITS.heardEveryMs }: RoutesOptions) {
    this.source = source;
    this.heardEveryMs = heardEveryMs;
  }

  serving(context: HostContext<OffloadState>): void {
    this.stopped();
    this.context = context;
    this.stopFollowing = this.source.onChange(() => this.look());
    this.look();
  }

  stopped(): void {
    this.stopFollowing();
    this.cancel();
    this.context = undefined;
    this.isSaying = false;
  }

  private look(): void {
    const { context } = this;
    if (context === undefined || this.isSaying) return;
    const outlook = this.source.current();
    const words = outlook === undefined ? [] : this.wordsFor(context, outlook);
    if (words.length === 0) return this.later(LOOK_EVERY_MS);
    this.isSaying = true;
    let left = words.length;
    for (const [verb, item] of words) {
      context.command(verb, item, TOPOLOGY, () => {
        if (this.context !== context || --left > 0) return;
        this.isSaying = false;
        // It may have changed meanwhile, or something may have been refused.
        this.later(AGAIN_MS);
      });
    }
  }

  private later(delayMs: number): void {
    this.cancel();
    this.cancel = this.context?.clock.after(delayMs, () => this.look()) ?? ((): void => undefined);
  }

  private wordsFor({ state, cluster: self, now }: HostContext<OffloadState>, { routes: offered, own }: Outlook): readonly Word[] {
    const words: Word[] = [];
    // Before what others take: a queue that is told of a cluster must be one that is told.
    if (!isSame(state.ownTopics, own.topics) || !isSame(state.shards, own.shards)) words.push(["own", own]);
    for (const { cluster, pools } of offered) {
      if (cluster !== self && !isRouteKnown(state.routes.get(cluster), pools, now(), this.heardEveryMs)) words.push(["route", { cluster, pools }]);
    }
    for (const { cluster, pools } of state.routes.values()) {
      if (pools.length > 0 && !offered.some((other) => other.cluster === cluster)) words.push(["routeLost", { cluster }]);
    }
    return words;
  }
}

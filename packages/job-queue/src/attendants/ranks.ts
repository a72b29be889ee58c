/**
 * Tells the queue in which order the topology has its members, where a queue wants its leader: once when such a queue is there,
 * and whenever the order changes.
 */
import type { Attendant, HostContext } from "@longshore/kernel";
import { isSameOrder } from "../decide-members.ts";
import type { JobQueueEvent } from "../events.ts";
import type { QueueState } from "../state.ts";
import type { Roster } from "./roster.ts";

/** What was refused is said again after so long. */
const AGAIN_MS = 1_000;
const SPEAKER = { role: "hello", principal: "topology" } as const;

export const ranks = (roster: Roster): Attendant<QueueState, JobQueueEvent> => new Ranks(roster);

class Ranks implements Attendant<QueueState, JobQueueEvent> {
  private readonly roster: Roster;
  private context: HostContext<QueueState> | undefined;
  private isSaying = false;
  private stopFollowing: () => void = () => undefined;
  private cancel: () => void = () => undefined;

  constructor(roster: Roster) {
    this.roster = roster;
  }

  serving(context: HostContext<QueueState>): void {
    this.stopped();
    this.context = context;
    this.stopFollowing = this.roster.onOrder(() => this.say());
    this.say();
  }

  event({ type }: JobQueueEvent): void {
    if (type !== "QueueConfigured" || this.context === undefined) return;
    // Commands are given between commits.
    this.cancel();
    this.cancel = this.context.clock.after(0, () => this.say());
  }

  stopped(): void {
    this.stopFollowing();
    this.cancel();
    this.context = undefined;
    this.isSaying = false;
  }

  private say(): void {
    const { context } = this;
    const order = this.roster.order();
    if (context === undefined || this.isSaying || order === undefined || !asksForLeader(context.state) || isSameOrder(order, context.state.ranked)) return;
    this.isSaying = true;
    context.command("rank", { instances: order }, SPEAKER, () => {
      if (this.context !== context) return;
      this.isSaying = false;
      this.cancel();
      // It may have changed meanwhile, or have been refused.
      this.cancel = context.clock.after(AGAIN_MS, () => this.say());
    });
  }
}

const asksForLeader = ({ queues }: QueueState): boolean => [...queues.values()].some(({ config }) => config.placement === "leader");

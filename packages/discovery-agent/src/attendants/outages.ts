/**
 * Beside the host of the history: notices that the history could not be written, or that the host stood still, and says so to
 * the actor.
 *
 * While an append waits, what members say waits too, and when it is stored at last the actor hears in one commit that everybody
 * suspects everybody. This word comes behind theirs and in the same commit, before anything is settled: it voids them. While the
 * process stands still acks and refutations wait in it, and deadlines pass that were kept: before the first commit after that
 * the word is said, too.
 */
import type { Attendant, HostContext, Sender } from "@longshore/kernel";
import type { DiscoveryEvent } from "../events.ts";
import type { DiscoveryState } from "../state.ts";

/** Timings, milliseconds. */
const OUTAGES = { lookEveryMs: 500, outageMs: 2_000 } as const;

const HOST: Sender = { role: "actor", principal: "host" };

export const outages = (): Attendant<DiscoveryState, DiscoveryEvent> => new Outages();

class Outages implements Attendant<DiscoveryState, DiscoveryEvent> {
  private stop: () => void = () => undefined;
  private context: HostContext<DiscoveryState> | undefined;
  /** Since when an append is waited for. */
  private waitingSinceMs: number | undefined;
  /** When this process was last seen to run. */
  private ranMs = 0;

  /**
   * What the host before was told, and what it could not be told, is no evidence here. In the first commit, because time has
   * gone on, or was set, while nobody hosted: settled before this word, every deadline would have passed.
   */
  opening(context: HostContext<DiscoveryState>): void {
    this.context = context;
    this.ranMs = context.clock.monotonicMs();
    context.command("outage", { reason: "opened" }, HOST);
  }

  serving(context: HostContext<DiscoveryState>): void {
    this.stopped();
    this.context = context;
    this.look(context);
  }

  /** After a standstill messages may be taken in before any timer fires; and the opening may have been long on its way. */
  committing(): void {
    if (this.context !== undefined) this.noticeStandstill(this.context);
  }

  stopped(): void {
    this.stop();
    this.context = undefined;
    this.waitingSinceMs = undefined;
  }

  private look(context: HostContext<DiscoveryState>): void {
    this.stop = context.clock.after(OUTAGES.lookEveryMs, () => this.look(context));
    this.noticeStandstill(context);
    if (this.waitingSinceMs !== undefined) return;
    const sinceMs = context.clock.monotonicMs();
    this.waitingSinceMs = sinceMs;
    context.whenStored(() => {
      if (this.context !== context) return;
      this.waitingSinceMs = undefined;
      if (context.clock.monotonicMs() - sinceMs >= OUTAGES.outageMs) context.command("outage", { reason: "outage" }, HOST);
    });
  }
  private noticeStandstill({ clock, command }: HostContext<DiscoveryState>): void {
    const nowMs = clock.monotonicMs();
    const stoodMs = nowMs - this.ranMs;
    this.ranMs = nowMs;
    if (stoodMs >= OUTAGES.lookEveryMs + OUTAGES.outageMs) command("outage", { reason: "stalled" }, HOST);
  }
}

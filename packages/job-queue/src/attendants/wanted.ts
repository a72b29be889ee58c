/**
 * Tells the actor what operators want: each revision of the wanted configuration becomes a command of the host, in order.
 *
 * It goes on from what the history says was applied, so a host that starts late makes up for everything it missed, and
 * a revision told twice changes nothing.
 */
import type { Attendant, HostContext, WantedConfiguration, WantedEntry } from "@longshore/kernel";
import { WantedFollower } from "@longshore/kernel";
import type { JobQueueEvent } from "../events.ts";
import type { QueueState } from "../state.ts";
import { queueOfWantedKey } from "../wanted.ts";

export interface WantedOptions {
  readonly wanted: WantedConfiguration;
  /** Called once, when everything that was wanted at the start is applied, or it cannot be read now. */
  readonly onApplied?: () => void;
  /** What is wanted cannot be read; said once per trouble. */
  readonly onTrouble?: (cause: string) => void;
}

/** The host speaks for the bucket: whoever may write there is an operator. */
const SPEAKER = { role: "hello", principal: "config" } as const;

export const wanted = (options: WantedOptions): Attendant<QueueState, JobQueueEvent> => new Wanted(options);

class Wanted implements Attendant<QueueState, JobQueueEvent> {
  private readonly options: WantedOptions;
  private follower: WantedFollower | undefined;
  private trouble: string | undefined;
  private hasLooked = false;
  /** Commands whose commits are not stored yet. */
  private open = 0;
  private isApplied = false;

  constructor(options: WantedOptions) {
    this.options = options;
  }

  serving(context: HostContext<QueueState>): void {
    this.stopped();
    this.open = 0;
    this.hasLooked = false;
    const handlers = {
      changed: (entries: readonly WantedEntry[]) => this.tell(context, entries),
      looked: (trouble: string | undefined) => this.looked(trouble),
    };
    this.follower = new WantedFollower(this.options.wanted, context.clock, handlers, context.state.configuredUpTo);
    this.follower.start();
  }

  stopped(): void {
    this.follower?.close();
    this.follower = undefined;
  }

  private tell(context: HostContext<QueueState>, entries: readonly WantedEntry[]): void {
    for (const { key, revision, value } of entries) {
      const queue = queueOfWantedKey(key);
      // What is no longer wanted stays as it is: its jobs are still to be done.
      if (queue === undefined || value === undefined) continue;
      this.open++;
      context.command("want", { queue, revision, value }, SPEAKER, () => {
        this.open--;
        this.settle();
      });
    }
  }

  private looked(trouble: string | undefined): void {
    if (trouble !== undefined && trouble !== this.trouble) this.options.onTrouble?.(trouble);
    this.trouble = trouble;
    this.hasLooked = true;
    this.settle();
  }

  private settle(): void {
    if (this.isApplied || !this.hasLooked || this.open > 0) return;
    this.isApplied = true;
    this.options.onApplied?.();
  }
}

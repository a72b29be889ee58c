/** One shard that this instance hosts whenever placement says so, again and again, until it is told to end. */
import type { StopReason } from "@longshore/kernel";
import { Fault } from "@longshore/kernel";
import type { JobQueueOptions, JobQueueService } from "./job-queue.ts";
import type { Placement } from "./placement.ts";

export interface PlacedShardOptions {
  readonly shard: string;
  readonly placement: Placement;
  /** Folds the history of the shard also while another instance is to host it. */
  readonly standsBy: boolean;
  /** Opens the first time without being asked to wait. */
  readonly takeOver: boolean;
  readonly signal: AbortSignal;
  readonly open: (gate: NonNullable<JobQueueOptions["gate"]>) => Promise<JobQueueService>;
  readonly onServing: (service: JobQueueService) => void;
  readonly onStandby: () => void;
  /** It is hosted elsewhere from now on. */
  readonly onMoved: (cause: "closed" | "fenced") => void;
  /** It stopped for a reason that needs a person. */
  readonly onStopped: (reason: StopReason) => void;
}

const AGAIN_MS = 500;

export class PlacedShard {
  private readonly options: PlacedShardOptions;
  private service: JobQueueService | undefined;
  private isLeaving = false;
  private mustTakeOver: boolean;

  constructor(options: PlacedShardOptions) {
    this.options = options;
    this.mustTakeOver = options.takeOver;
  }

  /** Ends when it is told to, or when the host stopped for a reason that needs a person. @throws {Fault} why the shard cannot be hosted. */
  async keep(): Promise<void> {
    const { signal, onStopped, onMoved } = this.options;
    while (!signal.aborted) {
      const reason = await this.hostOnce();
      if (reason !== undefined && "message" in reason) return onStopped(reason);
      if (reason !== undefined) onMoved(reason.kind);
      // Whoever has it now has just begun.
      if (!signal.aborted) await new Promise((next) => setTimeout(next, AGAIN_MS));
    }
  }

  /** Gives the shard to its successor, if it is hosted here and there is one, then closes it. */
  async close(): Promise<void> {
    const { service } = this;
    if (service === undefined) return;
    this.isLeaving = true;
    if (this.options.placement.hasSuccessor(this.options.shard)) await this.options.placement.farewell(service.stopped);
    await service.close();
  }

  private async hostOnce(): Promise<StopReason | undefined> {
    const { shard, placement, signal, open, onServing } = this.options;
    const service = await this.opened(() => open((prepare) => this.gate(prepare)));
    if (service === undefined) return undefined;
    this.service = service;
    onServing(service);
    const stopListening = placement.handsOver(shard, () => this.isLeaving, (closed) => {
      service.host.close();
      void service.stopped.then(closed);
    });
    if (signal.aborted) await service.close();
    const reason = await service.stopped;
    stopListening();
    this.service = undefined;
    return reason;
  }

  /** Undefined when another was faster, or this is to end. */
  private async opened(open: () => Promise<JobQueueService>): Promise<JobQueueService | undefined> {
    try {
      return await open();
    } catch (error) {
      if (this.options.signal.aborted || (error instanceof Fault && error.code === "host/fenced")) return undefined;
      throw error;
    }
  }

  private async gate(prepare: () => Promise<void>): Promise<{ readonly takeOver: boolean }> {
    if (this.mustTakeOver) {
      this.mustTakeOver = false;
      return { takeOver: true };
    }
    const { shard, placement, standsBy, signal, onStandby } = this.options;
    if (standsBy) await prepare();
    for (let isPrepared = standsBy; ; isPrepared = true) {
      const permission = await placement.mayOpen(shard, { isPrepared, signal, standingBy: onStandby });
      if (permission.kind === "open") return permission;
      await prepare();
    }
  }
}

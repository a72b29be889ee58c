/** One actor that this instance hosts whenever placement says so, again and again, until it is told to end. */
import type { StopReason } from "@longshore/kernel";
import { Fault } from "@longshore/kernel";
import type { Gate } from "./actor-service.ts";
import type { ActorName, Placement } from "./placement.ts";

/** A host that serves, as far as its placement has to do with it. */
export interface HostedActor {
  readonly epoch: number;
  readonly stopped: Promise<StopReason>;
  readonly host: { close(): void };
  close(): Promise<void>;
}

export interface PlacedActorOptions<Service extends HostedActor> {
  readonly name: ActorName;
  readonly placement: Placement;
  /** Folds the history of the actor also while another instance is to host it. */
  readonly standsBy: boolean;
  /** Opens the first time without being asked to wait. */
  readonly takeOver: boolean;
  readonly signal: AbortSignal;
  readonly open: (gate: Gate) => Promise<Service>;
  readonly onServing: (service: Service) => void;
  readonly onStandby: () => void;
  /** It is hosted elsewhere from now on. */
  readonly onMoved: (cause: "closed" | "fenced") => void;
  /** It stopped for a reason that needs a person. */
  readonly onStopped: (reason: StopReason) => void;
}

const AGAIN_MS = 500;

export class PlacedActor<Service extends HostedActor> {
  private readonly options: PlacedActorOptions<Service>;
  private service: Service | undefined;
  private isLeaving = false;
  private mustTakeOver: boolean;

  constructor(options: PlacedActorOptions<Service>) {
    this.options = options;
    this.mustTakeOver = options.takeOver;
  }

  /** Ends when it is told to, or when the host stopped for a reason that needs a person. @throws {Fault} why the actor cannot be hosted. */
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

  /** Gives the actor to its successor, if it is hosted here and there is one, then closes it. */
  async close(): Promise<void> {
    const { service } = this;
    if (service === undefined) return;
    this.isLeaving = true;
    if (this.options.placement.hasSuccessor(this.options.name)) await this.options.placement.farewell(service.stopped);
    await service.close();
  }

  private async hostOnce(): Promise<StopReason | undefined> {
    const { name, placement, signal, open, onServing } = this.options;
    const service = await this.opened(() => open((prepare) => this.gate(prepare)));
    if (service === undefined) return undefined;
    this.service = service;
    onServing(service);
    const stopListening = placement.handsOver(name, () => this.isLeaving, (closed) => {
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
  private async opened(open: () => Promise<Service>): Promise<Service | undefined> {
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
    const { name, placement, standsBy, signal, onStandby } = this.options;
    if (standsBy) await prepare();
    for (let isPrepared = standsBy; ; isPrepared = true) {
      const permission = await placement.mayOpen(name, { isPrepared, signal, standingBy: onStandby });
      if (permission.kind === "open") return permission;
      await prepare();
    }
  }
}

/** Hosts of several actors of one kind in one process: placed by views, or each as soon as nobody else hosts it. */
import type { StopReason } from "@longshore/kernel";
import type { ActorServiceOptions } from "./actor-service.ts";
import { type HostedActor, PlacedActor } from "./placed-actor.ts";
import type { Placement } from "./placement.ts";

/** What those who start hosts may say, and are told. `actor`: its name among its kind. */
export interface HostingOptions<Service extends HostedActor> extends Pick<ActorServiceOptions, "takeOver" | "signal"> {
  /** Says which of them are hosted here, and when; without it all of them are, as soon as nobody else hosts them. */
  readonly placement?: Placement;
  /** With a placement: the histories of actors that others host are folded here, so that this instance can go on at once. */
  readonly standsBy?: boolean;
  readonly onServing?: (actor: string, service: Service) => void;
  /** Another host of the actor is alive; this one waits for it to go. */
  readonly onStandby?: (actor: string) => void;
  /** An actor is hosted elsewhere from now on: it was handed over, or another host has overtaken this one. */
  readonly onMoved?: (actor: string, cause: "closed" | "fenced") => void;
  /** An actor that was to be started later could not be hosted; it is tried again. */
  readonly onFailed?: (actor: string, error: unknown) => void;
}

export type Opening = Required<Pick<ActorServiceOptions, "signal" | "onStandby">> & Pick<ActorServiceOptions, "gate" | "takeOver">;

export interface Stopped {
  readonly actor: string;
  readonly reason: StopReason;
}

const TRY_AGAIN_MS = 5_000;

export class ActorHosts<Service extends HostedActor> {
  readonly hosted: Map<string, Service> = new Map();
  /** The first host that stops by itself; not one that placement has moved. Rejects when an actor that is placed here cannot be hosted. */
  readonly stopped: Promise<Stopped>;
  private readonly kind: string;
  private readonly options: HostingOptions<Service>;
  private readonly open: (actor: string, opening: Opening) => Promise<Service>;
  private readonly starting = new Map<string, Promise<void>>();
  private readonly placed: PlacedActor<Service>[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly ending = new AbortController();
  private closing: Promise<void> | undefined;
  private hasStopped: (what: Stopped) => void = () => undefined;
  private hasFailed: (error: unknown) => void = () => undefined;

  constructor(kind: string, options: HostingOptions<Service>, open: (actor: string, opening: Opening) => Promise<Service>) {
    this.kind = kind;
    this.options = options;
    this.open = open;
    this.stopped = new Promise((resolve, reject) => {
      this.hasStopped = resolve;
      this.hasFailed = reject;
    });
    // Whoever does not look has decided so.
    this.stopped.catch(() => undefined);
  }

  /** Resolves when it is served; with a placement at once. @throws {Fault} why it cannot be hosted. */
  start(actor: string): Promise<void> {
    const started = this.starting.get(actor) ?? this.host(actor);
    this.starting.set(actor, started);
    return started;
  }

  /** Again and again, until it is served. */
  startLater(actor: string): void {
    if (this.closing !== undefined) return;
    this.start(actor).catch((error: unknown) => {
      if (this.closing !== undefined) return;
      this.options.onFailed?.(actor, error);
      this.starting.delete(actor);
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.startLater(actor);
      }, TRY_AGAIN_MS);
      this.timers.add(timer);
    });
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer);
    this.ending.abort(new Error("the hosts are being closed"));
    const { kind } = this;
    const { placement } = this.options;
    // Successors look at the view: without this instance in it they ask for its actors.
    if (placement !== undefined && [...this.hosted.keys()].some((actor) => placement.hasSuccessor({ kind, actor }))) await placement.leave();
    await Promise.all(this.placed.map((placed) => placed.close()));
    await Promise.allSettled(this.starting.values());
    await Promise.all([...this.hosted.values()].map((service) => service.close()));
  }

  private async host(actor: string): Promise<void> {
    const { placement, takeOver } = this.options;
    if (placement !== undefined) return this.place(actor, placement);
    const service = await this.open(actor, { ...this.opening(actor), ...(takeOver === undefined ? {} : { takeOver }) });
    this.served(actor, service);
    void service.stopped.then((reason) => {
      if (this.closing === undefined) this.hasStopped({ actor, reason });
    });
  }

  private served(actor: string, service: Service): void {
    this.hosted.set(actor, service);
    void service.stopped.then(() => this.hosted.delete(actor));
    this.options.onServing?.(actor, service);
  }

  private place(actor: string, placement: Placement): void {
    const { takeOver = false, standsBy = false, onMoved } = this.options;
    const opening = this.opening(actor);
    const placed = new PlacedActor<Service>({
      name: { kind: this.kind, actor }, placement, standsBy, takeOver, signal: opening.signal,
      open: (gate) => this.open(actor, { ...opening, gate, takeOver: false }),
      onServing: (service) => this.served(actor, service),
      onStandby: opening.onStandby,
      onMoved: (cause) => onMoved?.(actor, cause),
      onStopped: (reason) => this.hasStopped({ actor, reason }),
    });
    this.placed.push(placed);
    placed.keep().catch((error: unknown) => this.hasFailed(error));
  }

  private opening(actor: string): Opening {
    const { signal, onStandby } = this.options;
    return { signal: signal === undefined ? this.ending.signal : AbortSignal.any([signal, this.ending.signal]), onStandby: () => onStandby?.(actor) };
  }
}

/**
 * The events of one listener, one at a time and in order; a slow one delays only itself.
 *
 * Bound: `queuedMax` + 1 events wait. What a listener has not begun to hear may be told shorter: at the bound a change that is
 * still waiting is folded into the next one, and an INIT into a later INIT. What remains is still a true story: it begins
 * where the listener is, CHANGING stands before CHANGED, and each `oldView` is the `newView` told before.
 */
import { invariant } from "@longshore/kernel";
import { callHandler, type TopologyHandler } from "./call-handler.ts";
import { propertiesChanged, type TopologyEvent, topologyChanged, topologyChanging, topologyInit } from "./event.ts";
import type { TopologyView } from "./view.ts";

/** What all queues of an instance share. */
export interface QueueSurroundings {
  /** Place of an event among those of all listeners. */
  nextPlace(): number;
  /** A listener threw; it counts as returned. */
  failed(cause: unknown, event: TopologyEvent): void;
  /** A listener is free for its next event. */
  returned(): void;
}

export class ListenerQueue {
  readonly handler: TopologyHandler;
  /** While it has something to hear of a change, its instance does not acknowledge that change. */
  readonly isBarrier: boolean;
  private readonly surroundings: QueueSurroundings;
  private readonly queuedMax: number;
  private readonly waiting: { readonly place: number; readonly event: TopologyEvent }[] = [];
  private readonly whenIdleRuns: (() => void)[] = [];
  /** The view it knows once all that waits is told; undefined before its INIT. */
  private announced: TopologyView | undefined = undefined;
  private isRunning = false;

  constructor(handler: TopologyHandler, options: { readonly isBarrier: boolean; readonly queuedMax: number }, surroundings: QueueSurroundings) {
    this.handler = handler;
    this.isBarrier = options.isBarrier;
    this.queuedMax = options.queuedMax;
    this.surroundings = surroundings;
  }

  get isInitialised(): boolean {
    return this.announced !== undefined;
  }

  /** Nothing waits and nothing runs. */
  get isIdle(): boolean {
    return !this.isRunning && this.waiting.length === 0;
  }

  /** Place of the event that can be delivered now; undefined while one runs or none waits. */
  get readyPlace(): number | undefined {
    return this.isRunning ? undefined : this.waiting[0]?.place;
  }

  init(view: TopologyView): void {
    this.add(topologyInit(view));
    this.announced = view;
  }

  /** Owed to initialised listeners, once before each `changed`. */
  changing(): void {
    const untold = this.takeBackWhenFull();
    // The change that is taken back has its CHANGING told or waiting; an INIT taken back leaves nothing to change.
    if (untold?.type === "TOPOLOGY_CHANGED" || untold?.type === "TOPOLOGY_INIT") return;
    this.add(topologyChanging(this.known()));
  }

  changed(view: TopologyView): void {
    this.add(topologyChanged(this.known(), view));
    this.announced = view;
  }

  properties(view: TopologyView): void {
    const untold = this.takeBackWhenFull();
    if (untold?.type === "TOPOLOGY_INIT") return this.init(view);
    if (untold?.type === "TOPOLOGY_CHANGED") return this.changed(view);
    this.add(propertiesChanged(this.known(), view));
    this.announced = view;
  }

  /** Tells the event that waits longest. */
  deliver(): void {
    const { event } = this.waiting.shift()!;
    this.isRunning = true;
    callHandler(this.handler, event, (failure) => {
      if (failure !== undefined) this.surroundings.failed(failure.cause, event);
      this.release();
    });
  }

  /** Forgets what waits; what runs goes on. */
  drop(): void {
    this.waiting.length = 0;
    this.tellWhenIdle();
  }

  /** Delivers nothing until `release`. */
  hold(): void {
    this.isRunning = true;
  }

  release(): void {
    this.isRunning = false;
    this.tellWhenIdle();
    this.surroundings.returned();
  }

  /** Runs once, when nothing waits and nothing runs; at once if that is now. */
  whenIdle(run: () => void): void {
    if (this.isIdle) return run();
    this.whenIdleRuns.push(run);
  }

  private tellWhenIdle(): void {
    if (this.isIdle) for (const run of this.whenIdleRuns.splice(0)) run();
  }

  private add(event: TopologyEvent): void {
    this.waiting.push({ place: this.surroundings.nextPlace(), event });
  }

  /** At the bound: the newest event that waits, as if it had never been made; never a CHANGING. */
  private takeBackWhenFull(): TopologyEvent | undefined {
    if (this.waiting.length < this.queuedMax || this.waiting.length === 0) return undefined;
    const { event } = this.waiting.at(-1)!;
    invariant(event.type !== "TOPOLOGY_CHANGING", "between CHANGING and CHANGED there is nothing to tell");
    this.waiting.pop();
    this.announced = event.oldView;
    return event;
  }

  private known(): TopologyView {
    invariant(this.announced !== undefined, "before its INIT a listener is told nothing else");
    return this.announced;
  }
}

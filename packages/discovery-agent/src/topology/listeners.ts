/** The listeners of one instance, in the order they were bound, and those that have left but not yet returned. */
import { Fault } from "@longshore/kernel";
import type { TopologyHandler } from "./call-handler.ts";
import type { TopologyEvent } from "./event.ts";
import { ListenerQueue, type QueueSurroundings } from "./listener-queue.ts";
import type { TopologyView } from "./view.ts";

export interface ListenersOptions {
  readonly queuedMax: number;
  readonly listenersMax: number;
  readonly onFault: (cause: unknown, event: TopologyEvent) => void;
  /** After each round of deliveries. */
  readonly delivered: () => void;
}

export class Listeners {
  private readonly options: ListenersOptions;
  private readonly surroundings: QueueSurroundings;
  private readonly bound = new Map<TopologyHandler, ListenerQueue>();
  private readonly leaving = new Map<TopologyHandler, ListenerQueue>();
  private isDelivering = false;
  private place = 0;

  constructor(options: ListenersOptions) {
    this.options = options;
    this.surroundings = {
      nextPlace: () => this.place++, failed: (cause, event) => options.onFault(cause, event), returned: () => this.deliver(),
    };
  }

  /** A barrier listener has something in hand or waiting, also one that has left. */
  get isBarrierBusy(): boolean {
    return this.queues().some(({ isBarrier, isIdle }) => isBarrier && !isIdle);
  }

  /** With a view it hears INIT first. False, and no change, when it is bound already. @throws {Fault} `topology/too-many-listeners`. */
  bind(handler: TopologyHandler, isBarrier: boolean, view: TopologyView | undefined): boolean {
    if (this.bound.has(handler)) return false;
    const { listenersMax, queuedMax } = this.options;
    if (this.bound.size + this.leaving.size >= listenersMax) {
      throw new Fault("topology/too-many-listeners", `${listenersMax} listeners are bound or have not returned yet; unbind one first`, { retry: "never" });
    }
    const queue = new ListenerQueue(handler, { isBarrier, queuedMax }, this.surroundings);
    this.bound.set(handler, queue);
    const before = this.leaving.get(handler);
    if (before !== undefined) {
      queue.hold();
      before.whenIdle(() => queue.release());
    }
    if (view !== undefined) queue.init(view);
    this.deliver();
    return true;
  }

  /** What waits for it is dropped; after `unbound` it is never called again. False when it is not bound and owes no return. */
  unbind(handler: TopologyHandler, unbound: () => void): boolean {
    const bound = this.bound.get(handler);
    const before = this.leaving.get(handler);
    before?.drop();
    bound?.drop();
    if (bound !== undefined) this.leave(bound);
    const last = this.leaving.get(handler);
    if (last === undefined) unbound();
    else last.whenIdle(unbound);
    this.deliver();
    return bound !== undefined || before !== undefined;
  }

  /** All of them leave, after what waits for them; `left` runs when they have returned. */
  leaveAll(left: () => void): void {
    for (const queue of [...this.bound.values()]) this.leave(queue);
    this.deliver();
    let missing = this.leaving.size;
    if (missing === 0) return left();
    for (const queue of [...this.leaving.values()]) {
      queue.whenIdle(() => {
        if (--missing === 0) left();
      });
    }
  }

  changing(): void {
    for (const queue of this.bound.values()) if (queue.isInitialised) queue.changing();
  }

  properties(view: TopologyView): void {
    for (const queue of this.bound.values()) queue.properties(view);
  }

  /** Those who were told of the change hear of its end before others hear their INIT. */
  settled(view: TopologyView): void {
    const late = [...this.bound.values()].filter(({ isInitialised }) => !isInitialised);
    for (const queue of this.bound.values()) if (queue.isInitialised) queue.changed(view);
    for (const queue of late) queue.init(view);
  }

  /** Tells what can be told, over all listeners in the order it was queued. Handlers that call back in here only add to it. */
  deliver(): void {
    if (this.isDelivering) return;
    this.isDelivering = true;
    try {
      for (let queue = this.nextReady(); queue !== undefined; queue = this.nextReady()) queue.deliver();
    } finally {
      this.isDelivering = false;
    }
    this.options.delivered();
  }

  private leave(queue: ListenerQueue): void {
    this.bound.delete(queue.handler);
    this.leaving.set(queue.handler, queue);
    queue.whenIdle(() => {
      if (this.leaving.get(queue.handler) === queue) this.leaving.delete(queue.handler);
    });
  }

  private nextReady(): ListenerQueue | undefined {
    let next: ListenerQueue | undefined;
    for (const queue of this.queues()) {
      if (queue.readyPlace !== undefined && queue.readyPlace < (next?.readyPlace ?? Number.POSITIVE_INFINITY)) next = queue;
    }
    return next;
  }

  private queues(): readonly ListenerQueue[] {
    return [...this.bound.values(), ...this.leaving.values()];
  }
}

/** Who is there: the topology as a program sees it that belongs to no view of it. */
import type { MemberRecord, TopologyAnswer, TopologyHandler, TopologyView } from "@longshore/discovery-agent";
import { observedView, Topology } from "@longshore/discovery-agent";
import { askLine } from "./calls.ts";
import type { Client } from "./client.ts";
import { InvalidOption, Unavailable } from "./errors.ts";
import type { CallOptions } from "./handle.ts";

/** How often a topology that is listened to is asked for. */
const LOOK_EVERY_MS = 500;
const ANSWER_WITHIN_MS = 2_000;

export class Topologies {
  private readonly client: Client;
  private watched: { readonly topology: Topology; readonly handlers: Set<TopologyHandler>; stop: () => void } | undefined;

  constructor(client: Client) {
    this.client = client;
  }

  /**
   * The topology now; not current while a change is in progress.
   *
   * @throws {Unavailable} `host/unavailable` when nobody hosts it, `topology/none` before the first instance has joined.
   */
  async view(options: CallOptions = {}): Promise<TopologyView> {
    const view = observedView((await askLine(this.client.discovery(), { ask: "view" }, options)) as TopologyAnswer);
    if (view === undefined) throw new Unavailable("topology/none", "there is no view of the topology yet: it comes with the first instance, about two seconds after its start");
    return view;
  }

  /**
   * Calls back with the four kinds of events, INIT first; an event waits until the handler has returned from the one before. The
   * cluster does not wait for it. Returns a way to stop.
   */
  listen(handler: TopologyHandler): () => void {
    if (typeof handler !== "function") throw new InvalidOption("handler", "must be a function of an event");
    this.watched ??= this.watch();
    const { topology, handlers } = this.watched;
    // Bound once, however often it is given.
    const own: TopologyHandler = (event) => handler(event);
    handlers.add(own);
    topology.bind(own, { barrier: false });
    return () => {
      topology.unbind(own);
      handlers.delete(own);
      if (handlers.size === 0) this.close();
    };
  }

  close(): void {
    this.watched?.stop();
    this.watched = undefined;
  }

  private watch(): NonNullable<Topologies["watched"]> {
    const { cluster, principal, instance, ports } = this.client.setup;
    const self: MemberRecord = {
      instance, incarnation: this.client.name, principal, joinedView: 0, propertiesVersion: 1,
      properties: {}, topics: [], slots: 0, kinds: [], endpoints: [], software: "", leaderPriority: 0, isReady: false,
    };
    const topology = new Topology({
      self, cluster, clock: ports.clock, isObserver: true, onAckOwed: () => undefined,
      onFault: (cause) => this.client.fault(new Unavailable("topology/listener-failed", "a listener of the topology has thrown", { cause })),
    });
    topology.start();
    const watched = { topology, handlers: new Set<TopologyHandler>(), stop: () => undefined };
    this.look(watched, topology);
    return watched;
  }

  private look(watched: NonNullable<Topologies["watched"]>, topology: Topology): void {
    const cancel = this.client.discovery().query.ask({ ask: "view" }, ANSWER_WITHIN_MS, (answer) => {
      if (answer.kind === "failed") topology.raise("disconnected");
      else {
        const { view, proposed, remote } = answer.answer as TopologyAnswer;
        topology.clear("disconnected");
        topology.read({ view: view ?? undefined, proposal: proposed ?? undefined, remote });
      }
      const cancelTimer = this.client.setup.ports.clock.after(LOOK_EVERY_MS, () => this.look(watched, topology));
      watched.stop = () => {
        cancelTimer();
        topology.stop();
      };
    });
    watched.stop = () => {
      cancel();
      topology.stop();
    };
  }
}

/** Jobs of this cluster that others do, jobs of others that are done here, and what operators may say of both. */
import type { GuestView, RouteView, TripDetail, TripView } from "@longshore/offload-router";
import { askLine, command } from "./calls.ts";
import type { Client } from "./client.ts";
import { InvalidOption, OutcomeUnknown, Rejected } from "./errors.ts";
import type { CallOptions } from "./handle.ts";
import type { TravelEvent } from "./offload-history.ts";
import { travelEvents } from "./offload-history.ts";
import { refuseOthers } from "./options.ts";

export interface ListTripsOptions extends CallOptions {
  /** Only those to this cluster. */
  readonly cluster?: string;
  /** The last ended ones, too; a router keeps a thousand. */
  readonly all?: boolean;
}

export interface ListGuestsOptions extends CallOptions {
  /** Only those of this cluster. */
  readonly origin?: string;
}

export interface DrainOptions extends CallOptions {
  /** Resolve only when nothing of this cluster is there any more. */
  readonly wait?: boolean;
}

const PAGE = 1_000;
const LOOK_EVERY_MS = 250;

/** Every call throws {Unavailable} `host/unavailable` when this cluster has no router. */
export class Offload {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  /** Jobs of this cluster on their way in others, the oldest trip first. A report has no log here; that of `show` has. */
  list(options: ListTripsOptions = {}): Promise<readonly TripView[]> {
    refuseOthers(options, ["cluster", "all", "signal"], []);
    const { cluster, all = false, signal } = options;
    return this.pages<TripView>({ ask: "trips", all, ...(cluster === undefined ? {} : { cluster }) }, ({ trip }) => trip, signal);
  }

  /** Jobs of other clusters that are here. */
  guests(options: ListGuestsOptions = {}): Promise<readonly GuestView[]> {
    refuseOthers(options, ["origin", "signal"], []);
    const { origin, signal } = options;
    return this.pages<GuestView>({ ask: "guests", ...(origin === undefined ? {} : { origin }) }, ({ guest }) => guest, signal);
  }

  /** One trip, by its number or by its job's id: the trip the job is on, or else its last. @throws {Rejected} `trip/unknown` */
  async show(what: number | string, options: CallOptions = {}): Promise<TripDetail> {
    const found = (await this.ask({ ask: "trip", ...named(what) }, options)) as TripDetail | null;
    if (found !== null) return found;
    throw new Rejected("trip/unknown", typeof what === "number" ? `there is no trip ${what}: it never was, or ended long ago` : `job ${what} is not in another cluster, and none of the last trips was its`);
  }

  /** What happened on a trip, oldest first, as this cluster's router has recorded it. Reads the router's history. */
  async history(what: number | string, options: CallOptions = {}): Promise<readonly TravelEvent[]> {
    const trip = typeof what === "number" ? what : (await this.show(what, options)).trip;
    return travelEvents(this.client, trip, options);
  }

  /** Every other cluster: what it takes, and what of this one is there. */
  clusters(options: CallOptions = {}): Promise<readonly RouteView[]> {
    return this.ask({ ask: "routes" }, options) as Promise<readonly RouteView[]>;
  }

  /** Sends a cluster nothing new; what has not arrived there comes back, what has ends there. @throws {Rejected} `route/unknown` */
  async drain(cluster: string, options: DrainOptions = {}): Promise<RouteView> {
    refuseOthers(options, ["wait", "signal"], []);
    const { wait = false, ...call } = options;
    let route = await this.turn("drain", cluster, call);
    while (wait && !route.isEmpty) {
      await new Promise<void>((resolve) => this.client.setup.ports.clock.after(LOOK_EVERY_MS, resolve));
      route = await this.route(cluster, call);
      if (!route.isDrained) throw new Rejected("route/resumed", `cluster "${cluster}" was resumed meanwhile`);
    }
    return route;
  }

  /** Sends a drained cluster jobs again. @throws {Rejected} `route/unknown` */
  resume(cluster: string, options: CallOptions = {}): Promise<RouteView> {
    return this.turn("resume", cluster, options);
  }

  /**
   * Takes a job back from the cluster it was given to, whatever that says: its queue gives it away anew, as another attempt. What the
   * other cluster still returns of it is refused. @throws {Rejected} `trip/unknown`
   */
  async reclaim(what: number | string, reason?: string, options: CallOptions = {}): Promise<TripDetail> {
    if (reason !== undefined && typeof reason !== "string") throw new InvalidOption("reason", "must be text");
    const { trip, how, id } = await this.show(what, options);
    if (how !== null) throw new Rejected("trip/unknown", `trip ${trip} of job ${id} has ended (${how}): there is nothing to take back`);
    await this.operate("reclaim", { trip, ...(reason === undefined ? {} : { reason }) }, options);
    return this.show(trip, options);
  }

  private async turn(verb: "drain" | "resume", cluster: string, options: CallOptions): Promise<RouteView> {
    if (typeof cluster !== "string" || cluster === "") throw new InvalidOption("cluster", "must be the name of another cluster: ls.offload.clusters() lists them");
    // Asked first: without a router the order would wait in the inbox, and nobody would know whether there is such a cluster.
    await this.clusters(options);
    await this.operate(verb, { cluster }, options);
    return this.route(cluster, options);
  }

  private async operate(verb: string, item: unknown, options: CallOptions): Promise<void> {
    const { stored } = await command(this.client.router().operateOnly, verb, item, options);
    if (stored) throw new OutcomeUnknown("the router has gone meanwhile; it is done when one is up again");
  }

  private async route(cluster: string, options: CallOptions): Promise<RouteView> {
    const found = (await this.clusters(options)).find((route) => route.cluster === cluster);
    if (found === undefined) throw new Rejected("route/unknown", `no cluster "${cluster}" is known here`);
    return found;
  }

  private ask(question: Readonly<Record<string, unknown>>, options: CallOptions): Promise<unknown> {
    return askLine(this.client.router(), question, options);
  }

  private async pages<View>(question: Readonly<Record<string, unknown>>, numberOf: (view: View) => number, signal: AbortSignal | undefined): Promise<readonly View[]> {
    const all: View[] = [];
    for (;;) {
      const last = all.at(-1);
      const page = (await this.ask({ ...question, limit: PAGE, after: last === undefined ? 0 : numberOf(last) }, signal === undefined ? {} : { signal })) as readonly View[];
      all.push(...page);
      if (page.length < PAGE) return all;
    }
  }
}

function named(what: unknown): { readonly trip: number } | { readonly id: string } {
  if (typeof what === "number" && Number.isSafeInteger(what) && what >= 1) return { trip: what };
  if (typeof what === "string" && what !== "") return { id: what };
  throw new InvalidOption("trip", "must be the number of a trip, or the id of a job");
}

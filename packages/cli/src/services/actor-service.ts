/**
 * One actor hosted in this process: what JobQueue and OffloadRouter as services share.
 *
 *   waiting ──▶ preparing ──▶ opening ──▶ serving ──▶ stopped
 *      └─ taken over ────────────┘
 *
 * It waits until the gate lets it, or else until nobody hosts the actor; folds the history meanwhile when it is told to (a warm
 * follower, whose history the host goes on with); and releases whatever it has when the host stops, for whatever reason.
 */
import { hostname } from "node:os";
import { join } from "node:path";
import type { Actor, Attendant, HostPorts, Inbox, KernelLimits, RejectionShape, StopReason, Telemetry, Wire } from "@longshore/kernel";
import { Follower, Host, subjectsOf, whenFree } from "@longshore/kernel";
import { inboxOf, journalOf, marksOf, serverTimeOf, snapshotsOf, wireOf } from "@longshore/nats";
import type { Ground, GroundOptions } from "./ground.ts";
import { DEFAULT_CLUSTER } from "./ground.ts";
import { newIncarnation, nodeClock, sha256 } from "./node-ports.ts";
import type { ActorName } from "./placement.ts";
import { SOFTWARE } from "./software.ts";
import { stopFault } from "./start-fault.ts";

/** Says when to open; `prepare` folds the history meanwhile. */
export type Gate = (prepare: () => Promise<void>) => Promise<{ readonly takeOver: boolean }>;

export interface ActorServiceOptions extends GroundOptions {
  /** Persistent name of this instance; this machine's name by default. */
  readonly instance?: string;
  /** This life of the process, as the topology has it; a new name by default. */
  readonly incarnation?: string;
  /** Where the high-water mark is kept beside NATS; without it only NATS keeps it. */
  readonly stateDir?: string;
  /** Open although another host seems alive: it will be fenced. */
  readonly takeOver?: boolean;
  /** Says when to open, instead of waiting until nobody hosts the actor. */
  readonly gate?: Gate;
  /** Serve a journal that ends below what was seen, for this recorded reason. */
  readonly acceptRewind?: string;
  readonly limits?: Partial<KernelLimits>;
  readonly keepMs?: number;
  readonly keepBytes?: number;
  readonly telemetry?: Telemetry;
  /** Another host is alive; this one waits for it to go. */
  readonly onStandby?: () => void;
  /** Ends the waiting in standby and the opening; once it serves, `close` ends it. */
  readonly signal?: AbortSignal;
}

/** What runs beside a host that serves, off its path: snapshots, retention. */
export interface Beside {
  /** The host has stored something. Called on the hot path. */
  stored(): void;
  close(): Promise<void>;
}

/** What one kind of actor brings along. */
export interface Hosted<State, Command, Event, Rejection extends RejectionShape> {
  readonly actor: Actor<State, Command, Event, Rejection>;
  /** Its name among its kind. */
  readonly name: string;
  readonly wire: Wire;
  /** Read beside its own two. `state`: what the host has folded so far. */
  readonly inboxes?: (state: () => State) => readonly Inbox[];
  /** `serves` is to be called once it may be said that the actor is served. */
  readonly attendants: (serves: () => void) => readonly Attendant<State, Event>[];
  readonly beside?: (ports: HostPorts) => Beside;
}

export interface ActorService<State, Command, Event, Rejection extends RejectionShape> {
  readonly epoch: number;
  /** Resolves when the host stops, for whatever reason. */
  readonly stopped: Promise<StopReason>;
  /** Bytes of the host's state and how far it is; for `bench` and tests. */
  readonly host: Host<State, Command, Event, Rejection>;
  /** Finishes the append in flight and stops. Idempotent. */
  close(): Promise<void>;
}

/**
 * Resolves when commands are answered. The ground is freed when the host has stopped, or has not started.
 *
 * @throws {Fault} `host/…` when the journal cannot be served. @throws the signal's reason, when it is aborted before.
 */
export const hostActor = <State, Command, Event, Rejection extends RejectionShape>(
  ground: Ground, hosted: Hosted<State, Command, Event, Rejection>, options: ActorServiceOptions,
): Promise<ActorService<State, Command, Event, Rejection>> => new Service(ground, hosted, options).start();

class Service<State, Command, Event, Rejection extends RejectionShape> {
  private readonly ground: Ground;
  private readonly hosted: Hosted<State, Command, Event, Rejection>;
  private readonly cluster: string;
  private readonly address: ActorName;
  private readonly options: ActorServiceOptions;
  private readonly telemetry: Telemetry;
  /** Of an instance that is to host the actor soon. */
  private warm: Follower<State, Command, Event, Rejection> | undefined;
  private beside: Beside | undefined;
  private stopWaiting: () => void = () => undefined;

  constructor(ground: Ground, hosted: Hosted<State, Command, Event, Rejection>, options: ActorServiceOptions) {
    this.ground = ground;
    this.hosted = hosted;
    this.cluster = options.cluster ?? DEFAULT_CLUSTER;
    this.address = { kind: hosted.actor.kind, actor: hosted.name };
    this.options = options;
    this.telemetry = options.telemetry ?? ((): void => undefined);
  }

  async start(): Promise<ActorService<State, Command, Event, Rejection>> {
    const aborted = abortOf(this.options.signal);
    try {
      const isTakenOver = this.options.takeOver === true || (await Promise.race([this.gate(), aborted.happens])).takeOver;
      return await this.serve(isTakenOver, aborted.happens);
    } catch (error) {
      await this.release();
      throw error;
    } finally {
      aborted.forget();
    }
  }

  private async gate(): Promise<{ readonly takeOver: boolean }> {
    const { gate } = this.options;
    if (gate !== undefined) return gate(() => this.prepare());
    await this.untilFree();
    return { takeOver: false };
  }

  private get place(): ActorName & { readonly cluster: string } {
    return { cluster: this.cluster, ...this.address };
  }

  /** Folds the history, and goes on with that until the host is opened. */
  private prepare(): Promise<void> {
    if (this.warm !== undefined) return Promise.resolve();
    const { place, telemetry } = this;
    const { connection, reading } = this.ground;
    return new Promise((resolve) => {
      this.warm = new Follower(this.hosted.actor, {
        journal: journalOf(connection, { ...place, reading }), snapshots: snapshotsOf(reading, place), clock: nodeClock, hash: sha256, telemetry,
      }, { snapshotEveryCommits: Infinity, snapshotEveryBytes: Infinity, snapshotEveryMs: Infinity, onCaughtUp: resolve });
      this.warm.start();
    });
  }

  private async serve(isTakenOver: boolean, aborted: Promise<never>): Promise<ActorService<State, Command, Event, Rejection>> {
    const { instance, incarnation, limits, acceptRewind } = this.options;
    const ports = this.ports(() => host.current.state);
    let serve: () => void = () => undefined;
    let end: (reason: StopReason) => void = () => undefined;
    const stopped = new Promise<StopReason>((resolve) => { end = resolve; });
    const serving = new Promise<void>((resolve) => { serve = resolve; });
    const host = new Host(this.hosted.actor, ports, {
      cluster: this.cluster,
      actor: this.hosted.name,
      instance: instance ?? defaultInstance(),
      principal: this.ground.connection.principal,
      incarnation: incarnation ?? newIncarnation(),
      software: SOFTWARE,
      ...(limits === undefined ? {} : { limits }),
      ...(acceptRewind === undefined ? {} : { acceptRewind }),
      takeOver: isTakenOver,
      attendants: this.hosted.attendants(serve),
      onStored: () => this.beside?.stored(),
      onStopped: (reason) => end(reason),
    });
    this.warm?.close();
    host.open(this.warm?.history);
    this.warm = undefined;
    const failed = await Promise.race([serving.then(() => undefined), stopped, aborted]).catch((reason: unknown) => {
      host.close();
      throw reason;
    });
    if (failed !== undefined) throw stopFault(this.address, failed);
    this.beside = this.hosted.beside?.(ports);
    void stopped.then(() => this.release());
    return {
      get epoch() { return host.current.kernel.epoch; },
      host, stopped,
      close: async () => {
        host.close();
        await stopped;
        await this.release();
      },
    };
  }

  private ports(state: () => State): HostPorts {
    const { reading, clusterId, connection } = this.ground;
    const { place } = this;
    const { stateDir } = this.options;
    const { kind, actor } = this.address;
    return {
      journal: journalOf(connection, { ...place, reading }),
      inboxes: [...(["inbox", "peers"] as const).map((stream) => inboxOf(connection, { ...place, stream })), ...(this.hosted.inboxes?.(state) ?? [])],
      wire: this.hosted.wire,
      clock: nodeClock,
      serverTime: serverTimeOf(connection, this.cluster),
      marks: marksOf(connection, { ...place, ...(stateDir === undefined ? {} : { file: join(stateDir, `${clusterId}.${kind}.${actor}.mark`) }) }),
      snapshots: snapshotsOf(reading, place),
      hash: sha256,
      telemetry: this.telemetry,
    };
  }

  private untilFree(): Promise<void> {
    const { connection } = this.ground;
    const subject = subjectsOf(this.cluster).query(this.address.kind, this.address.actor, "actor", connection.principal);
    return new Promise((resolve) => {
      this.stopWaiting = whenFree(wireOf(connection), nodeClock, subject, () => this.options.onStandby?.(), resolve);
    });
  }

  private async release(): Promise<void> {
    this.stopWaiting();
    this.warm?.close();
    const { beside } = this;
    this.beside = undefined;
    await beside?.close();
    await this.ground.free();
  }
}

/** A promise that rejects with the signal's reason when it is aborted. */
function abortOf(signal: AbortSignal | undefined): { readonly happens: Promise<never>; readonly forget: () => void } {
  let onAbort = (): void => undefined;
  const happens = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal!.reason);
  });
  // It may be aborted when nobody waits any more.
  happens.catch(() => undefined);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  return { happens, forget: () => signal?.removeEventListener("abort", onAbort) };
}

/** This machine's name, as a token. */
const defaultInstance = (): string => hostname().replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, 100) || "instance";

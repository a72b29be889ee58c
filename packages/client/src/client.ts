/** What the calls of one connection share: ports, one line per actor, the worker of this process. */
import { DISCOVERY_ACTOR, DISCOVERY_KIND } from "@longshore/discovery-agent";
import type { Blobs, Hash, Journal, Snapshots, WantedConfiguration } from "@longshore/kernel";
import { UlidSource } from "@longshore/kernel";
import { OFFLOAD_ACTOR, OFFLOAD_KIND } from "@longshore/offload-router";
import { type LongshoreError, OutcomeUnknown, Rejected, Unavailable } from "./errors.ts";
import { Files } from "./files.ts";
import { Crew } from "./internal/crew.ts";
import { Directory } from "./internal/directory.ts";
import type { ClientLimits, WorkerLimits } from "./internal/limits.ts";
import { CLIENT_LIMITS, WORKER_LIMITS } from "./internal/limits.ts";
import { Line } from "./internal/line.ts";
import { Payloads } from "./internal/payloads.ts";
import type { ClientPorts } from "./internal/ports.ts";
import { randomText } from "./internal/ports.ts";
import type { Settled } from "./internal/session-answer.ts";
import { WorkerLoop } from "./internal/worker-loop.ts";

export const JOB_QUEUE = "job-queue";

export interface ClientSetup {
  readonly ports: ClientPorts;
  readonly hash: Hash;
  readonly blobs: Blobs | undefined;
  /** The journal of an actor, to be read only. */
  readonly journal: (kind: string, actor: string) => Journal;
  readonly snapshots?: (kind: string, actor: string) => Snapshots;
  /** What operators want of the cluster; without it everything goes to one shard. */
  readonly wanted?: WantedConfiguration;
  readonly cluster: string;
  readonly principal: string;
  /** The shard of jobs that no wanted queue takes. */
  readonly shard: string;
  /** This process among its kind. */
  readonly instance: string;
  /** Name of this life of the process in the topology, where it belongs to it. */
  readonly incarnation?: string;
  /** The instance of the topology that this program runs in, where another part of the process, or its parent, belongs to it. */
  readonly self?: string;
  readonly processors: number;
  readonly limits?: Partial<ClientLimits & WorkerLimits>;
  /** What went wrong where no call waits for it. */
  readonly onFault?: (error: LongshoreError) => void;
  /** Called once, after everything that uses the ports has ended. */
  readonly release?: () => Promise<void>;
}

export class Client {
  readonly setup: ClientSetup;
  readonly limits: ClientLimits & WorkerLimits;
  readonly payloads: Payloads;
  readonly files: Files;
  readonly ulids: UlidSource;
  readonly directory: Directory;
  /** Under which name results are pushed to this process; each shard's numbers are its own, so all but the first get another. */
  readonly name: string;
  private readonly lines = new Map<string, Line>();
  private crew: Crew | undefined;
  private crews = 0;
  /** To the actors there is one of in a cluster, by kind. */
  private readonly singles = new Map<string, Line>();
  private closing: Promise<void> | undefined;

  constructor(setup: ClientSetup) {
    this.setup = setup;
    this.limits = { ...CLIENT_LIMITS, ...WORKER_LIMITS, ...setup.limits };
    this.payloads = new Payloads(this.limits, setup.principal, setup.blobs);
    this.files = new Files(setup.principal, setup.blobs, setup.ports.clock);
    this.ulids = new UlidSource(setup.ports.random);
    this.name = randomText(setup.ports.random, 16);
    this.directory = new Directory(setup.wanted, setup.ports.clock, setup.shard);
    this.directory.start();
  }

  /** The line to one shard; the default one when none is named. */
  line(shard: string = this.setup.shard): Line {
    let line = this.lines.get(shard);
    if (line === undefined) {
      const { cluster, principal, ports } = this.setup;
      line = new Line(ports, { cluster, principal, kind: JOB_QUEUE, actor: shard }, this.lines.size === 0 ? this.name : `${this.name}-${this.lines.size}`, this.limits);
      if (this.closing !== undefined) line.close();
      this.lines.set(shard, line);
    }
    return line;
  }

  /** The line to the topology's history. */
  discovery(): Line {
    return this.single(DISCOVERY_KIND, DISCOVERY_ACTOR, "topology");
  }

  /** The line to the router of jobs to other clusters. */
  router(): Line {
    return this.single(OFFLOAD_KIND, OFFLOAD_ACTOR, "offload");
  }

  private single(kind: string, actor: string, suffix: string): Line {
    let line = this.singles.get(kind);
    if (line === undefined) {
      const { cluster, principal, ports } = this.setup;
      line = new Line(ports, { cluster, principal, kind, actor }, `${this.name}-${suffix}`, this.limits);
      if (this.closing !== undefined) line.close();
      this.singles.set(kind, line);
    }
    return line;
  }

  /** The line to the shard that stands in front of a job's id. */
  lineOf(id: string): Line {
    const dot = id.indexOf(".");
    if (dot <= 0) throw new Rejected("job/not-found", `"${id}" is no job id: they look like ${this.setup.shard}.01J…`);
    return this.line(id.slice(0, dot));
  }

  /** Every shard that jobs of a queue, or of any, may be in; once that is known. */
  async shards(queue?: string): Promise<readonly string[]> {
    if (!this.directory.isReady) await new Promise<void>((resolve) => this.directory.whenReady(resolve));
    return this.directory.shards(queue);
  }

  /** The instance that jobs are added by: the one whose worker runs here, else the one this program runs in. */
  get creator(): string {
    const { instance, incarnation, self = instance } = this.setup;
    return incarnation === undefined && this.crew === undefined ? self : instance;
  }

  /** This process's worker, made on first use. */
  worker(): Crew {
    if (this.crew !== undefined) return this.crew;
    const { instance, processors, ports } = this.setup;
    const identity = { instance, incarnation: this.nextIncarnation(), processors };
    this.crew = new Crew(identity, this.directory, {
      join: (shard, handlers) => {
        const { place, epochs } = this.line(shard);
        return new WorkerLoop(ports, place, identity, this.limits, epochs, handlers);
      },
      fault: (code, message) => this.fault(new Unavailable(code, message)),
    });
    return this.crew;
  }

  /** The first worker has the incarnation of its instance; one that follows another is an incarnation of its own. */
  private nextIncarnation(): string {
    const { incarnation, ports } = this.setup;
    return incarnation !== undefined && this.crews++ === 0 ? incarnation : randomText(ports.random, 16);
  }

  /** The last pool is gone: the instance leaves, and the next `work` begins a new incarnation. */
  workerLeft(crew: Crew): void {
    if (this.crew === crew) this.crew = undefined;
  }

  /** The worker is gone without a word, as if its process had died. For tests. */
  killWorker(): void {
    this.crew?.kill();
    this.crew = undefined;
  }

  fault(error: LongshoreError): void {
    this.setup.onFault?.(error);
  }

  /** Idempotent. */
  close(drainMs: number = this.limits.drainMs): Promise<void> {
    this.closing ??= this.end(drainMs);
    return this.closing;
  }

  private async end(drainMs: number): Promise<void> {
    const { crew } = this;
    if (crew !== undefined) await new Promise<void>((resolve) => crew.close(drainMs, resolve));
    for (const line of this.lines.values()) line.close();
    for (const line of this.singles.values()) line.close();
    this.directory.close();
    await this.setup.release?.();
  }
}

/** What did not go through, as an error. */
export function errorOf(outcome: Exclude<Settled, { kind: "accepted" | "stored" }>): LongshoreError {
  switch (outcome.kind) {
    case "rejected": return new Rejected(outcome.code, outcome.message, outcome.detail);
    case "failed": return new Unavailable(outcome.code, outcome.message);
    case "unknown": return new OutcomeUnknown(outcome.message);
  }
}

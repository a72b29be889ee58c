/** The host processes of one measurement: started, killed, and followed by another. */
import { fileURLToPath } from "node:url";
import { streamsOf } from "@longshore/kernel";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { freePort } from "../free-port.ts";
import type { Outage } from "./contender.ts";
import { type Launched, launch } from "./launch.ts";
import { type HostStart, standingOf, untilHost } from "./longshore-control.ts";

interface Running {
  readonly process: Launched;
  readonly control: number;
}

export class HostProcesses {
  private readonly url: string;
  private readonly directory: string;
  private current: Running;
  private waiting: Running | undefined;
  private started = 1;

  private constructor(url: string, directory: string, first: Running) {
    this.url = url;
    this.directory = directory;
    this.current = first;
  }

  /** Starts the first as it is shipped, and resolves when it serves. */
  static async start(url: string, directory: string): Promise<HostProcesses> {
    const first = await startHost(url, directory, "host-1", {});
    await first.process.until(async () => (await standingOf(first.control))?.servingAt !== undefined);
    return new HostProcesses(url, directory, first);
  }

  get pid(): number {
    return this.current.process.pid;
  }

  /** Of the first host. */
  get control(): number {
    return this.current.control;
  }

  get outages(): readonly Outage[] {
    return [this.fromJournal(), this.fromSnapshot(), this.byStandby()];
  }

  async stop(): Promise<void> {
    await this.waiting?.process.stop();
    await this.current.process.stop();
  }

  private fromJournal(): Outage {
    return {
      name: "journal",
      prepare: async () => {},
      strike: async () => {
        await this.current.process.crash();
        await forgetSnapshots(this.url);
        // Its follower makes one as soon as it has caught up, for what comes next.
        await this.startNext({ snapshotEveryCommits: 1 });
      },
      recoveredMs: () => this.recoveryMs(),
    };
  }

  private fromSnapshot(): Outage {
    return {
      name: "restart",
      prepare: async () => void (await untilHost(this.current.control, ({ snapshots }) => snapshots > 0)),
      strike: async () => {
        await this.current.process.crash();
        await this.startNext({});
      },
      recoveredMs: () => this.recoveryMs(),
    };
  }

  private byStandby(): Outage {
    let killedAt = Number.NaN;
    return {
      name: "standby",
      prepare: async () => {
        this.started += 1;
        const waiting = await startHost(this.url, this.directory, `host-${this.started}`, {});
        this.waiting = waiting;
        await untilHost(waiting.control, ({ isStandby }) => isStandby);
      },
      strike: async () => {
        killedAt = Date.now();
        await this.current.process.crash();
        this.current = this.waiting ?? this.current;
        this.waiting = undefined;
      },
      recoveredMs: async () => (await this.untilServing()).servingAt - killedAt,
    };
  }

  private async startNext(way: Way): Promise<void> {
    this.started += 1;
    this.current = await startHost(this.url, this.directory, `host-${this.started}`, way);
  }

  private async recoveryMs(): Promise<number> {
    return (await this.untilServing()).recoveryMs;
  }

  private async untilServing(): Promise<{ readonly servingAt: number; readonly recoveryMs: number }> {
    const { servingAt = Number.NaN, recoveryMs = Number.NaN } = await untilHost(this.current.control, (standing) => standing.servingAt !== undefined);
    return { servingAt, recoveryMs };
  }
}

type Way = Pick<HostStart, "snapshotEveryCommits">;

async function startHost(url: string, directory: string, name: string, way: Way): Promise<Running> {
  const control = await freePort();
  const start: HostStart = { url, directory, control, ...way };
  const profiles = process.env["LONGSHORE_BENCH_PROFILE"];
  const options = ["--expose-gc", ...(profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`]), "--import", import.meta.resolve("tsx"), "--conditions=@longshore/source"];
  const file = fileURLToPath(new URL("longshore-host.ts", import.meta.url));
  const started = launch({ file: process.execPath, args: [...options, file, JSON.stringify(start)], name, directory, stopSignal: "SIGTERM" });
  return { process: started, control };
}

/** As if none had ever been made. */
async function forgetSnapshots(url: string): Promise<void> {
  const connection = await connect({ servers: url });
  const streams = (await jetstreamManager(connection)).streams;
  await streams.purge(streamsOf("main").snapshots);
  await connection.close();
}

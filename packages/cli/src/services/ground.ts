/** What hosts stand on: the connections to NATS, and which cluster it is. */
import type { Connection, ConnectOptions } from "@longshore/nats";
import { connect } from "@longshore/nats";
import { requireStreams } from "./streams.ts";

export const DEFAULT_CLUSTER = "main";

export interface Ground {
  readonly connection: Connection;
  /** What is read in bulk must not stand before commands. */
  readonly reading: Connection;
  readonly clusterId: string;
  /** Called when the host no longer needs it. */
  free(): Promise<void>;
}

export interface GroundOptions {
  readonly connection: ConnectOptions;
  readonly cluster?: string;
  readonly signal?: AbortSignal;
}

/** @throws {Fault} `nats/…`, `setup/missing` */
export async function openGround(options: GroundOptions): Promise<Ground> {
  options.signal?.throwIfAborted();
  const connection = await connect(options.connection);
  try {
    const clusterId = await requireStreams(connection, options.cluster ?? DEFAULT_CLUSTER);
    const reading = await connect(options.connection);
    const free = async (): Promise<void> => {
      await connection.close();
      await reading.close();
    };
    return { connection, reading, clusterId, free };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** The same ground for one of several hosts: it stays when that one goes. */
export const shared = (ground: Ground): Ground => ({ ...ground, free: () => Promise.resolve() });

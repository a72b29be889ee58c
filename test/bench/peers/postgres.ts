/** Starts a PostgreSQL of its own for pg-boss and graphile-worker, and reads its usage. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { freePort } from "../../free-port.ts";
import type { Endpoint, Server, Usage } from "../contender.ts";
import { launch } from "../launch.ts";
import { memoryOf } from "../measure.ts";
import { restart } from "../outage.ts";
import { importPeer, postgresServer, unprivilegedUser } from "../servers.ts";

/** The part of node-postgres used here. */
export interface PgPool {
  query<Row>(text: string): Promise<{ readonly rows: readonly Row[] }>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "connect", listener: (client: PgPool) => void): unknown;
  end(): Promise<void>;
}

interface PgModule {
  readonly Pool: new (options: { connectionString: string; max: number }) => PgPool;
}

/**
 * Memory for a machine that is the database's own, and room for the log between checkpoints, as
 * PostgreSQL's chapters on resource consumption and bulk loading advise. None of it changes what a
 * commit survives; that is `durability`.
 */
const tuning = ["shared_buffers=1GB", "max_wal_size=4GB", "checkpoint_timeout=15min", "max_connections=200"];

export async function startPostgres(directory: string, durability: readonly string[]): Promise<Server> {
  const { bin, env } = postgresServer();
  const user = unprivilegedUser(directory);
  const data = join(directory, "data");
  const port = await freePort();
  execFileSync(join(bin, "initdb"), ["-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"], {
    stdio: "pipe",
    cwd: directory,
    env: { ...process.env, ...env },
    ...user,
  });
  const settings = ["listen_addresses=127.0.0.1", `port=${port}`, "unix_socket_directories=", ...tuning, ...durability];
  const start = () => launch({
    file: join(bin, "postgres"),
    args: ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
    name: "postgres",
    directory,
    env,
    user,
    // Immediate shutdown: its data are thrown away, so a last checkpoint would only take time.
    stopSignal: "SIGQUIT",
  });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const pool = openPool(url, 1);
  const isServing = (asked: PgPool) => asked.query("select 1").then(() => true, () => false);
  let server = start();
  await server.until(() => isServing(pool));
  const { rows } = await pool.query<{ version: string }>("select split_part(current_setting('server_version'), ' ', 1) as version");
  await pool.end();
  return {
    software: `PostgreSQL ${rows[0]?.version}`,
    endpoint: { url, pids: [server.pid], directory: data },
    outages: [restart({
      // What `pg_ctl -m immediate` does: all its processes end at once. Killing only the first would leave the others holding its memory.
      kill: () => server.crash("SIGQUIT"),
      start() {
        server = start();
        const asking = openPool(url, 1);
        return server.until(() => isServing(asking)).finally(() => asking.end());
      },
    })],
    stop: () => server.stop(),
  };
}

export function openPool(connectionString: string, max: number): PgPool {
  const { Pool } = importPeer("pg") as PgModule;
  const pool = new Pool({ connectionString, max });
  // Without listeners an error on an idle connection, as when the server stops first, ends the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => void client.on("error", () => {}));
  return pool;
}

/** Storage is tables and indexes after a checkpoint; the write-ahead log, which is recycled, is not in it. */
export async function postgresUsage(pool: PgPool, endpoint: Endpoint): Promise<Usage> {
  await pool.query("checkpoint");
  const { rows } = await pool.query<{ bytes: string }>("select pg_database_size(current_database())::text as bytes");
  return { memoryBytes: memoryOf(endpoint.pids), storageBytes: Number(rows[0]?.bytes) };
}

/** Starts a Redis of its own for BullMQ. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../free-port.ts";
import type { Server } from "../contender.ts";
import { ask, launch } from "../launch.ts";
import { restart } from "../outage.ts";
import { redisServer } from "../servers.ts";

/** `persistence` are the redis-server arguments that set what an acknowledgement survives. */
export async function startRedis(directory: string, persistence: readonly string[]): Promise<Server> {
  const { bin, env } = redisServer();
  const port = await freePort();
  const data = join(directory, "data");
  mkdirSync(data);
  const start = () => launch({
    file: join(bin, "redis-server"),
    // noeviction: BullMQ's "going to production" demands it.
    args: ["--port", String(port), "--bind", "127.0.0.1", "--dir", data, "--maxmemory-policy", "noeviction", ...persistence],
    name: "redis",
    directory,
    env,
    // Politely asked, it would first write a snapshot of data that are thrown away.
    stopSignal: "SIGKILL",
  });
  // While it reads its files it answers LOADING.
  const isServing = async () => (await ask(port, "PING\r\n")).startsWith("+PONG");
  let server = start();
  await server.until(isServing);
  const version = /redis_version:(\S+)/.exec(await ask(port, "INFO server\r\n"))?.[1] ?? "?";
  return {
    software: `Redis ${version}`,
    endpoint: { url: `redis://127.0.0.1:${port}`, pids: [server.pid], directory: data },
    outages: [restart({
      kill: () => server.crash(),
      start() {
        server = start();
        return server.until(isServing);
      },
    })],
    stop: () => server.stop(),
  };
}

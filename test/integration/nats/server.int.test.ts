import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, findServer, journalOf, startServer } from "@longshore/nats";
import { describe, expect, it, onTestFinished } from "vitest";
import { answerOf, binary, bytes, connected, provisioned, SUITE, server, tempDir, until } from "./world.ts";

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("the embedded server", () => {
  it("listens on a free port of this machine and serves JetStream", async () => {
    const nats = await server();
    const connection = await connected(nats);
    expect(connection.serverVersion).toBe(nats.version);
    expect(connection.nc.info?.jetstream).toBe(true);
    expect(new URL(nats.url).hostname).toBe("127.0.0.1");
  });

  it("syncs on every write unless told otherwise", async () => {
    const nats = await startServer({ storeDir: await tempDir(), binary: await binary() });
    onTestFinished(() => nats.stop());
    const answer = (await (await fetch(`${nats.monitorUrl}/jsz?config=true`)).json()) as { config: { sync_always?: boolean } };
    expect(answer.config.sync_always).toBe(true);
  });

  it("keeps what is stored over a kill and a restart on the same port", async () => {
    const { nats, connection } = await provisioned();
    const journal = journalOf(connection, { cluster: "t", kind: "job-queue", actor: "main" });
    const stored = await answerOf(journal.append.bind(null, bytes(10), 0));
    expect(stored.kind).toBe("stored");
    const { port, pid } = nats;
    await nats.kill();
    await nats.restart();
    expect(nats.port).toBe(port);
    expect(nats.pid).not.toBe(pid);
    await until(() => connection.isUp, "reconnected");
    const last = await answerOf(journal.last);
    expect(last).toMatchObject({ kind: "last", commit: { bytes: bytes(10) } });
  });

  it("stops in order, and stopping twice is one stop", async () => {
    const nats = await server();
    await nats.stop();
    await nats.stop();
    expect(isAlive(nats.pid)).toBe(false);
    // Servers before 2.11 end a SIGTERM with code 1.
    expect(await nats.exited).toBe(SUITE === "trixie" ? 1 : 0);
  });

  it("is gone when its parent was killed", async () => {
    const dir = await tempDir();
    const { path, version } = await binary();
    const script = `
      const { startServer } = await import("@longshore/nats");
      const nats = await startServer({ storeDir: ${JSON.stringify(dir)}, binary: ${JSON.stringify({ path, version })} });
      console.log(nats.pid);
      setInterval(() => {}, 1000);
    `;
    const root = fileURLToPath(new URL("../../..", import.meta.url));
    const parent = spawn(process.execPath, ["--conditions=@longshore/source", "--import", "tsx", "--input-type=module", "-e", script], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void parent.kill("SIGKILL"));
    let out = "";
    parent.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    await until(() => out.includes("\n"), "the parent has started its server");
    const pid = Number(out.trim());
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await until(() => !isAlive(pid), "the server is gone");
  });

  it("refuses a second server on the same folder", async () => {
    const storeDir = await tempDir();
    await server({ storeDir });
    await expect(startServer({ storeDir, binary: await binary() })).rejects.toMatchObject({ code: "nats/store-in-use" });
  });

  it("refuses a store that a newer server has written", async () => {
    const storeDir = await tempDir();
    const nats = await server({ storeDir });
    await nats.stop();
    await writeFile(join(storeDir, "server-version"), "99.1.0\n");
    await expect(startServer({ storeDir, binary: await binary() })).rejects.toMatchObject({ code: "nats/store-newer" });
  });

  it("says with the server's last words why it did not start", async () => {
    const storeDir = await tempDir();
    const fault = await startServer({ storeDir, binary: await binary(), extraConfig: "listen: ["  }).catch((cause: unknown) => cause);
    expect(fault).toMatchObject({ code: "nats/start-failed", message: expect.stringContaining("Parse error") });
  });
});

describe("finding a server", () => {
  it("takes the one that NATS_SERVER_BIN names, and no other", async () => {
    const { path, version } = await binary();
    expect(await findServer({ env: { NATS_SERVER_BIN: path } })).toEqual({ path, version });
    await expect(findServer({ env: { NATS_SERVER_BIN: "/no/such/file" } })).rejects.toMatchObject({ code: "nats/no-server" });
  });

  it("refuses by name one that is too old", async () => {
    const old = await oldServer("2.9.10");
    await expect(findServer({ env: { NATS_SERVER_BIN: old } })).rejects.toMatchObject({ code: "nats/too-old", message: expect.stringContaining("2.9.10") });
  });

  it("passes over one in the PATH that is too old", async () => {
    const old = await oldServer("2.9.10");
    const { path } = await findServer({ env: { PATH: join(old, "..") } });
    expect(path).not.toBe(old);
  });

  it("keeps what it took from the archive", async () => {
    const first = await findServer({ suite: SUITE });
    expect(await findServer({ suite: SUITE })).toEqual(first);
    expect(await readFile(first.path).then((file) => file.length)).toBeGreaterThan(1_000_000);
  });
});

describe("connecting", () => {
  it("says that no server answers, and what to do", async () => {
    const nats = await server();
    await nats.stop();
    await expect(connect({ principal: "host", servers: nats.url })).rejects.toMatchObject({ code: "nats/unreachable", message: expect.stringContaining("NATS_URL") });
  });

  it("says that JetStream is off", async () => {
    const nats = await server({ jetstream: false });
    await expect(connect({ principal: "host", servers: nats.url })).rejects.toMatchObject({ code: "nats/no-jetstream" });
  });

  it("says that the password is wrong", async () => {
    const users = [{ name: "host", roles: ["host"], passwordVariable: "HOST_PASSWORD" }] as const;
    const nats = await server({ users, env: { HOST_PASSWORD: "right" } });
    await expect(connect({ principal: "host", servers: nats.url, password: "wrong" })).rejects.toMatchObject({ code: "nats/unauthorized" });
    const connection = await connect({ principal: "host", servers: nats.url, password: "right" });
    await connection.close();
  });

  it("refuses a principal that cannot be a token", async () => {
    await expect(connect({ principal: "a.b" })).rejects.toMatchObject({ code: "name/illegal" });
  });

  it("takes the first of several servers that answers", async () => {
    const gone = await server();
    await gone.stop();
    const nats = await server();
    const connection = await connected(nats, { servers: `${gone.url}, ${nats.url}` });
    expect(connection.isUp).toBe(true);
  });
});

/** A file that says it is nats-server of another version. */
async function oldServer(version: string): Promise<string> {
  const path = join(await tempDir(), "nats-server");
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`, { mode: 0o755 });
  return path;
}

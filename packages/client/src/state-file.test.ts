import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect, InvalidOption, NotAvailableYet, Unavailable } from "./index.ts";
import { readServerState, serverStateFile } from "./state-file.ts";

/** An environment whose state file says this; undefined: there is none. */
async function inState(text: string | undefined, run: (env: Readonly<Record<string, string>>) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "longshore-state-"));
  try {
    const env = { XDG_STATE_HOME: folder };
    await mkdir(dirname(serverStateFile(env)), { recursive: true });
    if (text !== undefined) await writeFile(serverStateFile(env), text);
    await run(env);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const GONE_PID = 2 ** 22 + 1;

describe("the server of `longshore up`", () => {
  it("is found by the file it writes", () => inState(JSON.stringify({ url: "nats://127.0.0.1:4333", pid: process.pid, cluster: "dev" }), async (env) => {
    expect(await readServerState(env)).toEqual({ url: "nats://127.0.0.1:4333", pid: process.pid, cluster: "dev" });
  }));

  it("is not there when its process is gone, the file is damaged, or there is none", async () => {
    for (const text of [JSON.stringify({ url: "nats://x", pid: GONE_PID }), "{", "null", "[]", JSON.stringify({ url: 5, pid: 1 }), undefined]) {
      await inState(text, async (env) => expect(await readServerState(env), text).toBeUndefined());
    }
  });
});

describe("connecting", () => {
  it("says how to go on when nothing says where NATS is", () => inState(undefined, async (env) => {
    const before = { state: process.env["XDG_STATE_HOME"], url: process.env["NATS_URL"] };
    process.env["XDG_STATE_HOME"] = env["XDG_STATE_HOME"];
    delete process.env["NATS_URL"];
    try {
      const error: unknown = await connect().catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(Unavailable);
      expect(error).toMatchObject({ code: "nats/unreachable", message: expect.stringMatching(/longshore up.*NATS_URL/) });
    } finally {
      restore("XDG_STATE_HOME", before.state);
      restore("NATS_URL", before.url);
    }
  }));

  it("says that nobody answers at an address", async () => {
    await expect(connect({ servers: "nats://127.0.0.1:1" })).rejects.toMatchObject({ code: "nats/unreachable" });
  });

  it("refuses names and options that cannot be", async () => {
    await expect(connect({ servers: "x", principal: "a b" })).rejects.toBeInstanceOf(InvalidOption);
    await expect(connect({ servrs: "x" } as object)).rejects.toBeInstanceOf(InvalidOption);
    await expect(connect({ region: "eu" } as object)).rejects.toBeInstanceOf(NotAvailableYet);
  });
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

/** Payloads that no job names leave the store of a real server; those that are named stay, also over a change of hosts. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startJobQueue } from "@longshore/cli";
import { blobsOf, connect as connectNats, provision, startServer } from "@longshore/nats";
import { connect } from "longshore";
import { expect, it } from "vitest";

const LARGE = 700_000;
const WITHIN_MS = 20_000;

it("a payload is removed when no job names it any more, and not before", async () => {
  const folder = await mkdtemp(join(tmpdir(), "longshore-payloads-"));
  const server = await startServer({ storeDir: folder });
  const connection = { principal: "host", servers: server.url };
  const setup = await connectNats(connection);
  await provision(setup, { cluster: "main", totalBytes: 256 * 1024 * 1024 });
  const payloads = blobsOf(setup, "main");
  const count = (): Promise<number | undefined> => new Promise((resolve) => payloads.list((names) => resolve(names?.length)));
  const ls = await connect({ servers: server.url });
  try {
    // Nothing is swept yet: what the first host leaves, the second finds.
    const first = await startJobQueue({ connection });
    const [kept, dropped] = [await ls.add("a/b", "k".repeat(LARGE)), await ls.add("a/b", "d".repeat(LARGE))];
    await dropped.stop();
    await ls.jobs.remove(dropped.id);
    expect(await count()).toBe(2);
    await first.close();

    // Of no age at all: nothing is put from here on that a command is still to name.
    const second = await startJobQueue({ connection, payloadSweep: { everyMs: 100, pauseMs: 10, ageMs: 0 } });
    await expect.poll(count, { timeout: WITHIN_MS }).toBe(1);
    expect((await ls.jobs.get(kept.id))?.input).toBe("k".repeat(LARGE));
    await kept.stop();
    await ls.jobs.remove(kept.id);
    await expect.poll(count, { timeout: WITHIN_MS }).toBe(0);
    await second.close();
  } finally {
    await ls.close();
    await setup.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

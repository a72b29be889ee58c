import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { preflight, provision, ROLE_USERS, verify, wireOf } from "@longshore/nats";
import { describe, expect, it } from "vitest";
import { answerOf, bare, binary, bytes, CLUSTER, connected, provisioned, server } from "./world.ts";

describe("provisioning", () => {
  it("creates the streams of a cluster, all of one id, and repeating it changes nothing", async () => {
    const connection = await connected(await server());
    const first = await provision(connection, { cluster: CLUSTER });
    expect(await provision(connection, { cluster: CLUSTER })).toEqual(first);
    expect(await verify(connection, { cluster: CLUSTER })).toEqual({ clusterId: first.clusterId, findings: [], unseen: [] });
  });

  it("gives two clusters on one server streams and ids of their own", async () => {
    const connection = await connected(await server());
    const a = await provision(connection, { cluster: "a", totalBytes: 2 ** 30 });
    const b = await provision(connection, { cluster: "b", totalBytes: 2 ** 30 });
    expect(a.clusterId).not.toBe(b.clusterId);
  });

  it("corrects what was changed", async () => {
    const { nats, connection } = await provisioned();
    const nc = await bare(nats);
    const info = (await nc.request("$JS.API.STREAM.INFO.LS_t_JOURNAL")).json<{ config: object }>();
    await nc.request("$JS.API.STREAM.UPDATE.LS_t_JOURNAL", JSON.stringify({ ...info.config, max_age: 3_600_000_000_000 }));
    const found = await verify(connection, { cluster: CLUSTER });
    expect(found.findings).toMatchObject([{ stream: "LS_t_JOURNAL", what: "max_age", wanted: "0", found: "3600000000000" }]);
    await provision(connection, { cluster: CLUSTER });
    expect((await verify(connection, { cluster: CLUSTER })).findings).toEqual([]);
  });

  it("only names what is missing when it verifies", async () => {
    const connection = await connected(await server());
    const { clusterId, findings } = await verify(connection, { cluster: CLUSTER });
    expect(clusterId).toBeUndefined();
    expect(findings.map(({ stream, what }) => `${stream} ${what}`)).toEqual([...["INBOX", "PEERS", "JOURNAL", "SNAPSHOTS", "BLOBS", "MARKS"].map((name) => `LS_t_${name} missing`), "KV_LS_t_CONFIG missing"]);
    expect(findings[0]?.remedy).toContain("setup");
  });

  it("says that the server's storage is too small", async () => {
    const connection = await connected(await server({ fileStoreBytes: 100_000_000 }));
    await expect(provision(connection, { cluster: CLUSTER })).rejects.toMatchObject({ code: "nats/storage-full", message: expect.stringContaining("max_file_store") });
  });

  it("says that a role may not provision", async () => {
    const nats = await server({ users: ROLE_USERS, cluster: CLUSTER, env: passwords() });
    const connection = await connected(nats, { principal: "worker", password: "pw-worker" });
    await expect(provision(connection, { cluster: CLUSTER })).rejects.toMatchObject({ code: "nats/denied" });
  });

  it("needs no other role than the provisioner's", async () => {
    const nats = await server({ users: ROLE_USERS, cluster: CLUSTER, env: passwords() });
    const connection = await connected(nats, { principal: "provisioner", password: "pw-provisioner" });
    await provision(connection, { cluster: CLUSTER });
    expect((await verify(connection, { cluster: CLUSTER })).findings).toEqual([]);
  });

  it("lets a full inbox subject refuse while others go on", async () => {
    const { nats, connection } = await provisioned();
    const nc = await bare(nats);
    const info = (await nc.request("$JS.API.STREAM.INFO.LS_t_INBOX")).json<{ config: object }>();
    await nc.request("$JS.API.STREAM.UPDATE.LS_t_INBOX", JSON.stringify({ ...info.config, max_msgs_per_subject: 2 }));
    const wire = wireOf(connection);
    const store = (principal: string) => answerOf(wire.store.bind(null, `ls.t.in.job-queue.main.submit.${principal}`, bytes(5)));
    expect([(await store("a")).kind, (await store("a")).kind]).toEqual(["stored", "stored"]);
    expect(await store("a")).toEqual({ kind: "refused", cause: "full" });
    expect((await store("b")).kind).toBe("stored");
  });
});

describe("the preflight", () => {
  it("finds nothing wrong with a server of ours", async () => {
    const { nats, connection } = await provisioned({ syncAlways: true });
    const findings = await preflight(connection, { cluster: CLUSTER, monitorUrl: nats.monitorUrl, roles: ["host"] });
    // How much room the disk has is the machine's business.
    expect(findings.filter(({ ok, check }) => ok !== true && !check.includes("disk"))).toEqual([]);
    expect(findings.map(({ check }) => check)).toContain("an acknowledged message is on disk");
  });

  it("says plainly when an acknowledged message may not be on disk", async () => {
    const { nats, connection } = await provisioned({ syncAlways: false });
    const findings = await preflight(connection, { cluster: CLUSTER, monitorUrl: nats.monitorUrl });
    expect(findings.find(({ check }) => check.includes("on disk"))).toMatchObject({ ok: false, remedy: expect.stringContaining("sync_interval: always") });
  });

  it("says what it could not look at", async () => {
    const { connection } = await provisioned();
    const findings = await preflight(connection, { cluster: CLUSTER });
    expect(findings.find(({ check }) => check.includes("on disk"))).toMatchObject({ ok: "unknown", found: expect.stringContaining("may not mean") });
  });

  it("names a stream that is missing, a permission that is missing and a wrong clock", async () => {
    const nats = await server({ users: ROLE_USERS, cluster: CLUSTER, env: passwords() });
    const connection = await connected(nats, { principal: "observer", password: "pw-observer" });
    const findings = await preflight(connection, { cluster: CLUSTER, roles: ["operator"], nowMs: () => Date.now() + 3_600_000 });
    expect(findings.find(({ check }) => check === "stream LS_t_JOURNAL")).toMatchObject({ ok: false, found: "does not exist" });
    expect(findings.find(({ check }) => check === "permissions")).toMatchObject({ ok: false, found: expect.stringContaining("publish ls.t.cm.*.*.operate.observer") });
    const admin = await connected(nats, { principal: "provisioner", password: "pw-provisioner" });
    await provision(admin, { cluster: CLUSTER });
    const again = await preflight(connection, { cluster: CLUSTER, roles: ["observer"], nowMs: () => Date.now() + 3_600_000 });
    expect(again.find(({ check }) => check === "permissions")?.ok).toBe(true);
    expect(again.find(({ check }) => check === "clock")?.ok).toBe(false);
  });

  it("room that was given stays when nobody says how much", async () => {
    const connection = await connected(await server({ fileStoreBytes: 2 ** 50 }));
    await provision(connection, { cluster: CLUSTER, totalBytes: 64 * 2 ** 30 });
    await provision(connection, { cluster: CLUSTER });
    expect((await verify(connection, { cluster: CLUSTER })).findings).toEqual([]);
    expect((await verify(connection, { cluster: CLUSTER, totalBytes: 64 * 2 ** 30 })).findings).toEqual([]);
    expect((await verify(connection, { cluster: CLUSTER, totalBytes: 2 ** 30 })).findings.map(({ what }) => what)).toContain("max_bytes");
  });

  it("says that a stream is nearly full", async () => {
    const nats = await server();
    const connection = await connected(nats);
    await provision(connection, { cluster: CLUSTER, totalBytes: 20_000_000 });
    const wire = wireOf(connection);
    for (let i = 0; i < 4; i++) await answerOf(wire.store.bind(null, `ls.t.in.job-queue.main.submit.p${i}`, bytes(450_000)));
    const findings = await preflight(connection, { cluster: CLUSTER, totalBytes: 20_000_000 });
    expect(findings.find(({ check }) => check === "room in LS_t_INBOX")).toMatchObject({ ok: false });
  });
});

/** The password of user `host` is `pw-host`. */
function passwords(): Readonly<Record<string, string>> {
  return Object.fromEntries(ROLE_USERS.map((user) => [user.passwordVariable, `pw-${user.name}`]));
}

describe("nats.conf", () => {
  it("is accepted by the server as it is shipped", async () => {
    const { path } = await binary();
    const file = fileURLToPath(new URL("../../../nats.conf", import.meta.url));
    const { stderr, stdout } = await promisify(execFile)(path, ["-t", "-c", file], { env: passwords() });
    expect(stderr + stdout).toContain("is valid");
  });
});

import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { clusterConfig, leafConfig, serverConfig, shippedConfig } from "./conf.ts";

it("nats.conf at the top of the repository is what the table of roles generates", async () => {
  expect(await readFile(new URL("../../../nats.conf", import.meta.url), "utf8")).toBe(shippedConfig());
});

it("the nats.conf of a cluster of three is what the same table generates, and differs by server in nothing but the name", async () => {
  expect(await readFile(new URL("../../../docs/examples/cluster/nats.conf", import.meta.url), "utf8")).toBe(clusterConfig());
  expect(clusterConfig()).toContain("sync_interval: always");
  expect(clusterConfig()).toContain("server_name: $SERVER_NAME");
});

it.each(["hub", "west"] as const)("the nats.conf of the example with two clusters is what the same table generates: %s", async (cluster) => {
  expect(await readFile(new URL(`../../../docs/examples/leaf/${cluster}.conf`, import.meta.url), "utf8")).toBe(leafConfig(cluster));
  expect(leafConfig(cluster)).toContain(`domain: "${cluster}"`);
  expect(leafConfig(cluster)).toContain("sync_interval: always");
});

it("the shipped configuration syncs on every write and has no password in it", () => {
  expect(shippedConfig()).toContain("sync_interval: always");
  expect([...shippedConfig().matchAll(/^ *password: (.*)$/gm)].map((line) => line[1]).every((value) => value?.startsWith("$LONGSHORE_PASSWORD_"))).toBe(true);
});

it.each(["*", ">", "a.b", ""])("a user cannot be called %j", (name) => {
  const settings = { listen: "127.0.0.1:4222", monitor: "127.0.0.1:8222", storeDir: "/tmp", users: [{ name, roles: ["submitter"], passwordVariable: "A" }] } as const;
  expect(() => serverConfig(settings)).toThrow(expect.objectContaining({ code: "name/illegal" }));
});

it("a password is named, not given", () => {
  const settings = { listen: "127.0.0.1:4222", monitor: "127.0.0.1:8222", storeDir: "/tmp", users: [{ name: "a", roles: ["submitter"], passwordVariable: "secret }" }] } as const;
  expect(() => serverConfig(settings)).toThrow(expect.objectContaining({ code: "name/illegal" }));
});

it("text from outside cannot leave its quotes", () => {
  const text = serverConfig({ listen: "127.0.0.1:4222", monitor: "127.0.0.1:8222", storeDir: '/tmp/a"b\nlisten: 0.0.0.0' });
  expect(text).toContain('store_dir: "/tmp/a\\"b\\nlisten: 0.0.0.0"');
});

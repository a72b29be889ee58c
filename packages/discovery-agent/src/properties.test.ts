import { describe, expect, it } from "vitest";
import type { DiscoveryEvent } from "./events.ts";
import { INPUT_LIMITS } from "./limits.ts";
import type { Answer } from "./testing/mini-host.ts";
import { MiniHost } from "./testing/mini-host.ts";

const world = (): MiniHost => {
  const host = new MiniHost();
  host.announce("a", { properties: { zone: "west", kind: "small" } });
  host.announce("b", {}, "bob");
  host.advance(1_500);
  return host;
};
const set = (host: MiniHost, properties: Readonly<Record<string, unknown>>, instance = "a", principal = "ann"): Answer => host.send("properties", { instance, properties }, "hello", principal);
const propertiesOf = (host: MiniHost, instance = "a"): unknown => host.state.view?.members.find((member) => member.instance === instance)?.properties;
const typesOf = (answer: Answer): readonly DiscoveryEvent["type"][] => ("events" in answer ? answer.events.map(({ type }) => type) : []);

describe("properties set while an instance lives", () => {
  it("9.4 a value is set, another replaced, a third taken away, and the rest stays as it was announced", () => {
    const host = world();
    expect(set(host, { load: "3", zone: "east" })).toMatchObject({ answer: { properties: { kind: "small", load: "3", zone: "east" } } });
    expect(set(host, { kind: null })).toMatchObject({ answer: { properties: { load: "3", zone: "east" } } });
    expect(propertiesOf(host)).toEqual({ load: "3", zone: "east" });
  });

  it("9.6 every member is told at once, membership stays as it is, and the same again is nothing", () => {
    const host = world();
    const before = host.state.view?.number;
    host.told.length = 0;
    expect(typesOf(set(host, { load: "3" }))).toEqual(["InstancePropertiesChanged"]);
    expect(host.told.map(({ address }) => address).sort()).toEqual(["tp.ann.a", "tp.bob.b"]);
    expect(host.state.view?.number).toBe(before);
    expect(host.state.proposed).toBeUndefined();
    host.told.length = 0;
    expect(typesOf(set(host, { load: "3" }))).toEqual([]);
    expect(host.told).toEqual([]);
  });

  it("a renewal takes nothing back, and other words of the instance show beside it", () => {
    const host = world();
    set(host, { zone: "east", kind: null });
    expect(typesOf(host.announce("a", { properties: { zone: "west", kind: "small" } }))).toEqual([]);
    host.announce("a", { properties: { zone: "north", kind: "large", more: "x" } });
    expect(propertiesOf(host)).toEqual({ more: "x", zone: "east" });
  });

  it("9.5 it goes with the incarnation: the next one has what it announces", () => {
    const host = world();
    set(host, { zone: "east" });
    host.leave("a");
    host.announce("a", { incarnation: "a-2", properties: { zone: "west" } });
    host.advance(1_500);
    expect(propertiesOf(host)).toEqual({ zone: "west" });
  });

  it("it is in a snapshot, and a state without any has the snapshot it always had", () => {
    const host = world();
    const wireOf = (): string => JSON.stringify([...host.actor.snapshot(host.state)]);
    expect(wireOf()).not.toContain("east");
    set(host, { zone: "east", kind: null });
    const digest = host.digest();
    host.restart();
    expect(host.digest()).toBe(digest);
    expect(typesOf(host.announce("a", { properties: { zone: "west", kind: "small" } }))).toEqual([]);
  });

  it("P14 an instance is changed by its own principal and by operators; an incarnation that is named must be the living one", () => {
    const host = world();
    expect(set(host, { zone: "x" }, "b")).toMatchObject({ rejection: { code: "instance/not-yours" } });
    expect(host.send("properties", { instance: "b", properties: { zone: "x" } }, "operate", "op")).toMatchObject({ answer: { properties: { zone: "x" } } });
    expect(host.send("properties", { instance: "a", incarnation: "a-0", properties: { zone: "x" } })).toMatchObject({ rejection: { code: "instance/stale-incarnation" } });
    expect(set(host, { zone: "x" }, "nobody")).toMatchObject({ rejection: { code: "instance/unknown" } });
    for (const role of ["submit", "outcome", "peer", "actor"] as const) {
      expect(host.send("properties", { instance: "a", properties: { zone: "y" } }, role)).toMatchObject({ malformed: { code: "command/not-allowed" } });
    }
  });

  it("9.2 a name or a value that is none is refused by name, and there are only so many", () => {
    const host = world();
    expect(set(host, { "a/b": "x" })).toMatchObject({ malformed: { field: "properties" } });
    expect(set(host, { load: 3 })).toMatchObject({ malformed: { field: "properties.load" } });
    const many = (from: number): Readonly<Record<string, string>> => Object.fromEntries(Array.from({ length: INPUT_LIMITS.propertiesMax / 2 }, (_, i) => [`p${from + i}`, ""]));
    expect(set(host, many(0)).kind).toBe("accepted");
    expect(set(host, many(1_000))).toMatchObject({ rejection: { code: "properties/too-many" } });
    const long = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`q${i}`, "x".repeat(INPUT_LIMITS.propertyCharsMax)]));
    expect(set(host, long)).toMatchObject({ rejection: { code: "properties/too-many", message: expect.stringContaining("characters") } });
  });

  it("what is announced as null is refused: there is nothing to take away", () => {
    expect(new MiniHost().announce("a", { properties: { zone: null } })).toMatchObject({ malformed: { field: "properties.zone" } });
  });
});

import type { Role } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { INPUT_LIMITS } from "./limits.ts";
import { MiniHost } from "./testing/mini-host.ts";

const who = { instance: "a", incarnation: "a-1" };
const speaker = { by: "b", byIncarnation: "b-1" };
const member = { ...who, principal: "p", joinedView: 1, propertiesVersion: 1 };
const far = { clusterId: "id-far", cluster: "far", number: 1, members: [member] };

const refused = (verb: string, item: unknown, role: Role = "hello"): unknown => {
  const answer = new MiniHost().send(verb, item, role, role === "peer" ? "far" : "ann");
  return answer.kind === "malformed" ? answer.malformed : answer.kind;
};

describe("what is malformed", () => {
  it.each<[string, unknown, string, Role?]>([
    ["announce", null, "announce"],
    ["announce", { ...who, instance: "a.b" }, "instance"],
    ["announce", { instance: "a" }, "incarnation"],
    ["announce", { ...who, colour: 1 }, "colour"],
    ["announce", { ...who, witness: 1 }, "witness"],
    ["announce", { ...who, topics: ["a//b"] }, "topics"],
    ["announce", { ...who, topics: ["*"] }, "topics"],
    ["announce", { ...who, slots: -1 }, "slots"],
    ["announce", { ...who, kinds: ["job queue"] }, "kinds"],
    ["announce", { ...who, endpoints: [""] }, "endpoints"],
    ["announce", { ...who, software: "x".repeat(INPUT_LIMITS.softwareCharsMax + 1) }, "software"],
    ["announce", { ...who, leaderPriority: 0.5 }, "leaderPriority"],
    ["announce", { ...who, isReady: "yes" }, "isReady"],
    ["announce", { ...who, properties: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`p${i}`, "x".repeat(4_000)])) }, "announcement"],
    ["properties", { ...who, properties: [] }, "properties"],
    ["properties", { ...who, properties: { k: 1 } }, "properties.k"],
    ["properties", { ...who, properties: { k: "x".repeat(INPUT_LIMITS.propertyCharsMax + 1) } }, "properties.k"],
    ["properties", { ...who, properties: Object.fromEntries(Array.from({ length: INPUT_LIMITS.propertiesMax + 1 }, (_, i) => [`p${i}`, ""])) }, "properties"],
    ["ack", { ...who, number: 0 }, "number"],
    ["suspect", { ...speaker, ...who, kind: "rumour", isHealthy: true }, "kind"],
    ["suspect", { ...speaker, ...who, kind: "silent" }, "isHealthy"],
    ["refute", who, "by"],
    ["topics", { instance: "a", disable: ["a b"] }, "disable", "operate"],
    ["topics", { instance: "a", enable: [], by: "b" }, "by", "operate"],
    ["remote", { view: { ...far, members: [] } }, "view.members", "actor"],
    ["remote", { view: { ...far, members: [member, member] } }, "view.members", "actor"],
    ["remote", { view: { ...far, members: [who] } }, "view.members.principal", "actor"],
    ["remote", { view: { ...far, cluster: "another" } }, "view.cluster", "peer"],
    ["remote", { view: far, ...speaker }, "number"],
    ["outage", { reason: "weather" }, "reason", "actor"],
  ])("%s %j names %s", (verb, item, field, role) => {
    expect(refused(verb, item, role)).toMatchObject({ code: "command/malformed", field, remedy: expect.stringMatching(/must|unknown|missing|at most|is no name/) });
  });

  it("SGL-03 names of properties: letters, digits, dot, underscore and hyphen; others are refused, not dropped", () => {
    for (const name of ["uuid", "-", "_", "a.b"]) expect(refused("announce", { ...who, properties: { [name]: "v" } })).toBe("accepted");
    for (const name of ["", "jcr:x", "var/x", "x@test", "x!test", "constructor"]) {
      expect(refused("announce", { ...who, properties: { [name]: "v" } })).toMatchObject({ code: "command/malformed", field: "properties" });
    }
  });

  it("P14 every verb has its roles, and an unknown one is named", () => {
    expect(refused("dance", {})).toMatchObject({ code: "command/unknown", field: "dance" });
    const HELLO = ["announce", "leave", "ack", "suspect", "refute"];
    for (const verb of HELLO) for (const role of ["submit", "outcome", "operate", "actor", "peer"] as const) expect(refused(verb, {}, role)).toMatchObject({ code: "command/not-allowed" });
    for (const role of ["submit", "outcome", "actor", "peer"] as const) expect(refused("properties", {}, role)).toMatchObject({ code: "command/not-allowed" });
    for (const verb of ["propose", "outage"]) for (const role of ["submit", "outcome", "hello", "peer"] as const) expect(refused(verb, {}, role)).toMatchObject({ code: "command/not-allowed" });
    expect(refused("remote", {}, "submit")).toMatchObject({ code: "command/not-allowed" });
    expect(refused("topics", {}, "hello")).toMatchObject({ code: "command/not-allowed" });
  });
});

describe("announcements", () => {
  it("OFF-ENB-38 equal sets are equal announcements: {b, a} is {a, b}, and says nothing new", () => {
    const host = new MiniHost();
    host.announce("a", { topics: ["b", "a", "b"], kinds: ["y", "x"], properties: { b: "2", a: "1" } });
    expect(host.state.living.get("a")?.record).toMatchObject({ topics: ["a", "b"], kinds: ["x", "y"] });
    expect(host.announce("a", { topics: ["a", "b"], kinds: ["x", "y"], properties: { a: "1", b: "2" } })).toMatchObject({ events: [] });
  });

  it("CLU-11 properties are seen in the view, versions grow by one, and the same again is no change", () => {
    const host = new MiniHost().form("a", "b");
    expect(host.send("properties", { ...who, properties: { k: "1" } })).toMatchObject({ events: [{ type: "InstancePropertiesChanged", version: 2 }] });
    expect(host.send("properties", { ...who, properties: { k: "1" } })).toMatchObject({ events: [] });
    host.send("properties", { ...who, properties: { k: "2" } });
    expect(host.ask("view")).toMatchObject({ view: { number: 1, members: [{ instance: "a", properties: { k: "2" }, propertiesVersion: 3, joinedView: 1 }, { properties: {} }] } });
    expect(host.send("properties", { instance: "x", incarnation: "x-1", properties: {} })).toMatchObject({ rejection: { code: "instance/unknown" } });
    expect(host.send("properties", { instance: "a", incarnation: "a-0", properties: {} })).toMatchObject({ rejection: { code: "instance/stale-incarnation" } });
  });

  it("18.4 what changes while a view is proposed is part of it when it is activated", () => {
    const host = new MiniHost().form("a");
    host.acksAtOnce = false;
    host.announce("b");
    host.advance(500);
    host.send("properties", { ...who, properties: { k: "1" } });
    host.ack("a");
    host.ack("b");
    expect(host.state.view).toMatchObject({ number: 2, members: [{ properties: { k: "1" } }, { instance: "b" }] });
  });

  it("there are only so many instances at a time", () => {
    const host = new MiniHost({ instancesMax: 1 }).form("a");
    expect(host.announce("b")).toMatchObject({ rejection: { code: "instance/too-many" } });
    expect(host.announce("a", { incarnation: "a-2", witness: true }).kind).toBe("accepted");
  });
});

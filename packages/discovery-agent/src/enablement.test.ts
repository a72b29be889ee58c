import { describe, expect, it } from "vitest";
import type { TopicLists } from "./enablement.ts";
import { enabledTopics } from "./enablement.ts";
import type { TopicRow } from "./queries.ts";
import { MiniHost } from "./testing/mini-host.ts";

const lists = (exclusive?: readonly string[], disabled: readonly string[] = []): TopicLists => ({ exclusive, disabled });

describe("which topics an instance works on", () => {
  it.each<[string, readonly string[], TopicLists, readonly string[]]>([
    ["OFF-ENB-01 all it has consumers for", ["a", "b"], lists(), ["a", "b"]],
    ["OFF-ENB-02 where some are exclusive, only those", ["a", "b"], lists(["a"]), ["a"]],
    ["OFF-ENB-03 not those that are disabled", ["a", "b"], lists(undefined, ["b"]), ["a"]],
    ["OFF-ENB-04 disabled beats exclusive", ["a", "b"], lists(["a", "b"], ["b"]), ["a"]],
    ["OFF-ENB-05 x/* names everything below x", ["x/y", "x/y/z", "q"], lists(["x/*"]), ["x/y", "x/y/z"]],
    ["OFF-ENB-06 x/. names one level", ["x/y", "x/y/z", "q"], lists(["x/."]), ["x/y"]],
    ["OFF-ENB-06 x/** names everything below x, too", ["x", "x/y", "x/y/z", "q"], lists(["x/**"]), ["x/y", "x/y/z"]],
    ["OFF-ENB-07 as disabled they take away the same", ["x/y", "x/y/z", "q"], lists(undefined, ["x/*"]), ["q"]],
    ["OFF-ENB-08 a topic without a consumer is not there", ["a"], lists(["a", "z"]), ["a"]],
    ["OFF-ENB-09 an explicit empty list is nothing", ["a"], lists([]), []],
    ["OFF-ENB-34 lists are held against what is registered: x/* goes on taking x/y", ["x/*"], lists(undefined, ["x/y"]), ["x/*"]],
    ["OFF-ENB-35 * disabled is nothing", ["a", "x/**"], lists(undefined, ["*"]), []],
  ])("%s", (_rule, registered, given, expected) => {
    expect(enabledTopics(registered, given)).toEqual(expected);
  });
});

const REMOTE = {
  instance: "x", incarnation: "x-1", principal: "host", joinedView: 1, propertiesVersion: 1, properties: {}, topics: ["t"], slots: 1, kinds: [], endpoints: [], software: "", leaderPriority: 0, isReady: true,
};

const world = (): MiniHost => {
  const host = new MiniHost();
  host.announce("w", { topics: ["t", "u", "v"] });
  host.announce("o", { topics: ["t"] });
  host.advance(1_500);
  return host;
};
const change = (host: MiniHost, fields: Readonly<Record<string, unknown>>, instance = "w"): ReturnType<MiniHost["send"]> => host.send("topics", { instance, ...fields }, "operate", "op");
const statesOf = (host: MiniHost, instance = "w"): Readonly<Record<string, string>> =>
  Object.fromEntries(host.ask<readonly TopicRow[]>("topics").flatMap(({ topic, instances }) => instances.filter((one) => one.instance === instance).map(({ state }) => [topic, state])));

describe("changing it", () => {
  it("OFF-ENB-10 each topic lists every instance that has a consumer, enabled or not", () => {
    const host = world();
    change(host, { disable: ["t"] });
    expect(host.ask("topics")).toEqual([
      { topic: "t", instances: [{ instance: "w", state: "disabled" }, { instance: "o", state: "enabled" }], remote: [] },
      { topic: "u", instances: [{ instance: "w", state: "enabled" }], remote: [] }, { topic: "v", instances: [{ instance: "w", state: "enabled" }], remote: [] },
    ]);
  });

  it("OFF-ENB-11 OFF-ENB-12 OFF-ENB-13 disabled and enabled again, wherever the operator is; the answer shows what holds", () => {
    const host = world();
    expect(change(host, { disable: ["t"] })).toMatchObject({ events: [{ type: "TopicEnablementChanged", disabled: ["t"], by: "op" }], answer: { isHere: true, topics: { t: "disabled", u: "enabled" } } });
    expect(change(host, { disable: ["t"] })).toMatchObject({ events: [], answer: { topics: { t: "disabled" } } });
    expect(change(host, { enable: ["t"] })).toMatchObject({ events: [{ disabled: [], by: "op" }] });
    expect(host.told.at(-1)?.address).toBe("tp.ann.o");
  });

  it("OFF-ENB-22 who has not the right of an operator is refused, members too", () => {
    const host = world();
    for (const role of ["hello", "submit", "outcome", "peer", "actor"] as const) {
      expect(host.send("topics", { instance: "w", disable: ["t"] }, role)).toMatchObject({ kind: "malformed", malformed: { code: "command/not-allowed" } });
    }
    expect(statesOf(host)).toMatchObject({ t: "enabled" });
  });

  it("OFF-ENB-14 OFF-ENB-15 OFF-ENB-16 exclusive topics are the only ones, also when consumers come, and a new set replaces the old", () => {
    const host = world();
    change(host, { exclusive: ["t"] });
    expect(statesOf(host)).toEqual({ t: "exclusive", u: "disabled", v: "disabled" });
    host.announce("w", { topics: ["n", "t", "u", "v"] });
    expect(statesOf(host)).toMatchObject({ n: "disabled" });
    change(host, { exclusive: ["t", "u"] });
    expect(statesOf(host)).toEqual({ n: "disabled", t: "exclusive", u: "exclusive", v: "disabled" });
  });

  it("OFF-ENB-17 without exclusive topics all are enabled again, but for the disabled; OFF-ENB-18 an exclusive one can be disabled", () => {
    const host = world();
    change(host, { exclusive: ["t"], disable: ["u"] });
    change(host, { exclusive: null });
    expect(statesOf(host)).toEqual({ t: "enabled", u: "disabled", v: "enabled" });
    change(host, { exclusive: ["t"], disable: ["t"] });
    expect(Object.values(statesOf(host))).toEqual(["disabled", "disabled", "disabled"]);
  });

  it("OFF-ENB-33 several in one word", () => {
    const host = world();
    change(host, { disable: ["t"] });
    expect(change(host, { enable: ["t"], disable: ["u"], exclusive: ["v", "t"] })).toMatchObject({ events: [{ exclusive: ["t", "v"], disabled: ["u"] }] });
  });

  it("OFF-ENB-12 a topic of an instance of another cluster is not changed from here: the refusal names its cluster and where to say it", () => {
    const host = world();
    host.send("remote", { view: { clusterId: "id-far", cluster: "far", number: 1, members: [REMOTE] } }, "actor", "router");
    expect(change(host, { disable: ["t"] }, "x")).toMatchObject({ rejection: { code: "instance/elsewhere", message: expect.stringMatching(/cluster "far".*--cluster far/) } });
  });

  it("OFF-ENB-20 an instance that nobody knows is refused; OFF-ENB-21 OFF-ENB-23 one that is away keeps its lists until it is back", () => {
    const host = world();
    expect(change(host, { disable: ["t"] }, "x")).toMatchObject({ rejection: { code: "instance/unknown" } });
    host.leave("w");
    expect(change(host, { disable: ["t"] })).toMatchObject({ answer: { isHere: false, topics: {} } });
    host.announce("w", { incarnation: "w-2", topics: ["t", "u"] });
    expect(statesOf(host)).toEqual({ t: "disabled", u: "enabled" });
  });

  it("there are only so many topics in a list", () => {
    const host = new MiniHost({ topicListMax: 2 });
    host.announce("w");
    expect(change(host, { disable: ["a", "b"] }).kind).toBe("accepted");
    expect(change(host, { disable: ["c"] })).toMatchObject({ rejection: { code: "topics/too-many" } });
    expect(change(host, { exclusive: ["a", "b", "c"] })).toMatchObject({ rejection: { code: "topics/too-many" } });
  });
});

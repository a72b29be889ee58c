import { describe, expect, it } from "vitest";
import type { Answer } from "./testing/mini-host.ts";
import { MiniHost } from "./testing/mini-host.ts";
import type { QueueConfig } from "./vocabulary.ts";
import { queueOfWantedKey, readWantedQueue, wantedKeyOf, writeWantedQueue } from "./wanted.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const wantedValue = (config: QueueConfig, since?: number): Uint8Array => writeWantedQueue({ config, since, former: [] });

function setup() {
  const host = new MiniHost();
  const want = (queue: string, revision: number, value: QueueConfig | string, since?: number): Answer =>
    host.send("want", { queue, revision, value: typeof value === "string" ? bytes(value) : wantedValue(value, since) }, "hello", "config");
  const submit = (topic: string, fields: object = {}, stored = false): Answer => {
    const parsed = host.actor.parse("submit", { topic, input: 1, ...fields }, { role: "submit", principal: "ann", ...(stored ? { stored: true as const } : {}) }, () => "01M82CT9QB0000007000000003");
    return parsed.kind === "command" ? host.command(parsed.command) : parsed;
  };
  return { host, want, submit };
}

describe("a key of the wanted configuration", () => {
  it.each(["media", "a b", "a=b", "x.y", "%&()", "main"])("stands for the queue %j and no other", (name) => {
    expect(wantedKeyOf(name)).toMatch(/^queue\.[A-Za-z0-9_=-]+$/);
    expect(queueOfWantedKey(wantedKeyOf(name))).toBe(name);
  });
  it.each(["media", "queue.", "queue.a.b", "queue.a=2", "queue.=61", "queue.=0a"])("%j is none", (key) => expect(queueOfWantedKey(key)).toBeUndefined());
});

describe("a value of the wanted configuration", () => {
  it("comes back as it was written", () => {
    const wanted = { config: { topics: ["a/*"], shard: "b", partitions: 2 }, since: 7, former: ["main"] };
    expect(readWantedQueue(writeWantedQueue(wanted))).toEqual(wanted);
    expect(String.fromCharCode(...writeWantedQueue(wanted))).toBe('{"topics":["a/*"],"shard":"b","partitions":2,"since":7,"former":["main"]}');
  });
  it.each(["", "7", "{", '{"topics":7}', '{"topics":["a"],"shard":"a b"}', '{"topics":["a"],"partitions":0}', '{"topics":["a"],"partitions":65}', '{"topics":["a"],"former":["a b"]}', '{"topics":["a"],"typo":1}'])(
    "%j is refused", (text) => expect(() => readWantedQueue(bytes(text))).toThrow());
});

describe("a wanted revision", () => {
  it("becomes QueueConfigured once: told again, or an older one, it changes nothing", () => {
    const { host, want } = setup();
    expect(want("q", 5, { topics: ["a"], retries: 1 }, 3)).toMatchObject({ events: [{ type: "QueueConfigured", queue: "q", config: { topics: ["a"], retries: 1 }, revision: 5, since: 3 }] });
    expect(want("q", 5, { topics: ["a"], retries: 2 })).toMatchObject({ kind: "accepted", events: [] });
    expect(want("q", 4, { topics: ["a"], retries: 2 })).toMatchObject({ kind: "accepted", events: [] });
    expect(host.state.configuredUpTo).toBe(5);
    expect(host.state.queue("q").config.retries).toBe(1);
  });

  it.each([
    ["malformed", "{", "queue/malformed"],
    ["no configuration", '{"topics":[]}', "queue/invalid"],
    ["for the default queue a shard", '{"topics":["*"],"shard":"b"}', "queue/invalid"],
  ])("that is %s is recorded, and the queue goes on with the last good one", (_, text, code) => {
    const { host, want } = setup();
    const name = text.includes('"*"') ? "main" : "q";
    if (name === "q") want("q", 1, { topics: ["a"], retries: 1 });
    const before = host.state.queue(name).config;
    expect(want(name, 2, text)).toMatchObject({ events: [{ type: "ConfigurationRefused", queue: name, revision: 2, code }] });
    expect(host.state.queue(name).config).toEqual(before);
    expect(host.actor.query(host.state, { ask: "configured" }, { role: "operate", principal: "o" }, host.at)).toMatchObject({ upTo: 2, refused: [{ queue: name, revision: 2, code }] });
    want(name, 3, name === "q" ? { topics: ["a"], retries: 2 } : { topics: ["*"], retries: 2 });
    expect(host.actor.query(host.state, { ask: "configured" }, { role: "operate", principal: "o" }, host.at)).toEqual({ upTo: 3, refused: [] });
  });

  it("outlives a restart from a snapshot", () => {
    const { host, want } = setup();
    want("q", 5, { topics: ["a"], shard: "b" }, 3);
    want("r", 6, "{");
    const before = host.digest();
    host.restart();
    expect(host.digest()).toBe(before);
    expect(host.state.configuredUpTo).toBe(6);
    expect(host.state.queue("q")).toMatchObject({ revision: 5, since: 3 });
  });

  it("is the host's own word: nobody outside may say it", () => {
    const { host } = setup();
    for (const role of ["submit", "operate", "outcome"] as const) {
      expect(host.send("want", { queue: "q", revision: 1, value: wantedValue({ topics: ["a"] }) }, role)).toMatchObject({ malformed: { code: "command/not-allowed" } });
    }
  });

  it("alone says where a queue lives: a command about a queue of this shard cannot", () => {
    const { host } = setup();
    for (const field of [{ shard: "b" }, { partitions: 2 }]) expect(host.send("configure", { queue: "q", topics: ["a"], ...field })).toMatchObject({ kind: "malformed" });
  });
});

describe("a job of a queue that lives elsewhere", () => {
  it("is refused with its place, by topic and by name", () => {
    const { want, submit } = setup();
    want("q", 5, { topics: ["t/*"], shard: "b" });
    for (const answer of [submit("t/a"), submit("other", { queue: "q" })]) {
      expect(answer).toMatchObject({ rejection: { code: "queue/moved", detail: { queue: "q", shard: "b", revision: 5 } } });
    }
    expect(submit("other").kind).toBe("accepted");
  });

  it("is taken when it was durable in this shard before anybody decided on it", () => {
    const { host, want, submit } = setup();
    want("q", 5, { topics: ["t/*"], shard: "b" });
    expect(submit("t/a", {}, true)).toMatchObject({ kind: "accepted", events: [{ type: "JobAccepted", queue: "q" }] });
    expect(host.state.queued).toBe(1);
  });

  it("goes to the partition of its key, or else of its id", () => {
    const { want, submit } = setup();
    want("q", 5, { topics: ["t/*"], partitions: 2 });
    const shardsFor = (field: "key" | "id"): readonly (string | undefined)[] =>
      ["a", "b", "c", "d", "e"].map((value) => (submit("t/a", { [field]: value }) as { rejection?: { detail: { shard: string } } }).rejection?.detail.shard);
    for (const field of ["key", "id"] as const) expect(new Set(shardsFor(field))).toEqual(new Set(["main-0", "main-1"]));
    expect(shardsFor("key")).toEqual(shardsFor("key"));
  });

  it("that was accepted before the move is finished here", () => {
    const { host, want, submit } = setup();
    want("q", 5, { topics: ["t/*"] });
    submit("t/a");
    want("q", 6, { topics: ["t/*"], shard: "b" });
    host.join("i1", [{ topics: ["t/*"], slots: 1 }]);
    const [job = 0] = host.running();
    host.succeed(job);
    expect(host.stateOf(job)).toBe("succeeded");
  });

  it("waits for a shard that has yet to hear of what the sender knows", () => {
    const { want, submit } = setup();
    want("q", 5, { topics: ["t/*"] });
    expect(submit("t/a", { revision: 6 })).toMatchObject({ rejection: { code: "queue/behind", detail: { revision: 5 } } });
    expect(submit("t/a", { revision: 6 }, true).kind).toBe("accepted");
    expect(submit("t/a", { revision: 5 }).kind).toBe("accepted");
  });

  it("keeps its key in the history, and its repetition keeps it too", () => {
    const { host, submit } = setup();
    expect(submit("t/a", { key: "k", id: "x" })).toMatchObject({ events: [{ type: "JobAccepted", options: { key: "k" } }] });
    host.send("stop", { id: "main.t~a.x" });
    expect(host.send("retry", { id: "main.t~a.x" })).toMatchObject({ events: [{ type: "JobAccepted", options: { key: "k" } }] });
  });
});

describe("a partition", () => {
  it("P6 has its part of the parallelism on an instance, so that all together keep the bound", () => {
    const { host, want } = setup();
    want("q", 1, { topics: ["t/*"], maxParallel: 5, partitions: 2 });
    expect(host.state.queue("q").parallelOn(4)).toBe(2);
    want("q", 2, { topics: ["t/*"], maxParallel: -1, partitions: 2 });
    expect([1, 4].map((processors) => host.state.queue("q").parallelOn(processors))).toEqual([1, 2]);
    expect(want("q", 3, { topics: ["t/*"], maxParallel: 1, partitions: 2 })).toMatchObject({ events: [{ type: "ConfigurationRefused" }] });
  });
});

import { describe, expect, it } from "vitest";
import { HANDOVER_MS } from "./limits.ts";
import { MiniHost } from "./testing/mini-host.ts";

const setup = (...instances: string[]): MiniHost => {
  const host = new MiniHost();
  host.configure("orderedtest", { topics: ["sling/orderedtest/*"], type: "ordered", retries: 2, retryDelayMs: 2_000 });
  for (const name of instances.length === 0 ? ["i1"] : instances) host.join(name, [{ topics: ["sling/orderedtest/*"], slots: 10 }]);
  return host;
};
const submit = (host: MiniHost, n: number, fields = {}): number => host.submit(`sling/orderedtest/sub${n}`, fields);

describe("an ordered queue", () => {
  it("OQ-01 31 jobs over 11 topics run strictly one after the other, retries included", () => {
    const host = setup();
    const start = host.submit("sling/orderedtest/start");
    host.send("suspend", { queue: "orderedtest" });
    const jobs = Array.from({ length: 30 }, (_, i) => submit(host, i % 10));
    host.succeed(start);
    expect(host.running()).toEqual([]);
    host.send("resume", { queue: "orderedtest" });
    const ended: number[] = [];
    for (let job = host.running()[0]; job !== undefined; job = host.running()[0]) {
      expect(host.running()).toHaveLength(1);
      host.advance(30);
      const { topic, attempt } = host.state.job(job);
      if (topic.endsWith("/sub1") && attempt === 1) {
        host.fail(job);
        host.advance(2_000);
        continue;
      }
      host.succeed(job);
      ended.push(job);
    }
    expect(ended).toEqual(jobs);
    expect(host.state.queue("orderedtest").statistics).toMatchObject({ finished: 31, failed: 3, canceled: 0 });
  });

  it("MP-01 MP-02 P5 never more than one attempt is live, on however many instances", () => {
    const host = setup("i1", "i2", "i3");
    for (let i = 0; i < 12; i++) submit(host, i);
    for (let i = 0; i < 12; i++) {
      expect(host.running()).toEqual([i + 1]);
      host.succeed(i + 1);
    }
  });

  it("the head blocks while it waits for its retry", () => {
    const host = setup();
    const head = submit(host, 1);
    const second = submit(host, 2);
    host.fail(head);
    host.advance(1_999);
    expect(host.stateOf(second)).toBe("queued");
    host.advance(1);
    expect(host.stateOf(head)).toBe("active");
  });

  it("the head blocks while it sleeps, and while nobody takes its topic", () => {
    const host = new MiniHost();
    host.configure("o", { topics: ["o/*"], type: "ordered" });
    host.join("i1", [{ topics: ["o/2", "o/3"], slots: 5 }]);
    const [sleeper, orphan, last] = [host.submit("o/2", { delayMs: 1_000 }), host.submit("o/1"), host.submit("o/3")];
    expect(host.running()).toEqual([]);
    host.advance(1_000);
    host.succeed(sleeper!);
    expect(host.running()).toEqual([]);
    host.join("i2", [{ topics: ["o/1"], slots: 5 }]);
    expect(host.running()).toEqual([orphan]);
    host.succeed(orphan!);
    expect(host.running()).toEqual([last]);
  });

  it("a stopped head lets the next one go", () => {
    const host = new MiniHost();
    host.configure("o", { topics: ["o/*"], type: "ordered" });
    const [head, next] = [host.submit("o/1", { delayMs: 60_000 }), host.submit("o/2")];
    host.join("i1", [{ topics: ["o/**"], slots: 5 }]);
    expect(host.running()).toEqual([]);
    host.send("stop", { id: `main.${host.state.job(head!).id}` });
    expect(host.running()).toEqual([next]);
  });

  it("P5 after its instance is gone the head waits until the worker has surely let go", () => {
    const host = setup("i1", "i2");
    const head = submit(host, 1);
    host.leave("i1");
    host.advance(HANDOVER_MS - 1);
    expect(host.running()).toEqual([]);
    host.advance(1);
    expect(host.running()).toEqual([head]);
    expect(host.state.job(head)).toMatchObject({ instance: "i2", attempt: 2, failures: 1 });
  });

  it.each(["remove", "given up with its instance"])("P5 the next job too waits that long after the head was taken away: %s", (how) => {
    const host = setup("i1", "i2");
    const head = submit(host, 1, { retries: 0 });
    const next = submit(host, 2);
    if (how === "remove") host.send("remove", { id: `main.${host.state.job(head).id}` });
    else host.leave("i1");
    expect(host.state.job(head).isEnded).toBe(true);
    host.restart();
    host.advance(HANDOVER_MS - 1);
    expect(host.running()).toEqual([]);
    host.advance(1);
    expect(host.running()).toEqual([next]);
  });

  it.each(["stop", "remove"])("P5 a head whose attempt was lost holds the queue even when it is ended before its retry: %s", (verb) => {
    const host = setup("i1", "i2");
    const head = submit(host, 1);
    const next = submit(host, 2);
    host.leave("i1");
    host.send(verb, { id: `main.${host.state.job(head).id}` });
    expect(host.state.job(head).isEnded).toBe(true);
    host.restart();
    host.advance(HANDOVER_MS - 1);
    expect(host.running()).toEqual([]);
    host.advance(1);
    expect(host.running()).toEqual([next]);
  });

  it("a hold with nobody left behind it wakes nobody", () => {
    const host = setup();
    const [head, next] = [submit(host, 1), submit(host, 2)];
    for (const job of [head!, next!]) host.send("remove", { id: `main.${host.state.job(job).id}` });
    expect(host.due()).toBe(host.at + 605_000);
  });

  it("a worker's own word frees the queue at once", () => {
    const host = setup();
    const head = submit(host, 1, { retries: 0, timeoutMs: 1_000 });
    const next = submit(host, 2);
    host.outcome(head, "timedOut");
    expect(host.stateOf(head)).toBe("given-up");
    expect(host.running()).toEqual([next]);
  });

  it("dispatches of an ordered queue are marked exclusive, others are not", () => {
    const host = setup();
    submit(host, 1);
    expect(host.told.at(-1)!.item[6]).toEqual({ failures: 0, retries: 2, exclusive: true });
    host.join("i2", [{ topics: ["a"], slots: 1 }]);
    host.submit("a", { timeoutMs: 500, properties: { p: 1 } });
    expect(host.told.at(-1)!.item[6]).toEqual({ failures: 0, retries: 10, timeoutMs: 500, properties: { p: 1 } });
  });

  it("a queue changes its type with its waiting jobs, but not while it runs one", () => {
    const host = new MiniHost();
    host.configure("q", { topics: ["t/*"] });
    const jobs = ["t/1", "t/2", "t/1", "t/3"].map((topic) => host.submit(topic));
    host.configure("q", { topics: ["t/*"], type: "ordered" });
    host.join("i1", [{ topics: ["t/*"], slots: 10 }]);
    expect(host.running()).toEqual([jobs[0]]);
    expect(host.configure("q", { topics: ["t/*"] })).toMatchObject({ rejection: { code: "queue/invalid" } });
    host.send("suspend", { queue: "q" });
    host.succeed(jobs[0]!);
    expect(host.configure("q", { topics: ["t/*"] }).kind).toBe("accepted");
    host.send("resume", { queue: "q" });
    expect(host.running()).toEqual(jobs.slice(1));
  });
});

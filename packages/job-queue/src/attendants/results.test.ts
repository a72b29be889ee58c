import { encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { results } from "./results.ts";
import { FakeHost } from "./testing/fake-host.ts";

const WATCH = "ls.test.wa.job-queue.main.alice";
const ADDRESS = "re.alice.c1";

function setup(watchesMax?: number) {
  const host = new FakeHost(results(watchesMax === undefined ? {} : { watchesMax }));
  host.mini.join("i1", [{ topics: ["t/a"], slots: 100 }]);
  const submit = (): { readonly number: number; readonly id: string } => {
    const number = host.mini.submit("t/a");
    return { number, id: `main.${host.mini.state.job(number).id}` };
  };
  const ask = (ids: readonly string[], fields: object = {}) => host.say(WATCH, { client: "c1", ids, ...fields });
  const succeed = (job: number, result?: unknown): void => {
    host.mini.succeed(job, result);
    host.showEvents();
    host.advance(0);
  };
  return { host, submit, ask, succeed };
}

describe("a client that waits for results", () => {
  it("is told when a job ends", () => {
    const { host, submit, ask, succeed } = setup();
    const job = submit();
    expect(ask([job.id])).toEqual({ epoch: 3, told: 0, unknown: [], waiting: 1 });
    expect(host.toldTo(ADDRESS)).toEqual([]);
    succeed(job.number, { n: 1 });
    expect(host.toldTo(ADDRESS)).toEqual([[job.id, "succeeded", encode({ n: 1 }), 1, null, null]]);
    expect(ask([])).toMatchObject({ told: 1, waiting: 0 });
  });

  it("is told at once of a job that has ended already", () => {
    const { host, submit, ask, succeed } = setup();
    const job = submit();
    succeed(job.number);
    ask([job.id]);
    expect(host.toldTo(ADDRESS)).toEqual([[job.id, "succeeded", encode(null), 1, null, null]]);
  });

  it("is told why a job did not succeed", () => {
    const { host, submit, ask } = setup();
    const job = submit();
    ask([job.id]);
    host.mini.outcome(job.number, "canceled", "no use");
    host.showEvents();
    host.advance(0);
    expect(host.toldTo(ADDRESS)[0]!.slice(0, 5)).toEqual([job.id, "error", null, 1, "no use"]);
  });

  it("is told what the job has left, at once and when it asks later", () => {
    const { host, submit, ask } = setup();
    const job = submit();
    const outputs = [["thumb.jpg", "wendy", "c".repeat(64), 5]];
    ask([job.id]);
    host.mini.outcome(job.number, "succeeded", encode(null), null, outputs);
    host.showEvents();
    ask([job.id]);
    const item = [job.id, "succeeded", encode(null), 1, null, null, outputs];
    expect(host.toldTo(ADDRESS)).toEqual([item, item]);
  });

  it("hears which jobs are not known", () => {
    const { ask, submit } = setup();
    const job = submit();
    expect(ask(["main.nobody", job.id, "other.shard"])).toMatchObject({ unknown: ["main.nobody", "other.shard"], waiting: 1 });
  });

  it("hears why what it stored was refused, and only that", () => {
    const { ask, host, submit } = setup();
    const job = submit();
    host.inboxSequence = 9;
    host.refused.set("7 t~a.x", { code: "queue/not-found", message: "no such queue" });
    expect(ask(["main.t~a.x", job.id], { after: 9, stored: [["main.t~a.x", 7], [job.id, 9]] }))
      .toMatchObject({ unknown: [], refused: [["main.t~a.x", 7, "queue/not-found", "no such queue"]], waiting: 1 });
    expect(ask(["main.t~a.x"], { stored: [["main.t~a.x", 8]] })).toEqual({ epoch: 3, told: 0, unknown: ["main.t~a.x"], waiting: 1 });
    for (const stored of [7, ["a"], [["a"]], [[1, 2]]]) expect(ask([], { stored })).toMatchObject({ error: { code: "results/malformed" } });
  });

  it("is told once, however often it asks before", () => {
    const { host, submit, ask, succeed } = setup();
    const job = submit();
    for (let i = 0; i < 3; i++) ask([job.id]);
    succeed(job.number);
    expect(host.toldTo(ADDRESS)).toHaveLength(1);
  });

  it("is not told what it has asked to forget", () => {
    const { host, submit, ask, succeed } = setup();
    const job = submit();
    ask([job.id]);
    expect(ask([], { forget: [job.id] })).toMatchObject({ waiting: 0 });
    succeed(job.number);
    expect(host.toldTo(ADDRESS)).toEqual([]);
  });

  it("shares a job with others that wait for it", () => {
    const { host, submit, ask, succeed } = setup();
    const job = submit();
    ask([job.id]);
    host.say("ls.test.wa.job-queue.main.bob", { client: "c2", ids: [job.id] });
    succeed(job.number);
    expect([host.toldTo(ADDRESS).length, host.toldTo("re.bob.c2").length]).toEqual([1, 1]);
  });

  it("waits until the inbox is read as far as it has written", () => {
    const { host, submit, ask } = setup();
    const job = submit();
    host.inboxSequence = 4;
    expect(ask([job.id], { after: 5 })).toEqual({ epoch: 3, behind: true });
    host.inboxSequence = 5;
    expect(ask([job.id], { after: 5 })).toMatchObject({ waiting: 1 });
  });

  it("is forgotten when it has said nothing for a minute", () => {
    const { host, submit, ask, succeed } = setup();
    const job = submit();
    ask([job.id]);
    host.advance(80_000);
    succeed(job.number);
    expect(host.toldTo(ADDRESS)).toEqual([]);
  });

  it("is refused when too many results are waited for", () => {
    const { submit, ask } = setup(1);
    const [first, second] = [submit(), submit()];
    ask([first.id]);
    expect(ask([second.id])).toMatchObject({ error: { code: "results/overloaded" } });
  });

  it("is told what is wrong with a malformed question", () => {
    const { host } = setup();
    const wrong: readonly unknown[] = [1, [], {}, { client: "a b", ids: [] }, { client: "c", ids: "x" }, { client: "c", ids: [1] }, { client: "c", after: "x" }];
    for (const message of wrong) expect(host.say(WATCH, message), JSON.stringify(message)).toMatchObject({ error: { code: "results/malformed" } });
    expect(host.sayBytes(WATCH, new Uint8Array([0xc1]))).toMatchObject({ error: { code: "codec/refused" } });
    expect(host.say(WATCH, { client: "c", ids: Array.from({ length: 5_000 }, (_, i) => `main.${i}`) })).toMatchObject({ error: expect.anything() });
  });
});

import { describe, expect, it } from "vitest";
import type { JobQueueLimits } from "./limits.ts";
import { MiniHost } from "./testing/mini-host.ts";

const setup = (limits: Partial<JobQueueLimits> = {}): MiniHost => {
  const host = new MiniHost(limits);
  host.configure("mail", { topics: ["mail/*"], keepIds: { ms: 60_000, count: 3 } });
  host.join("i1", [{ topics: ["mail/send"], slots: 100 }]);
  return host;
};
const submit = (host: MiniHost, id: string, input: unknown = 1, topic = "mail/send") => host.send("submit", { topic, input, id }, "submit");

describe("ids that users give", () => {
  it("the same id with the same input is the same job, and the answer names it", () => {
    const host = setup();
    submit(host, "order-7");
    expect(submit(host, "order-7")).toEqual({ kind: "accepted", events: [], answer: { deduplicated: "main.mail~send.order-7" } });
    expect(host.count("JobAccepted")).toBe(1);
  });

  it("the same id with another input is refused", () => {
    const host = setup();
    submit(host, "order-7", { a: 1 });
    expect(submit(host, "order-7", { a: 2 })).toMatchObject({ kind: "rejected", rejection: { code: "job/id-reused" } });
    expect(submit(host, "order-8", { a: 2 }).kind).toBe("accepted");
  });

  it("an id belongs to its topic", () => {
    const host = setup();
    submit(host, "7");
    expect(submit(host, "7", 2, "mail/receive").kind).toBe("accepted");
    expect(host.count("JobAccepted")).toBe(2);
  });

  it("an id outlives its job in the history, and also its removal", () => {
    const host = setup({ endedMax: 0 });
    submit(host, "order-7");
    host.succeed(1);
    expect(host.state.jobs.size).toBe(0);
    expect(submit(host, "order-7")).toMatchObject({ events: [], answer: { deduplicated: "main.mail~send.order-7" } });
    expect(submit(host, "order-7", 2)).toMatchObject({ rejection: { code: "job/id-reused" } });
  });

  it("an id is forgotten after the queue's time, or when more were given since than it remembers", () => {
    const host = setup({ endedMax: 0 });
    submit(host, "a");
    host.succeed(1);
    host.advance(65_001);
    expect(host.count("IdsExpired")).toBe(1);
    expect(submit(host, "a", 2).kind).toBe("accepted");
    for (const id of ["b", "c", "d"]) submit(host, id);
    for (const job of host.running()) host.succeed(job);
    expect(submit(host, "a", 3).kind).toBe("accepted");
    expect(submit(host, "d", 3)).toMatchObject({ rejection: { code: "job/id-reused" } });
  });

  it("an id of a job that is still there is known however long ago it was given", () => {
    const host = setup();
    submit(host, "x", 1, "mail/nobody");
    host.advance(3_600_000);
    expect(host.count("IdsExpired")).toBe(1);
    expect(submit(host, "x", 1, "mail/nobody")).toMatchObject({ events: [] });
  });

  it("a generated id that is there is already so, whatever its input", () => {
    const host = setup();
    const ulid = "01HF0000000000000000000001";
    const item = (input: number) => [ulid, "mail/send", new Uint8Array([input]), null];
    expect(host.send("submit", item(1), "submit")).toMatchObject({ events: [{ type: "JobAccepted", id: ulid }, { type: "AttemptStarted" }] });
    expect(host.send("submit", item(2), "submit")).toEqual({ kind: "accepted", events: [] });
  });

  it("only ids of users are remembered", () => {
    const host = setup();
    host.submit("mail/send");
    expect(host.state.queue("mail").rememberedIds.size).toBe(0);
    submit(host, "a");
    expect(host.state.queue("mail").rememberedIds.size).toBe(1);
  });
});

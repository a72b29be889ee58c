import { encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { Epochs } from "./epochs.ts";
import type { JobEnd, ResultSink } from "./result-waiter.ts";
import { ResultWaiter } from "./result-waiter.ts";
import { fakeWorld } from "./testing/fake-wire.ts";

class Hearing implements ResultSink {
  readonly heard: (JobEnd | string)[] = [];
  readonly after: number | undefined;
  readonly doubtUntilMs: number | undefined;
  ended(end: JobEnd): void {
    this.heard.push(end);
  }
  constructor(after?: number, doubtUntilMs?: number) {
    this.after = after;
    this.doubtUntilMs = doubtUntilMs;
  }
  refused(code: string): void {
    this.heard.push(`refused ${code}`);
  }
  gone(id: string): void {
    this.heard.push(`gone ${id}`);
  }
  failed(code: string): void {
    this.heard.push(`failed ${code}`);
  }
}

function setup() {
  const world = fakeWorld();
  const epochs = new Epochs();
  const waiter = new ResultWaiter(world.ports, world.place, "c1", world.limits, epochs);
  const wait = (id: string, after?: number, doubtUntilMs?: number): Hearing => {
    const hearing = new Hearing(after, doubtUntilMs);
    waiter.wait(id, hearing);
    return hearing;
  };
  const question = () => world.wire.open(".wa.")[0];
  const ids = (): unknown => question()?.message["ids"];
  const told = (first: number, ...jobs: readonly string[]): void => {
    world.wire.tell("ls.c.re.alice.c1", [1, first, jobs.map((id) => [id, "succeeded", encode(id), 1, null, null])]);
  };
  const settle = (fields: object = {}): void => question()!.answer({ epoch: 1, told: 0, unknown: [], waiting: 0, ...fields });
  return { ...world, epochs, waiter, wait, question, ids, told, settle };
}

describe("waiting for results", () => {
  it("asks for the first at once, and for those that come meanwhile together", () => {
    const { ids, settle, wait, question } = setup();
    for (const id of ["a", "b", "c"]) wait(id);
    expect(question()!.subject).toBe("ls.c.wa.job-queue.main.alice");
    expect(ids()).toEqual(["a"]);
    settle();
    expect(ids()).toEqual(["b", "c"]);
  });

  it("hands each end to whoever waits for it, once", () => {
    const { settle, told, wait } = setup();
    const [a, again, b] = [wait("a"), wait("a"), wait("b")];
    settle();
    settle();
    told(1, "a");
    told(1, "a");
    expect([a!.heard.length, again!.heard.length, b!.heard.length]).toEqual([1, 1, 0]);
    expect(a!.heard[0]).toMatchObject({ id: "a", state: "succeeded", attempts: 1 });
  });

  it("says what is gone", () => {
    const { settle, wait } = setup();
    const a = wait("a");
    settle({ unknown: ["a"] });
    expect(a.heard).toEqual(["gone a"]);
  });

  it("asks again for everything open every 15 s, at a new epoch, and after a reconnection", () => {
    const { clock, epochs, ids, question, settle, wait, wire } = setup();
    wait("a");
    settle();
    for (let second = 1; second < 15; second++) {
      clock.advance(1_000);
      expect(ids()).toEqual([]);
      settle();
    }
    clock.advance(1_000);
    expect(ids()).toEqual(["a"]);
    settle();
    epochs.heard(2);
    expect(ids()).toEqual(["a"]);
    settle({ epoch: 2 });
    wire.reconnect();
    expect(ids()).toEqual(["a"]);
    settle({ epoch: 2 });
    expect(question()).toBeUndefined();
  });

  it("asks again for everything open when a number is missing, and not when all are there", () => {
    const { ids, question, settle, told, wait } = setup();
    for (const id of ["a", "b", "c"]) wait(id);
    settle();
    settle();
    told(1, "a");
    expect(question()).toBeUndefined();
    told(3, "c");
    expect(ids()).toEqual(["b"]);
    settle({ told: 3 });
    told(4, "b");
    expect(question()).toBeUndefined();
  });

  it("looks for a newer epoch every second, and asks it for everything", () => {
    const { clock, ids, settle, wait } = setup();
    wait("a");
    settle();
    clock.advance(1_000);
    settle({ epoch: 2 });
    expect(ids()).toEqual(["a"]);
  });

  it("asks again when no host is there, until one is", () => {
    const { clock, ids, question, settle, wait } = setup();
    wait("a");
    question()!.fail("no-responders");
    expect(question()).toBeUndefined();
    clock.advance(1_000);
    expect(ids()).toEqual(["a"]);
    question()!.fail("timeout");
    clock.advance(5_000);
    expect(ids()).toEqual(["a"]);
    settle();
  });

  it("believes no host of an older epoch", () => {
    const { epochs, settle, told, wait } = setup();
    epochs.heard(5);
    const a = wait("a");
    settle({ epoch: 4, unknown: ["a"] });
    told(1, "a");
    expect(a.heard).toEqual([]);
  });

  it("takes nobody's word that a stored job is unknown before the inbox is read", () => {
    const { clock, question, settle, wait } = setup();
    const a = wait("a", 7);
    expect(question()!.message["after"]).toBe(7);
    settle({ behind: true });
    expect(a.heard).toEqual([]);
    clock.advance(200);
    expect(question()!.message["after"]).toBe(7);
    settle({ unknown: ["a"] });
    expect(a.heard).toEqual(["gone a"]);
  });

  it("says to those who stored a job why it was refused, and goes on waiting for others of the same id", () => {
    const { question, settle, wait, ids } = setup();
    const [stored, other] = [wait("a", 7), wait("a")];
    expect(question()!.message).toMatchObject({ ids: ["a"], after: 7, stored: [["a", 7]] });
    settle({ refused: [["a", 7, "queue/not-found", "there is no such queue"]] });
    expect([stored!.heard, other!.heard]).toEqual([["refused queue/not-found"], []]);
    expect(ids()).toEqual(["a"]);
    settle({ unknown: ["a"] });
    expect([stored!.heard.length, other!.heard]).toEqual([1, ["gone a"]]);
  });

  it("asks again for a job of which nobody knows whether it was added, until it cannot be any more", () => {
    const { clock, question, settle, wait } = setup();
    const a = wait("a", undefined, 10_000);
    settle({ unknown: ["a"] });
    clock.advance(2_000);
    expect([a.heard, question()!.message["ids"]]).toEqual([[], ["a"]]);
    clock.advance(10_000);
    settle({ unknown: ["a"] });
    expect(a.heard).toEqual(["gone a"]);
  });

  it("gives up waiting for what nobody wants any more, and tells the host with the next question", () => {
    const { question, settle, told, wait, waiter } = setup();
    const a = wait("a");
    settle();
    waiter.forget("a", a);
    told(1, "a");
    expect(a.heard).toEqual([]);
    wait("b");
    expect(question()!.message).toMatchObject({ ids: ["b"], forget: ["a"] });
  });

  it("fails when the server does not allow it, and when the client closes", () => {
    const { question, settle, wait, waiter } = setup();
    const a = wait("a");
    question()!.fail("denied");
    expect(a.heard).toEqual(["failed server/denied"]);
    const b = wait("b");
    settle();
    waiter.close();
    expect(b.heard).toEqual(["failed client/closed"]);
    expect(wait("c").heard).toEqual(["failed client/closed"]);
  });
});

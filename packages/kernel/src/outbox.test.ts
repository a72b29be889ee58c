import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Droppable } from "./actor.ts";
import { decodeTrusted, encodeCanonical } from "./codec.ts";
import type { Outbox, OutboxWire } from "./outbox.ts";
import { acknowledge, owe, restoreOutboxes, snapshotOutboxes } from "./outbox.ts";

const LIMITS = { messagesMax: 3, bytesMax: 1_000 };
const DROP: Droppable = { mayDrop: true };
const level = (levelOf: string): Droppable => ({ mayDrop: true, levelOf });

class Owing {
  boxes = new Map<string, Outbox>();
  get box(): Outbox {
    return this.boxes.get("r")!;
  }
  get bodies(): readonly unknown[] {
    return this.box.pending.map(({ body }) => body);
  }
  say(body: unknown, how?: Droppable): this {
    owe(this.boxes, "r", body, how, LIMITS);
    return this;
  }
  acked(number: number): this {
    acknowledge(this.box, number, LIMITS);
    return this;
  }
  restart(): void {
    this.boxes = restoreOutboxes(decodeTrusted(encodeCanonical(snapshotOutboxes(this.boxes))) as OutboxWire[]);
  }
}

describe("a message that may be left out", () => {
  test("is taken while there is room, and numbered like any other", () => {
    const owing = new Owing().say("a", DROP).say("b").say("c", level("x"));
    expect(owing.box.pending.map(({ number, body }) => [number, body])).toEqual([[1, "a"], [2, "b"], [3, "c"]]);
  });

  test("is left out when there is none; what must arrive never is", () => {
    const owing = new Owing().say(1).say(2).say(3).say("dropped", DROP).say(4).say(5);
    expect(owing.bodies).toEqual([1, 2, 3, 4, 5]);
    expect(owing.acked(2).say("still too many", DROP).bodies).toEqual([3, 4, 5]);
    expect(owing.acked(3).say("taken", DROP).bodies).toEqual([4, 5, "taken"]);
  });

  test("the newest word of each level follows when there is room, what has waited longest first, however often it was said", () => {
    const owing = new Owing().say(1).say(2).say(3).say("x1", level("x")).say("y1", level("y")).say("x2", level("x"));
    expect(owing.bodies).toEqual([1, 2, 3]);
    expect(owing.acked(1).bodies).toEqual([2, 3, "x2"]);
    expect(owing.acked(3).bodies).toEqual(["x2", "y1"]);
    expect([owing.box.withheld.size, owing.box.withheldBytes, owing.box.next]).toEqual([0, 0, 6]);
    expect(owing.acked(2).bodies).toEqual(["x2", "y1"]);
  });

  test("bytes of what may be left out are bounded, those of what must arrive are not counted", () => {
    const owing = new Owing().say("m".repeat(5_000)).say("d".repeat(1_200), DROP).say("left out", DROP).say("l", level("x"));
    expect(owing.bodies).toHaveLength(2);
    expect(owing.say("z".repeat(2_000), level("x")).box.withheld.get("x")?.body).toBe("l");
    expect(owing.acked(2).bodies).toEqual(["l"]);
    expect(owing.box.droppableBytes).toBe(2);
  });

  test("levels are bounded by count", () => {
    const owing = new Owing().say(1).say(2).say(3);
    for (let i = 0; i < 10; i++) owing.say(i, level(`level ${i}`));
    expect([...owing.box.withheld.keys()]).toEqual(["level 0", "level 1", "level 2"]);
  });
});

test("P8 P9 whatever is said: numbers have no gap, what must arrive is there in order, the newest word of each level is last, bounds hold, and a snapshot owes the same", () => {
  const how = fc.constantFrom(undefined, DROP, level("x"), level("y"));
  const action = fc.oneof({ weight: 4, arbitrary: how.map((given) => ({ say: given })) }, fc.integer({ min: 0, max: 4 }).map((ack) => ({ ack })), fc.constant("restart" as const));
  fc.assert(fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
    const owing = new Owing().say("first");
    const [sent, must, newest] = [["first"] as unknown[], ["first"] as unknown[], new Map<string, string>()];
    const note = (): void => {
      for (const { number, body } of owing.box.pending) if (number > sent.length) sent.push(body);
      expect(sent).toHaveLength(owing.box.next - 1);
    };
    actions.forEach((act, i) => {
      if (act === "restart") owing.restart();
      else if ("ack" in act) owing.acked(Math.min(owing.box.next - 1, owing.box.acked + act.ack));
      else {
        const body = `${act.say?.levelOf ?? (act.say === undefined ? "must" : "drop")} ${i}`;
        owing.say(body, act.say);
        if (act.say === undefined) must.push(body);
        else if (act.say.levelOf !== undefined) newest.set(act.say.levelOf, body);
      }
      note();
      expect(owing.box.withheld.size).toBeLessThanOrEqual(LIMITS.messagesMax);
      expect(owing.box.pending.filter(({ bytes }) => bytes > 0).length).toBeLessThanOrEqual(LIMITS.messagesMax);
    });
    while (owing.box.pending.length > 0) {
      owing.acked(owing.box.acked + 1);
      note();
    }
    expect(sent.filter((body) => must.includes(body))).toEqual(must);
    for (const [of, body] of newest) expect(sent.filter((said) => String(said).startsWith(`${of} `)).at(-1)).toBe(body);
    expect([owing.box.droppableBytes, owing.box.withheldBytes]).toEqual([0, 0]);
  }), { numRuns: 300, seed: 1 });
});

/** The event feed under a flood: what is left out is said. */
import type { JobQueueEvent } from "@longshore/job-queue";
import type { Clock, Wire } from "@longshore/kernel";
import { decodeUntrusted } from "@longshore/kernel";
import { expect, test } from "vitest";
import { Feed, SETTLE_EVERY_MS } from "./feed.ts";

const event: JobQueueEvent = { type: "AttemptStarted", job: 1, attempt: 1, member: 1, pool: 0 };
const names = { job: () => undefined, member: () => undefined };

function setup(): { feed: Feed; pass: (ms: number) => void; flood: (commit: number, events: number) => void; said: () => (string | [number, number])[] } {
  let nowMs = 0;
  const said: (string | [number, number])[] = [];
  const wire: Pick<Wire, "publish"> = {
    publish(_subject, data) {
      const { type, from, to } = decodeUntrusted(data, true) as { type: string; from: number; to: number };
      said.push(type === "Gap" ? [from, to] : type);
    },
  };
  const clock: Pick<Clock, "monotonicMs"> = { monotonicMs: () => nowMs };
  const feed = new Feed(wire as Wire, clock as Clock, "main");
  return {
    feed,
    pass: (ms) => { nowMs += ms; },
    flood: (commit, events) => { for (let i = 0; i < events; i++) feed.publish(event, { commit, at: 0 }, names); },
    said: () => said.splice(0),
  };
}

test("an event below the rate is published", () => {
  const { flood, said } = setup();
  flood(1, 1);
  expect(said()).toEqual(["AttemptStarted"]);
});

test("a flood is left out, and said at every settling, until it is over", () => {
  const { feed, pass, flood, said } = setup();
  flood(1, 2_001);
  expect(said()).toHaveLength(2_000);
  for (const commit of [2, 3]) {
    pass(SETTLE_EVERY_MS);
    flood(commit, 300);
    feed.settle(0);
    expect(said(), "although there is room for some of them again").toEqual([[commit === 2 ? 1 : 3, commit]]);
  }
  pass(SETTLE_EVERY_MS);
  flood(4, 1);
  expect(said(), "a flood is over when a settling has seen little").toEqual([]);
  feed.settle(0);
  expect(said()).toEqual([[4, 4]]);
  flood(5, 1);
  expect(said()).toEqual(["AttemptStarted"]);
});

test("what is missing is said before what comes after it", () => {
  const { feed, flood, said } = setup();
  feed.missed(1, 7);
  flood(8, 1);
  expect(said()).toEqual([[1, 7], "AttemptStarted"]);
});

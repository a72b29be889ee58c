/** Following the wanted configuration, on its in-memory twin. */
import type { WantedEntry } from "@longshore/kernel";
import { WantedFollower } from "@longshore/kernel";
import { expect, test } from "vitest";
import { MemoryServer, VirtualClock } from "../index.ts";

function setup(after = 0) {
  const clock = new VirtualClock();
  const { wanted } = new MemoryServer({ cluster: "t", clock });
  const told: string[] = [];
  const troubles: (string | undefined)[] = [];
  const follower = new WantedFollower(wanted, clock, {
    changed: (entries: readonly WantedEntry[]) => told.push(...entries.map(({ key, revision }) => `${key}@${revision}`)),
    looked: (trouble) => troubles.push(trouble),
  }, after);
  const put = (key: string, expected = 0): void => {
    let isStored = false;
    wanted.put(key, new Uint8Array([1]), expected, (answer) => {
      isStored = answer.kind === "stored";
    });
    clock.runUntil(() => isStored);
  };
  return { clock, wanted, told, troubles, follower, put };
}

test("a follower tells what there is, and then what comes", () => {
  const { clock, told, follower, put } = setup();
  put("a");
  follower.start();
  clock.runUntil(() => told.length === 1);
  put("b");
  clock.runUntil(() => told.length === 2);
  expect(told).toEqual(["a@1", "b@2"]);
  expect(follower.revision).toBe(2);
});

test("a follower goes on after a revision that is known already", () => {
  const { clock, told, troubles, follower, put } = setup(1);
  put("a");
  put("b");
  follower.start();
  clock.runUntil(() => troubles.length > 0);
  expect(told).toEqual(["b@2"]);
});

test("a follower finds what nobody hinted at", () => {
  const { clock, wanted, told, follower, put } = setup();
  wanted.silent = true;
  follower.start();
  put("a");
  clock.runUntil(() => told.length === 1);
  expect(clock.monotonicMs()).toBeLessThanOrEqual(2_000);
});

test("a follower says that it cannot read, and reads when it can", () => {
  const { clock, wanted, told, troubles, follower, put } = setup();
  put("a");
  wanted.away = true;
  follower.start();
  clock.runUntil(() => troubles.length > 0);
  expect(troubles).toEqual(["unavailable"]);
  wanted.away = false;
  clock.runUntil(() => told.length === 1);
});

test("a closed follower tells nothing more", () => {
  const { clock, told, follower, put } = setup();
  follower.start();
  follower.close();
  put("a");
  let isLater = false;
  clock.after(10_000, () => {
    isLater = true;
  });
  clock.runUntil(() => isLater);
  expect(told).toEqual([]);
});

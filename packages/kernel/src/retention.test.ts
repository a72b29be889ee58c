import { expect, it } from "vitest";
import type { Clock, Journal } from "./ports.ts";
import { Retention } from "./retention.ts";

/** A journal of 100 commits that holds so many bytes, and a clock that is moved by hand. */
function world(size: { readonly bytes: number; readonly bytesMax?: number }) {
  const purges: number[] = [];
  const asked = { count: 0 };
  let look = (): void => undefined;
  const journal = {
    size: (done: Parameters<Journal["size"]>[0]) => done({ commits: 100, first: 1, ...size }),
    purge: (below: number, done: (ok: boolean) => void) => {
      purges.push(below);
      done(true);
    },
  } as Partial<Journal> as Journal;
  const clock: Clock = {
    monotonicMs: () => 0,
    after: (_, run) => {
      look = run;
      return () => undefined;
    },
  };
  const retention = new Retention(journal, clock, { keepMs: 1_000, keepBytes: 8_000 }, () => asked.count++);
  retention.start();
  return { retention, purges, asked, look: () => look() };
}

it("forgets nothing that is young and has room", () => {
  const { retention, purges, look } = world({ bytes: 4_000, bytesMax: 10_000 });
  retention.snapshotMade(50, 10);
  look();
  expect(purges).toEqual([]);
});

it("forgets by bytes, up to the snapshot's share", () => {
  const { retention, purges, look } = world({ bytes: 16_000 });
  retention.snapshotMade(101, 10);
  look();
  expect(purges).toEqual([51]);
});

it("forgets before the stream is full, however much was to be kept", () => {
  const { retention, purges, look } = world({ bytes: 6_400, bytesMax: 4_000 });
  retention.snapshotMade(101, 10);
  look();
  expect(purges).toEqual([51]);
});

it("forgets what is old, up to the snapshot after it", () => {
  const { retention, purges, look } = world({ bytes: 10, bytesMax: 10_000 });
  retention.snapshotMade(30, 100);
  retention.snapshotMade(60, 5_000);
  look();
  expect(purges).toEqual([30]);
});

it("asks for a snapshot while the room fills up with commits that none covers, and not otherwise", () => {
  const { retention, purges, asked, look } = world({ bytes: 4_100, bytesMax: 10_000 });
  look();
  expect([asked.count, purges]).toEqual([1, []]);
  retention.snapshotMade(50, 10);
  look();
  expect(asked.count).toBe(1);
  const half = world({ bytes: 3_900, bytesMax: 10_000 });
  half.look();
  expect(half.asked.count).toBe(0);
});

/** A host that opens while its journal is purged. */
import { describe, expect, test } from "vitest";
import { HostWorld } from "./host-world.ts";

describe("a journal that is purged while a host reads it", () => {
  test("beyond where the host has come to is read again, from the snapshot there is now", () => {
    const world = new HostWorld();
    const first = world.open();
    for (let i = 0; i < 10; i++) world.ask({ add: [1] });
    const early = world.replay().version;
    for (let i = 0; i < 10; i++) world.ask({ add: [1] });
    world.settle(2_000);
    first.host.close();
    const late = world.replay().snapshot();
    let reads = 0;
    const next = world.start({
      instance: "i2",
      ports: (ports) => ({
        ...ports,
        journal: {
          append: (bytes, expected, done) => ports.journal.append(bytes, expected, done), last: (done) => ports.journal.last(done),
          // The first answer is that of a replica that is behind.
          read: (after, onCommit, done) => {
            if (++reads > 1) return ports.journal.read(after, onCommit, done);
            ports.journal.read(after, (commit) => commit.version <= early && onCommit(commit), () => done({ kind: "end", last: early }));
          },
          get: (version, done) => ports.journal.get(version, done), purge: (below, done) => ports.journal.purge(below, done), size: (done) => ports.journal.size(done),
        },
      }),
    });
    world.clock.runUntil(() => reads === 1);
    world.settle(10);
    world.server.snapshotsOf("counter", "main").saved = late;
    world.server.journal("counter", "main").purgeNow(late.version);
    world.settle(20_000);
    expect(reads).toBeGreaterThan(2);
    expect(next.stops).toEqual([]);
    expect(next.host.isServing).toBe(true);
    expect(world.query()).toMatchObject({ answer: { total: 20 } });
  });
});

describe("a purged journal whose snapshot cannot be had for a moment", () => {
  test("is served when it can be had again", () => {
    const world = new HostWorld();
    world.open();
    world.ask({ add: [1, 1, 1, 1, 1] });
    world.server.snapshotsOf("counter", "main").saved = world.replay().snapshot();
    world.ask({ add: [1] });
    world.server.journal("counter", "main").purgeNow(Infinity);
    let isAway = true;
    const next = world.start({
      instance: "i2",
      ports: (ports) => ({ ...ports, snapshots: { latest: (done) => ports.snapshots.latest((found) => done(isAway ? undefined : found)), save: (snapshot, done) => ports.snapshots.save(snapshot, done) } }),
    });
    world.settle(10_000);
    expect(next.stops).toEqual([]);
    isAway = false;
    world.settle(1_000);
    expect([next.host.current.state.total, next.host.isServing]).toEqual([6, true]);
  });
});

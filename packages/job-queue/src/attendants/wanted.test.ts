import type { WantedConfiguration, WantedEntry } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { wantedKeyOf, writeWantedQueue } from "../wanted.ts";
import { FakeHost } from "./testing/fake-host.ts";
import { wanted } from "./wanted.ts";

/** A bucket that answers at once, and hints only when told to. */
class Bucket implements WantedConfiguration {
  readonly entries: WantedEntry[] = [];
  readonly asked: number[] = [];
  away = false;
  hint: () => void = () => undefined;

  read(...[after, max, done]: Parameters<WantedConfiguration["read"]>): void {
    this.asked.push(after);
    if (this.away) return done({ kind: "unavailable" });
    done({ kind: "entries", entries: this.entries.filter(({ revision }) => revision > after).slice(0, max) });
  }

  put(): void {
    throw new Error("a host writes nothing here");
  }

  onChange(hint: () => void): () => void {
    this.hint = hint;
    return () => undefined;
  }

  want(queue: string, revision: number, topics: readonly string[]): void {
    this.entries.push({ key: wantedKeyOf(queue), revision, value: writeWantedQueue({ config: { topics }, since: 1, former: [] }) });
  }
}

function setup(prepare: (bucket: Bucket) => void = () => undefined) {
  const bucket = new Bucket();
  prepare(bucket);
  const applied: number[] = [];
  const troubles: string[] = [];
  const attendant = wanted({ wanted: bucket, onApplied: () => applied.push(bucket.entries.length), onTrouble: (cause) => troubles.push(cause) });
  const host = new FakeHost(attendant);
  const configured = (): readonly unknown[] => host.mini.events.map((event) => (event.type === "QueueConfigured" ? `${event.queue}@${event.revision}` : event.type));
  return { bucket, applied, troubles, attendant, host, configured };
}

describe("the wanted configuration reaches the actor", () => {
  it("as it is when the host starts, in the order of its revisions", () => {
    const { applied, configured } = setup((bucket) => {
      bucket.want("b", 3, ["b/*"]);
      bucket.want("a", 8, ["a/*"]);
    });
    expect(configured()).toEqual(["b@3", "a@8"]);
    expect(applied).toEqual([2]);
  });

  it("when it changes and a hint says so", () => {
    const { bucket, configured } = setup();
    bucket.want("a", 1, ["a/*"]);
    bucket.hint();
    expect(configured()).toEqual(["a@1"]);
  });

  it("when it changes and no hint comes, within two seconds", () => {
    const { bucket, host, configured } = setup();
    bucket.want("a", 1, ["a/*"]);
    host.advance(2_000);
    expect(configured()).toEqual(["a@1"]);
  });

  it("however many queues there are", () => {
    const { configured, applied } = setup((bucket) => {
      for (let i = 1; i <= 600; i++) bucket.want(`q${i}`, i, [`t/${i}`]);
    });
    expect(configured()).toHaveLength(600);
    expect(applied).toEqual([600]);
  });

  it("without what was taken away, and without keys of others", () => {
    const { configured } = setup((bucket) => {
      bucket.entries.push({ key: "queue.gone", revision: 2, value: undefined }, { key: "offload.far", revision: 3, value: new Uint8Array([1]) });
      bucket.want("a", 4, ["a/*"]);
    });
    expect(configured()).toEqual(["a@4"]);
  });

  it("later, when it cannot be read at first: the host serves, and says what is wrong once", () => {
    const { bucket, host, applied, troubles, configured } = setup((made) => {
      made.away = true;
    });
    host.advance(6_000);
    expect(troubles).toEqual(["unavailable"]);
    expect(applied).toEqual([0]);
    bucket.away = false;
    bucket.want("a", 1, ["a/*"]);
    host.advance(2_000);
    expect(configured()).toEqual(["a@1"]);
  });

  it("no more once the host has stopped", () => {
    const { bucket, host, attendant, configured } = setup();
    attendant.stopped();
    bucket.want("a", 1, ["a/*"]);
    bucket.hint();
    host.advance(10_000);
    expect(configured()).toEqual([]);
  });
});

import type { Clock, Wire } from "@longshore/kernel";
import { decodeTrusted, encode, subjectsOf } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { TestClock } from "../topology/testing/test-clock.ts";
import { TOLD } from "../vocabulary.ts";
import { Member } from "./member.ts";

const topology = { read: () => undefined, owedAck: undefined, raise: () => undefined, clear: () => undefined };
const PROBED = subjectsOf("c").probe("p", "me");
const accused = { instance: "a", incarnation: "a-1" };

/** A member whose words are heard by a history that answers, or does not. */
class Bench {
  readonly clock: TestClock = new TestClock();
  readonly said: string[] = [];
  isDeaf = false;
  /** Of the host that answers. */
  epoch = 1;
  asked = 0;
  readonly read: number[] = [];
  /** The history tells it that something has changed. */
  told: (epoch?: number) => void = () => undefined;
  readonly member: Member;

  constructor() {
    this.member = new Member({
      cluster: "c", principal: "p", instance: "me", incarnation: "me-1", announcement: {}, topology, onEnded: () => undefined, onRead: () => void this.read.push(this.epoch),
    }, { wire: this.wire(this.clock), clock: this.clock });
    this.member.start();
    this.clock.advance(10);
  }

  private wire(clock: Clock): Wire {
    return {
      publish: () => undefined,
      request: (subject, data, timeoutMs, done) => {
        if (subject === PROBED) return done({ kind: "no-responders" });
        const [verb] = Object.keys(decodeTrusted(data) as object);
        if (verb === "ask") {
          this.asked++;
          return clock.after(1, () => done({ kind: "answer", data: encode({ epoch: this.epoch, commit: 1, answer: { change: 1, view: null, proposed: null, remote: [] } }) }));
        }
        if (verb === "suspect" || verb === "refute") this.said.push(verb);
        if (this.isDeaf) clock.after(timeoutMs, () => done({ kind: "timeout" }));
        else done({ kind: "answer", data: encode({ commit: 1, answers: [[0, { clusterId: "c", view: 0, proposed: 0, change: 0, isMember: false, owesAck: false }]] }) });
      },
      subscribe: (subject, onMessage) => {
        if (subject !== PROBED) this.told = (epoch = 1) => onMessage({ subject: "", data: encode([epoch, 1, [[TOLD.proposed, 2]]]), json: false, reply: undefined });
        return () => undefined;
      },
      store: () => undefined,
      onReconnect: () => () => undefined,
      connected: true,
      maxPayloadBytes: 1_000,
    };
  }
}

describe("a word that is taken back", () => {
  it("18.6 is said again until it is answered, and then no more", () => {
    const bench = new Bench();
    bench.isDeaf = true;
    bench.member.suspect({ ...accused, kind: "silent", isHealthy: true });
    bench.member.refute(accused);
    bench.clock.advance(3_000);
    expect(bench.said).toEqual(["suspect", "refute", "refute", "refute", "refute"]);
    bench.isDeaf = false;
    bench.clock.advance(1_000);
    const count = bench.said.length;
    bench.clock.advance(60_000);
    expect(bench.said).toHaveLength(count);
  });

  it("18.6 is forgotten when it is said anew", () => {
    const bench = new Bench();
    bench.isDeaf = true;
    bench.member.refute(accused);
    bench.member.suspect({ ...accused, kind: "silent", isHealthy: true });
    bench.clock.advance(10_000);
    expect(bench.said).toEqual(["refute", "suspect"]);
  });
});

describe("a picture of the topology", () => {
  it("INV-16 from a host that has been overtaken is dropped, and asked for again every second", () => {
    const bench = new Bench();
    bench.epoch = 2;
    bench.told();
    bench.clock.advance(100);
    expect(bench.read).toEqual([1, 2]);
    bench.asked = 0;
    bench.epoch = 1;
    bench.told();
    bench.clock.advance(2_500);
    expect([bench.read, bench.asked]).toEqual([[1, 2], 3]);
    bench.epoch = 2;
    bench.clock.advance(1_000);
    expect(bench.read).toEqual([1, 2, 2]);
  });

  it("INV-16 that is no older than the last, but from before what it was told, is asked for again too", () => {
    const bench = new Bench();
    expect(bench.read).toEqual([1]);
    bench.told(2);
    bench.clock.advance(100);
    expect(bench.read, "the host before has answered").toEqual([1]);
    bench.epoch = 2;
    bench.clock.advance(1_000);
    expect(bench.read).toEqual([1, 2]);
  });
});

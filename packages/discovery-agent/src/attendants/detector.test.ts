import type { Wire, WireAnswer, WireMessage } from "@longshore/kernel";
import { decodeTrusted, encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { TestClock } from "../topology/testing/test-clock.ts";
import type { MemberRecord } from "../vocabulary.ts";
import { Detector, observedBy } from "./detector.ts";

const member = (instance: string): MemberRecord => ({
  instance, incarnation: `${instance}-1`, principal: "p", joinedView: 1, propertiesVersion: 1, properties: {}, topics: [], slots: 0, kinds: [], endpoints: [],
  software: "", leaderPriority: 0, isReady: true,
});

/** A clock of a process that can stand still while time goes on. */
class StallingClock extends TestClock {
  private stalledMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.stalledMs;
  }

  /** The next timer fires that much too late. */
  stall(ms: number): void {
    this.stalledMs += ms;
    this.advance(250);
  }
}

/** A detector of instance `me` over a wire of which the test is the other end. */
class Bench {
  readonly clock: StallingClock = new StallingClock();
  readonly said: string[] = [];
  readonly beats: unknown[] = [];
  /** What a probe is answered; undefined: after its time, nothing. */
  answer: WireAnswer | undefined;
  isRenewed = true;
  connected = true;
  readonly detector: Detector;
  private readonly listening = new Map<string, (message: WireMessage) => void>();
  private sequence = 0;

  constructor(...others: readonly string[]) {
    this.detector = new Detector({
      cluster: "c", principal: "p", instance: "me", incarnation: "me-1", view: () => 7, isRenewed: () => this.isRenewed,
      accuse: ({ instance, kind }) => void this.said.push(`${this.clock.monotonicMs()} ${instance} ${kind}`),
      withdraw: ({ instance }) => void this.said.push(`${this.clock.monotonicMs()} ${instance} lives`),
    }, { wire: this.wire(), clock: this.clock });
    this.detector.start();
    this.detector.observe(["me", ...others].map(member));
  }

  beat(instance: string, incarnation = `${instance}-1`, sequence = ++this.sequence): void {
    const subject = `ls.c.hb.p.${instance}`;
    this.listening.get(subject)?.({ subject, data: encode([incarnation, sequence, 7, 0]), json: false, reply: undefined });
  }

  get subjects(): readonly string[] {
    return [...this.listening.keys()];
  }

  private wire(): Wire {
    const bench = this;
    return {
      publish: (_subject, data) => void this.beats.push(decodeTrusted(data)),
      request: (_subject, _data, timeoutMs, done) => {
        const { answer } = this;
        if (answer === undefined) this.clock.after(timeoutMs, () => done({ kind: "timeout" }));
        else done(answer);
      },
      subscribe: (subject, onMessage) => {
        this.listening.set(subject, onMessage);
        return () => void this.listening.delete(subject);
      },
      store: () => undefined,
      onReconnect: () => () => undefined,
      get connected() { return bench.connected; },
      maxPayloadBytes: 1_000,
    };
  }
}

describe("heartbeats", () => {
  it("18.6 go out once a second with incarnation, sequence, the view seen and the loop's lag", () => {
    const bench = new Bench();
    bench.clock.advance(2_250);
    expect(bench.beats).toEqual([["me-1", 1, 7, 0], ["me-1", 2, 7, 0], ["me-1", 3, 7, 0]]);
  });

  it("18.6 count only for the incarnation that is observed, and only when they are newer", () => {
    const bench = new Bench("a");
    for (let i = 0; i < 8; i++) {
      bench.clock.advance(500);
      bench.beat("a", "a-2");
      bench.beat("a", "a-1", 0);
    }
    expect(bench.said).toEqual(["3750 a silent"]);
  });

  it("18.6 n > 50: a member listens to the nine behind it in the order of the view", () => {
    const members = Array.from({ length: 51 }, (_, i) => member(`m${i}`));
    expect(observedBy(members.slice(0, 50), "m3")).toHaveLength(49);
    expect(observedBy(members, "m3").map(({ instance }) => instance)).toEqual(["m4", "m5", "m6", "m7", "m8", "m9", "m10", "m11", "m12"]);
    expect(observedBy(members, "m48").map(({ instance }) => instance)).toEqual(["m49", "m50", "m0", "m1", "m2", "m3", "m4", "m5", "m6"]);
    const watchers = new Map<string, number>();
    for (const { instance } of members) for (const seen of observedBy(members, instance)) watchers.set(seen.instance, (watchers.get(seen.instance) ?? 0) + 1);
    expect(new Set(watchers.values())).toEqual(new Set([9]));
  });

  it("INV-16 of an instance that has started anew the incarnation that joins is observed, not the one that the view still has", () => {
    const bench = new Bench("a", "b");
    bench.detector.observe([member("me"), member("a"), member("b"), { ...member("a"), incarnation: "a-2" }]);
    bench.clock.advance(3_750);
    expect(bench.detector.accuses("a-2")).toBe(true);
    expect(bench.detector.accuses("a-1")).toBe(false);
    bench.beat("a", "a-1");
    expect(bench.detector.accuses("a-2")).toBe(true);
    bench.beat("a", "a-2");
    expect(bench.detector.accuses("a-2")).toBe(false);
  });

  it("whoever leaves the view is no longer listened to", () => {
    const bench = new Bench("a", "b");
    expect(bench.subjects).toEqual(["ls.c.hb.p.a", "ls.c.hb.p.b"]);
    bench.detector.observe([member("me"), member("b")]);
    expect(bench.subjects).toEqual(["ls.c.hb.p.b"]);
    bench.detector.stop();
    expect([bench.subjects, bench.clock.pending]).toEqual([[], 0]);
  });
});

describe("evidence", () => {
  it("18.6 silent: three probes in vain and 3.5 s of silence; it is said again every half second, and taken back when the accused is heard", () => {
    const bench = new Bench("a");
    bench.clock.advance(3_500);
    expect(bench.said).toEqual([]);
    bench.clock.advance(1_600);
    expect(bench.said).toEqual(["3750 a silent", "4250 a silent", "4750 a silent"]);
    bench.beat("a");
    expect(bench.said.at(-1)).toBe("5100 a lives");
    bench.clock.advance(1_000);
    expect(bench.said).toHaveLength(4);
  });

  it("18.6 witness: the server knows no listener, and after a second of grace still none", () => {
    const bench = new Bench("a");
    bench.answer = { kind: "no-responders" };
    bench.clock.advance(2_400);
    expect(bench.said).toEqual([]);
    bench.clock.advance(200);
    expect(bench.said).toEqual(["2500 a witness"]);
  });

  it("18.6 a listener that is back within the grace, or a heartbeat, ends it", () => {
    for (const comesBack of [(bench: Bench) => { bench.answer = { kind: "answer", data: encode({ incarnation: "a-1" }) }; }, (bench: Bench) => bench.beat("a")]) {
      const bench = new Bench("a");
      bench.answer = { kind: "no-responders" };
      bench.clock.advance(2_000);
      comesBack(bench);
      bench.clock.advance(1_000);
      expect(bench.said).toEqual([]);
    }
  });

  it("18.6 an answer of another incarnation is no sign of life of the one before", () => {
    const bench = new Bench("a");
    bench.answer = { kind: "answer", data: encode({ incarnation: "a-2" }) };
    bench.clock.advance(3_800);
    expect(bench.said).toEqual(["3750 a silent"]);
  });
});

describe("own health first", () => {
  it("18.6 one that the history has not heard accuses nobody", () => {
    const bench = new Bench("a");
    bench.isRenewed = false;
    bench.clock.advance(30_000);
    expect(bench.said).toEqual([]);
    bench.isRenewed = true;
    bench.clock.advance(1_000);
    expect(bench.said.length).toBeGreaterThan(0);
  });

  it("18.6 time in which it did not run or had no connection is no silence of others, and for 5 s after a stall it accuses nobody", () => {
    const bench = new Bench("a");
    bench.clock.stall(20_000);
    expect(bench.detector.isHealthy).toBe(false);
    bench.clock.advance(4_900);
    expect(bench.said).toEqual([]);
    bench.clock.advance(2_000);
    expect(bench.said.length).toBeGreaterThan(0);
    const cut = new Bench("a");
    cut.connected = false;
    cut.clock.advance(20_000);
    cut.connected = true;
    cut.clock.advance(3_000);
    expect(cut.said).toEqual([]);
  });
});

/** Bytes of trips and guests: what is asked of the carrier, how much at a time, and what the router is told of it. */
import type { Telemetry } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { MOVER_LIMITS } from "../limits.ts";
import { FakeCarrier, FakeHost } from "../testing/fake-host.ts";
import { digestOf, MiniHost } from "../testing/mini-host.ts";
import { mover } from "./mover.ts";

const { smallMax, largeMax, smallBytes, patienceMs, againMs } = MOVER_LIMITS;
const LETTERS = [..."abcdefghijklmnopqrst"].map((_, i) => i.toString(16).slice(-1));
const blob = (name: string, letter: string, bytes = 9, principal = "ann") => ({ name, principal, digest: digestOf(letter), bytes });

function setup(mini = new MiniHost(), telemetry?: Telemetry): { readonly host: FakeHost; readonly carrier: FakeCarrier } {
  const carrier = new FakeCarrier();
  return { carrier, host: new FakeHost(mover({ carrier, ...(telemetry === undefined ? {} : { telemetry }) }), mini) };
}

/** Guests of one cluster, a blob each. */
function offers(host: FakeHost, count: number, bytes: number, { from = 1, cluster = "far" } = {}): void {
  for (let i = 0; i < count; i++) host.after((mini) => mini.offer(from + i, { blobs: [blob("in", LETTERS[(from + i) % 16]!, bytes)] }, cluster));
}

describe("the mover", () => {
  it("OFF-TRN-02 OFF-TRN-03 looks at every input before the job is offered", () => {
    const { host, carrier } = setup();
    host.after((mini) => {
      mini.route("far");
      mini.handOver(1, { inputs: [blob("x", "a"), blob("y", "b")] });
    });
    expect(carrier.asked).toEqual(["check ann a", "check ann b"]);
    expect(host.mini.all("TripDispatched")).toHaveLength(1);
  });

  it("OFF-TRN-02 OFF-RET-02 brings every input before the job is given to its queue, and copies every output before it is on its way home", () => {
    const { host, carrier } = setup();
    host.after((mini) => mini.offer(5, { blobs: [blob("x", "a"), blob("y", "b")] }));
    expect(carrier.asked.splice(0)).toEqual(["bring far ann a to offload-guest", "bring far ann b to offload-guest"]);
    expect(host.mini.all("InputVerified")).toHaveLength(1);
    host.after((mini) => mini.send("guestEnded", { guest: 1, end: "succeeded", result: ["wendy", digestOf("c"), 9], outputs: [blob("out", "d", 9, "wendy")] }, "actor"));
    expect(carrier.asked).toEqual(["copy wendy c to offload-guest", "copy wendy d to offload-guest"]);
    expect(host.mini.all("GuestReturned")).toHaveLength(1);
  });

  it("OFF-RET-04 brings every output home before the job ends", () => {
    const { host, carrier } = setup();
    host.after((mini) => {
      mini.route("far");
      mini.handOver(1);
      mini.peer("return", { trip: 1, end: "succeeded", result: null, blobs: [blob("out", "c", 9, "offload-guest")], reason: null, error: null });
    });
    expect(carrier.asked).toEqual(["bring far offload-guest c to offload-import"]);
    expect(host.mini.all("TripEnded")).toMatchObject([{ how: "returned" }]);
  });

  it("OFF-TRN-09 stops at the first that cannot be had, tells what and why, and tries again when it is due", () => {
    const { host, carrier } = setup();
    carrier.isQuick = false;
    host.after((mini) => mini.offer(5, { blobs: [blob("x", "a"), blob("y", "b")] }));
    carrier.answer({ kind: "missing", message: "it is not there" });
    host.advance(0);
    expect(host.mini.all("GuestTroubled")).toMatchObject([{ step: "fetch", kind: "missing", message: "x: it is not there", failures: 1 }]);
    expect(carrier.asked).toEqual(["bring far ann a to offload-guest"]);
    host.advance(990);
    expect(carrier.asked).toHaveLength(1);
    host.advance(260);
    expect(carrier.asked).toHaveLength(2);
  });

  it("begins only when what owes it is stored", () => {
    const { host, carrier } = setup();
    host.isStoring = true;
    offers(host, 1, 9);
    expect(carrier.asked).toEqual([]);
    host.stored();
    expect(carrier.asked).toHaveLength(1);
  });

  it("OFF-TRN-25 goes on with what the state says after a fail-over in the middle, and the word of the host before changes nothing", () => {
    const { host, carrier } = setup();
    carrier.isQuick = false;
    offers(host, 2, 9);
    expect(carrier.open).toHaveLength(2);
    host.stop();
    host.mini.restart();
    const second = setup(host.mini);
    second.host.advance(0);
    expect(second.carrier.asked).toEqual(carrier.asked);
    carrier.answer();
    host.advance(0);
    expect(host.commands).toEqual([]);
    expect(second.host.commands.map(([verb, { guest }]) => [verb, guest])).toEqual([["moved", 1], ["moved", 2]]);
    expect(host.mini.all("InputVerified")).toHaveLength(2);
  });

  it("OFF-TRN-19 waits no longer than a bound for a carrier that never answers, and has it tried again", () => {
    const { host, carrier } = setup();
    carrier.isQuick = false;
    offers(host, 1, 64_000);
    host.advance(patienceMs + 999);
    expect(host.mini.all("GuestTroubled")).toEqual([]);
    host.advance(1);
    expect(host.mini.all("GuestTroubled")).toMatchObject([{ kind: "unreachable", message: expect.stringContaining("nothing was heard") }]);
    host.advance(1_250);
    expect(carrier.asked).toHaveLength(2);
    // The answer to the first question comes after all; the second one is waited for.
    carrier.answer();
    host.advance(0);
    expect(host.mini.all("InputVerified")).toEqual([]);
    carrier.answer();
    host.advance(0);
    expect(host.mini.all("InputVerified")).toHaveLength(1);
  });

  it("OFF-TRN-20 moves a few at a time for each cluster, the small ones not behind the large, nor one cluster's behind another's", () => {
    const { host, carrier } = setup();
    carrier.isQuick = false;
    offers(host, largeMax + 2, smallBytes + 1);
    offers(host, smallMax + 2, smallBytes, { from: 20 });
    expect(carrier.open).toHaveLength(largeMax + smallMax);
    offers(host, 1, 9, { cluster: "east" });
    expect(carrier.open).toHaveLength(largeMax + smallMax + 1);
    carrier.answer();
    host.advance(0);
    expect(carrier.asked).toHaveLength(largeMax + smallMax + 2);
    while (carrier.open.length > 0) {
      carrier.answer();
      host.advance(0);
    }
    expect(host.mini.all("InputVerified")).toHaveLength(largeMax + smallMax + 5);
  });

  it("does not tell of what nobody waits for any more", () => {
    const { host, carrier } = setup();
    carrier.isQuick = false;
    offers(host, 1, 9);
    host.after((mini) => mini.peer("cancel", { trip: 1, reason: "enough" }));
    carrier.answer();
    host.advance(0);
    expect(host.commands).toEqual([]);
  });

  it("says once that a cluster does not answer, and once that it does again", () => {
    const said: string[] = [];
    const { host, carrier } = setup(new MiniHost(), (event, { peer }) => void said.push(`${event} ${String(peer)}`));
    carrier.isQuick = false;
    offers(host, 2, 9);
    for (let i = 0; i < 2; i++) carrier.answer({ kind: "unreachable", message: "no answer" });
    host.advance(1_500);
    for (let i = 0; i < 2; i++) carrier.answer();
    expect(said).toEqual(["offload.unreached far", "offload.reached far"]);
  });
});

/** Guest 1 with a payload that nobody needs any more. */
function released(mini: MiniHost): void {
  mini.offer(1, { blobs: [blob("in", "a")] });
  mini.moved("fetch", 1);
  mini.send("guestEnded", { guest: 1, end: "succeeded" }, "actor");
  mini.peer("release", { trip: 1 });
}

describe("payload that nobody needs", () => {
  it("OFF-CLN-01 OFF-CLN-03 is removed once that is stored, and the router hears of it", () => {
    const { host, carrier } = setup();
    host.isStoring = true;
    host.after(released);
    expect(carrier.asked).toEqual([]);
    host.stored();
    expect(carrier.asked).toEqual(["remove offload-guest a"]);
    expect(host.mini.all("PayloadRemoved")).toEqual([{ type: "PayloadRemoved", digests: [digestOf("a")] }]);
  });

  it("OFF-CLN-08 is removed by the host that comes after, when the one before did not get to it", () => {
    const mini = new MiniHost();
    released(mini);
    const { host, carrier } = setup(mini);
    host.advance(0);
    expect(carrier.asked).toEqual(["remove offload-guest a"]);
  });

  it("OFF-CLN-05 is brought again for a guest that comes meanwhile, after it is gone", () => {
    const { host, carrier } = setup();
    carrier.isQuick = false;
    host.after(released);
    offers(host, 1, 9, { from: 10 });
    expect(carrier.asked).toEqual(["remove offload-guest a"]);
    carrier.answer();
    host.advance(0);
    expect(carrier.asked).toEqual(["remove offload-guest a", "bring far ann a to offload-guest"]);
  });

  it("is left alone by a host that cannot show that it still holds the history, and tried again where the store did not take it", () => {
    const { host, carrier } = setup();
    carrier.isQuick = false;
    host.sinceStoredMs = 6_000;
    host.after(released);
    expect(carrier.asked).toEqual([]);
    host.sinceStoredMs = 0;
    host.advance(againMs);
    carrier.answer({ kind: "unreachable", message: "away" });
    host.advance(againMs);
    expect(carrier.asked).toHaveLength(2);
    carrier.answer();
    expect(host.mini.all("PayloadRemoved")).toHaveLength(1);
  });
});

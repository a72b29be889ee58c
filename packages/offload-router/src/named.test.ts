/** Which payloads the router says it needs, to whoever removes what nobody needs. */
import { describe, expect, it } from "vitest";
import { OFFLOAD_LIMITS } from "./limits.ts";
import { digestOf, MiniHost } from "./testing/mini-host.ts";
import { GUEST_BLOBS, IMPORTED_BLOBS } from "./vocabulary.ts";

const blob = (name: string, letter: string, principal = "ann") => ({ name, principal, digest: digestOf(letter), bytes: 9 });
const isNamed = (host: MiniHost, principal: string, letter: string): boolean | undefined => host.ask<readonly boolean[]>("named", { blobs: [[principal, digestOf(letter)]] })[0];

/** Trip 1 has come home with an output that is to be imported. */
function returned(): MiniHost {
  const host = new MiniHost();
  host.route("far");
  host.handOver(1, { inputs: [blob("in", "a")] });
  host.moved("stage", 1);
  host.peer("answer", { trip: 1 });
  host.peer("return", { trip: 1, end: "succeeded", result: null, blobs: [blob("out", "b", GUEST_BLOBS)], reason: null, error: null });
  return host;
}

describe("a payload is named", () => {
  it("OFF-CLN-10 P12 at the origin: an input where its owner put it while the job is away, an output where it comes home", () => {
    const host = returned();
    expect([isNamed(host, "ann", "a"), isNamed(host, IMPORTED_BLOBS, "b"), isNamed(host, GUEST_BLOBS, "b"), isNamed(host, "bob", "a")]).toEqual([true, true, false, false]);
  });

  it("P12 after its trip has ended, until its queue has long heard of it", () => {
    const host = returned();
    host.moved("import", 1);
    expect([isNamed(host, "ann", "a"), isNamed(host, IMPORTED_BLOBS, "b")]).toEqual([false, true]);
    host.advance(OFFLOAD_LIMITS.endedNamedMs - 1);
    expect(isNamed(host, IMPORTED_BLOBS, "b")).toBe(true);
    host.advance(1);
    expect(isNamed(host, IMPORTED_BLOBS, "b")).toBe(false);
  });

  it("OFF-CLN-05 P12 at the worker under the router's own name, from the offer until the origin has let it go", () => {
    const host = new MiniHost();
    host.offer(5, { blobs: [blob("in", "a")] });
    expect([isNamed(host, GUEST_BLOBS, "a"), isNamed(host, "ann", "a")]).toEqual([true, false]);
    host.moved("fetch", 1);
    host.send("guestEnded", { guest: 1, end: "succeeded", outputs: [blob("out", "b")] }, "actor");
    host.moved("collect", 1);
    expect([isNamed(host, GUEST_BLOBS, "a"), isNamed(host, GUEST_BLOBS, "b")]).toEqual([true, true]);
    host.peer("release", { trip: 5 });
    expect([isNamed(host, GUEST_BLOBS, "a"), isNamed(host, GUEST_BLOBS, "b")]).toEqual([false, false]);
  });

  it("is asked after in lists of pairs, and nothing else", () => {
    expect(() => new MiniHost().ask("named", { blobs: [["ann"]] })).toThrow("digest");
    expect(() => new MiniHost().ask("named")).toThrow("blobs");
  });
});

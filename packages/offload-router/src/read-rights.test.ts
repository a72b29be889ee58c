/** What another cluster may read of this one's payloads. */
import { describe, expect, it } from "vitest";
import { ReadRights } from "./read-rights.ts";
import { digestOf, MiniHost } from "./testing/mini-host.ts";

const blob = (name: string, letter: string, principal = "ann") => ({ name, principal, digest: digestOf(letter), bytes: 9 });

function setup(): { readonly host: MiniHost; readonly may: (peer: string, letter: string) => string } {
  const host = new MiniHost();
  const rights = new ReadRights(() => host.state);
  return { host, may: (peer, letter) => rights.mayRead(peer, digestOf(letter))?.principal ?? "no" };
}

describe("another cluster may read", () => {
  it("the inputs of a job from when it is offered until it has come back, and nothing else", () => {
    const { host, may } = setup();
    host.route("far");
    host.handOver(1, { inputs: [blob("in", "a")] });
    expect(may("far", "a")).toBe("no");
    host.moved("stage", 1);
    expect([may("far", "a"), may("far", "b"), may("east", "a")]).toEqual(["ann", "no", "no"]);
    host.peer("answer", { trip: 1 });
    expect(may("far", "a")).toBe("ann");
    host.peer("return", { trip: 1, end: "succeeded", result: null, blobs: [], reason: null, error: null });
    expect(may("far", "a")).toBe("no");
  });

  it("the outputs of its guest from when it has returned until it lets it go", () => {
    const { host, may } = setup();
    host.offer(5, { blobs: [blob("in", "a")] });
    host.moved("fetch", 1);
    host.send("guestEnded", { guest: 1, end: "succeeded", outputs: [blob("out", "b", "wendy")] }, "actor");
    expect(may("far", "b")).toBe("no");
    host.moved("collect", 1);
    expect([may("far", "b"), may("far", "a"), may("east", "b")]).toEqual(["offload-guest", "no", "no"]);
    host.peer("release", { trip: 5 });
    expect(may("far", "b")).toBe("no");
  });

  it("what another job of its still names after the first one is back", () => {
    const { host, may } = setup();
    host.route("far");
    for (const job of [1, 2]) {
      host.handOver(job, { inputs: [blob("in", "a")] });
      host.moved("stage", job);
    }
    expect(may("far", "a")).toBe("ann");
    host.peer("return", { trip: 1, end: "succeeded", result: null, blobs: [], reason: null, error: null });
    expect(may("far", "a")).toBe("ann");
    host.restart();
    expect(may("far", "a")).toBe("ann");
  });
});

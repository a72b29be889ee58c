import { encode } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { digestOf } from "./digest.ts";
import { eventCodec } from "./event-codec.ts";
import type { JobQueueEvent } from "./events.ts";
import { publicEvent } from "./public-event.ts";
import { MiniHost } from "./testing/mini-host.ts";
import type { JobView, NamedBlobWire } from "./vocabulary.ts";
import { OUTCOME } from "./vocabulary.ts";

const TOPIC = "media/thumbnail";
const NIL = encode(null);
const digestFor = (letter: string): string => letter.repeat(64);
const blob = (name: string, letter: string, principal = "ann"): NamedBlobWire => [name, principal, digestFor(letter), 5];
const PHOTO = blob("photo.jpg", "a");
const MASK = blob("mask.png", "b");
const THUMB = blob("thumb.jpg", "c", "wendy");

function world(retries = 1): MiniHost {
  const host = new MiniHost();
  host.configure("media", { topics: ["media/*"], retries, retryDelayMs: 1_000 });
  host.join("i1", [{ topics: ["media/**"], slots: 9 }]);
  return host;
}

const ask = (host: MiniHost, question: Readonly<Record<string, unknown>>): unknown => host.actor.query(host.state, question, { role: "operate", principal: "ann" }, host.at);
const view = (host: MiniHost, job: number): JobView => ask(host, { ask: "job", id: `main.${host.state.job(job).id}` }) as JobView;
const named = (host: MiniHost, ...blobs: readonly NamedBlobWire[]): unknown => ask(host, { ask: "named", blobs: blobs.map(([, principal, digest]) => [principal, digest]) });
const objects = (...blobs: readonly NamedBlobWire[]): unknown => blobs.map(([name, principal, digest, bytes]) => ({ name, principal, digest, bytes }));

describe("inputs by name", () => {
  it("OFF-RUN-02 are kept, shown, and told to the worker with every attempt", () => {
    const host = world();
    const job = host.submit(TOPIC, { inputs: [PHOTO, MASK] });
    expect(host.told[0]?.item[6]).toMatchObject({ inputs: [PHOTO, MASK] });
    expect(view(host, job).inputs).toEqual(objects(PHOTO, MASK));
    host.fail(job);
    host.advance(1_000);
    expect(host.told.at(-1)?.item).toMatchObject([0, job, 2, expect.anything(), TOPIC, expect.anything(), { inputs: [PHOTO, MASK] }]);
  });

  it("a list of jobs shows them with payloads only", () => {
    const host = world();
    host.submit(TOPIC, { inputs: [PHOTO] });
    expect(ask(host, { ask: "find", payloads: true })).toMatchObject({ jobs: [{ inputs: objects(PHOTO) }] });
    expect((ask(host, { ask: "find" }) as { jobs: JobView[] }).jobs[0]).not.toHaveProperty("inputs");
  });

  it("a job without any has no more than before: no options in its event, nothing beside its record", () => {
    const host = world();
    host.submit(TOPIC, { inputs: [] });
    expect(host.events.find(({ type }) => type === "JobAccepted")).toMatchObject({ options: undefined });
    expect(host.state.job(1).extra).toBeUndefined();
    expect(view(host, 1)).not.toHaveProperty("inputs");
  });

  it("an id that comes again with another content, or under another name, is refused; in another order it is the same", () => {
    const host = world();
    host.submit(TOPIC, { id: "one", inputs: [PHOTO, MASK] });
    const again = (inputs?: readonly NamedBlobWire[]): unknown => host.send("submit", { topic: TOPIC, input: {}, id: "one", ...(inputs === undefined ? {} : { inputs }) }, "submit");
    expect(again([MASK, PHOTO])).toMatchObject({ kind: "accepted", answer: { deduplicated: expect.anything() }, events: [] });
    expect(again([PHOTO, blob("mask.png", "b", "bob")])).toMatchObject({ kind: "accepted", events: [] });
    for (const other of [undefined, [PHOTO], [PHOTO, blob("mask.png", "d")], [PHOTO, blob("other.png", "b")]]) {
      expect(again(other)).toMatchObject({ kind: "rejected", rejection: { code: "job/id-reused" } });
    }
  });

  it("an id that was remembered before there were inputs is still known", () => {
    expect(digestOf(encode({ a: 1 }))).toBe(903_660_172_941_171);
  });

  it("a retry has them, too", () => {
    const host = world();
    const job = host.submit(TOPIC, { inputs: [PHOTO] });
    host.outcome(job, "canceled", "no");
    host.send("retry", { id: `main.${host.state.job(job).id}` });
    expect(view(host, job + 1)).toMatchObject({ inputs: objects(PHOTO), cause: expect.anything() });
  });

  it.each([
    [[["a", "ann", digestFor("a"), 1, 2]], "inputs"],
    [["a"], "inputs"],
    [[["", "ann", digestFor("a"), 1]], "inputs.name"],
    [[["x".repeat(129), "ann", digestFor("a"), 1]], "inputs.name"],
    [[["a/b", "ann", digestFor("a"), 1]], "inputs.name"],
    [[["a\\b", "ann", digestFor("a"), 1]], "inputs.name"],
    [[["..", "ann", digestFor("a"), 1]], "inputs.name"],
    [[[".input", "ann", digestFor("a"), 1]], "inputs.name"],
    [[["a\nb", "ann", digestFor("a"), 1]], "inputs.name"],
    [[["a\ud800", "ann", digestFor("a"), 1]], "inputs.name"],
    [[PHOTO, PHOTO], "inputs.name"],
    [[["a", "an.n", digestFor("a"), 1]], "inputs.principal"],
    [[["a", "ann", "A".repeat(64), 1]], "inputs.digest"],
    [[["a", "ann", digestFor("a"), -1]], "inputs.bytes"],
    [[["a", "ann", digestFor("a"), 2 ** 41]], "inputs.bytes"],
    [Array.from({ length: 101 }, (_, i) => [`n${i}`, "ann", digestFor("a"), 1]), "inputs"],
    [{ a: 1 }, "inputs"],
  ])("what is malformed is refused by its field: %j", (inputs, field) => {
    expect(world().send("submit", { topic: TOPIC, input: {}, inputs }, "submit")).toMatchObject({ kind: "malformed", malformed: { field, remedy: expect.stringContaining("must be") } });
  });

  it("names are anything else, up to a hundred of them", () => {
    const host = world();
    const inputs = ["Foto von Ömer.jpg", "写真", "a b-c_d..e", ...Array.from({ length: 97 }, (_, i) => `n${i}`)].map((name) => blob(name, "a"));
    expect(view(host, host.submit(TOPIC, { inputs })).inputs).toHaveLength(100);
  });
});

describe("outputs by name", () => {
  it("are part of the end: of a success, of a last failure, of a cancelation", () => {
    const host = world(0);
    const [done, failed, canceled] = [host.submit(TOPIC), host.submit(TOPIC), host.submit(TOPIC)];
    host.outcome(done, "succeeded", NIL, null, [THUMB]);
    host.outcome(failed, "failed", { name: "Error", message: "no" }, null, [THUMB]);
    host.outcome(canceled, "canceled", "never", [THUMB]);
    expect([done, failed, canceled].map((job) => [view(host, job).state, view(host, job).outputs])).toEqual([["succeeded", objects(THUMB)], ["given-up", objects(THUMB)], ["error", objects(THUMB)]]);
  });

  it("OFF-RET-16 those of a failed attempt that is followed by another are let go, those of the last are kept", () => {
    const host = world(1);
    const job = host.submit(TOPIC);
    host.outcome(job, "failed", { name: "Error", message: "no" }, null, [blob("half.jpg", "d", "wendy")]);
    expect(named(host, blob("half.jpg", "d", "wendy"))).toEqual([false]);
    host.advance(1_000);
    host.outcome(job, "failed", { name: "Error", message: "no" }, null, [THUMB]);
    expect(view(host, job)).toMatchObject({ state: "given-up", outputs: objects(THUMB) });
  });

  it("a message without them is what it was", () => {
    const host = world();
    const job = host.submit(TOPIC);
    host.outcome(job, "succeeded", NIL, null, []);
    const ended = host.events.find(({ type }) => type === "JobEnded")!;
    expect(ended).not.toHaveProperty("outputs");
    expect(eventCodec.encode(ended)).toHaveLength(5);
  });

  it("malformed ones are refused by their field", () => {
    const host = world();
    const job = host.submit(TOPIC);
    for (const details of [["succeeded", NIL, null, [["a/b", "wendy", digestFor("a"), 1]]], ["canceled", "no", [THUMB, THUMB]]] as const) {
      const [kind, ...words] = details;
      expect(host.outcome(job, kind, ...words)).toMatchObject({ kind: "malformed", malformed: { field: "outputs.name" } });
    }
    expect(host.stateOf(job)).toBe("active");
  });
});

describe("the sweep", () => {
  it("sees inputs and outputs as named for as long as their job is there, and twice named until both are gone", () => {
    const host = world();
    const [one, two] = [host.submit(TOPIC, { inputs: [PHOTO, MASK] }), host.submit(TOPIC, { inputs: [PHOTO] })];
    host.outcome(one, "succeeded", NIL, null, [THUMB]);
    expect(named(host, PHOTO, MASK, THUMB, blob("x", "e"), blob("photo.jpg", "a", "bob"))).toEqual([true, true, true, false, false]);
    host.restart();
    expect(named(host, PHOTO, MASK, THUMB)).toEqual([true, true, true]);
    host.send("remove", { id: `main.${host.state.job(one).id}` });
    expect(named(host, PHOTO, MASK, THUMB)).toEqual([true, false, false]);
    host.succeed(two);
    host.send("remove", { id: `main.${host.state.job(two).id}` });
    expect(named(host, PHOTO)).toEqual([false]);
  });

  it("P8 a snapshot keeps them to the byte", () => {
    const host = world();
    host.submit(TOPIC, { inputs: [PHOTO] });
    host.outcome(host.submit(TOPIC), "succeeded", NIL, null, [THUMB]);
    const before = host.digest();
    host.restart();
    expect(host.digest()).toBe(before);
    expect(view(host, 2).outputs).toEqual(objects(THUMB));
  });
});

describe("another cluster", () => {
  const away = (): MiniHost => {
    const host = new MiniHost();
    host.send("route", { cluster: "far", pools: [{ topics: ["media/*"], slots: 2 }] }, "actor", "host");
    return host;
  };

  it("OFF-TRN-02 is handed the inputs, and gives outputs back with the end", () => {
    const host = away();
    const job = host.submit(TOPIC, { inputs: [PHOTO] });
    expect(host.sent).toMatchObject([["handover", { job, inputs: objects(PHOTO) }]]);
    host.send("outcome", [job, 1, OUTCOME.ended, "succeeded", NIL, null, null, [blob("thumb.jpg", "c", "offload-import")]], "actor", "host");
    expect(view(host, job)).toMatchObject({ state: "succeeded", outputs: objects(blob("thumb.jpg", "c", "offload-import")) });
  });

  it("OFF-RUN-02 sends jobs with inputs, which are told to workers here, and is told what they left", () => {
    const host = world();
    const inputs = [blob("photo.jpg", "a", "offload-guest")];
    host.send("guest", { guest: 4, origin: "home", id: "home-9", topic: TOPIC, input: NIL, inputs, options: { retries: 0 } }, "actor", "host");
    expect(host.told[0]?.item[6]).toMatchObject({ inputs });
    expect(named(host, inputs[0]!)).toEqual([true]);
    host.outcome(1, "failed", { name: "Error", message: "no" }, null, [THUMB]);
    expect(host.sent.at(-1)).toMatchObject(["guestEnded", { guest: 4, end: "given-up", outputs: objects(THUMB) }]);
  });

  it("a guest whose inputs cannot be read is refused in the history", () => {
    const host = world();
    host.send("guest", { guest: 4, origin: "home", id: "home-9", topic: TOPIC, input: NIL, inputs: [["../a", "x", digestFor("a"), 1]] }, "actor", "host");
    expect(host.sent).toMatchObject([["guestRefused", { guest: 4, message: expect.stringContaining("inputs.name") }]]);
  });
});

it("the world outside sees names, sizes and digests, and not whose they are", () => {
  const names = { job: () => undefined, member: () => undefined };
  const accepted: JobQueueEvent = { type: "JobAccepted", job: 1, id: "x", topic: TOPIC, queue: "main", input: NIL, principal: "ann", options: { inputs: [PHOTO] } };
  const ended: JobQueueEvent = { type: "JobEnded", job: 1, state: "succeeded", attempt: 1, result: undefined, reason: undefined, error: undefined, outputs: [THUMB] };
  expect(publicEvent(accepted, { commit: 1, at: 2 }, names)["inputs"]).toEqual([{ name: "photo.jpg", digest: digestFor("a"), bytes: 5 }]);
  expect(publicEvent(ended, { commit: 1, at: 2 }, names)["outputs"]).toEqual([{ name: "thumb.jpg", digest: digestFor("c"), bytes: 5 }]);
});

import type { Msg } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import type { CallAnswer } from "./calls.ts";
import { apiAnswer, appendAnswer, faultOf, readFailure, storeAnswer } from "./faults.ts";

/** An answer of the server with this JSON in it. */
const said = (body: unknown): CallAnswer => ({ kind: "answer", message: { data: new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body)) } as Msg });
const refused = (code: number): CallAnswer => said({ error: { code: 400, err_code: code, description: "planted" } });

describe("the answer to an append", () => {
  it.each<[string, CallAnswer, unknown]>([
    ["stored", said({ stream: "S", seq: 7 }), { kind: "stored", version: 7 }],
    ["a repeat by message id is no proof", said({ stream: "S", seq: 0, duplicate: true }), { kind: "doubt", cause: "timeout" }],
    ["another commit is last", refused(10_071), { kind: "doubt", cause: "conflict" }],
    ["another commit is under way", refused(10_164), { kind: "doubt", cause: "conflict" }],
    ["the stream is full", refused(10_077), { kind: "doubt", cause: "full" }],
    ["the storage is full", refused(10_023), { kind: "doubt", cause: "full" }],
    ["the account is full", refused(10_047), { kind: "doubt", cause: "full" }],
    ["too many at once", refused(10_167), { kind: "doubt", cause: "full" }],
    ["an error nobody knows", refused(12_345), { kind: "doubt", cause: "unavailable" }],
    ["not JSON", said("nonsense"), { kind: "doubt", cause: "timeout" }],
    ["no answer", { kind: "timeout" }, { kind: "doubt", cause: "timeout" }],
    ["no connection", { kind: "down" }, { kind: "doubt", cause: "unavailable" }],
    ["nobody listens", { kind: "no-responders" }, { kind: "doubt", cause: "unavailable" }],
    ["larger than the stream takes", refused(10_054), { kind: "stop", cause: "too-large" }],
    ["larger than the server takes", { kind: "too-large" }, { kind: "stop", cause: "too-large" }],
    ["another stream has the subject", refused(10_060), { kind: "stop", cause: "no-stream" }],
    ["no permission", { kind: "denied" }, { kind: "stop", cause: "denied" }],
  ])("%s", (_, answer, expected) => {
    expect(appendAnswer(answer)).toEqual(expected);
  });
});

describe("the answer to storing", () => {
  it.each<[string, CallAnswer, unknown]>([
    ["stored", said({ stream: "S", seq: 7 }), { kind: "stored", sequence: 7 }],
    ["full", refused(10_077), { kind: "refused", cause: "full" }],
    ["no stream", { kind: "no-responders" }, { kind: "refused", cause: "no-stream" }],
    ["no permission", { kind: "denied" }, { kind: "refused", cause: "denied" }],
    ["no answer", { kind: "timeout" }, { kind: "unknown" }],
    ["no connection", { kind: "down" }, { kind: "unknown" }],
    ["an error nobody knows", refused(12_345), { kind: "unknown" }],
  ])("%s", (_, answer, expected) => {
    expect(storeAnswer(answer)).toEqual(expected);
  });

  it("of several servers that nobody takes may be without a leader for a moment", () => {
    expect(storeAnswer({ kind: "no-responders" }, true)).toEqual({ kind: "refused", cause: "no-leader" });
    expect(storeAnswer({ kind: "denied" }, true)).toEqual({ kind: "refused", cause: "denied" });
  });
});

describe("a failed reading", () => {
  it.each<[string, CallAnswer, string]>([
    ["no message", refused(10_037), "absent"],
    ["no stream", refused(10_059), "no-stream"],
    ["no permission", { kind: "denied" }, "denied"],
    ["no answer", { kind: "timeout" }, "unavailable"],
    ["temporarily", refused(10_008), "unavailable"],
  ])("%s", (_, answer, expected) => {
    const api = apiAnswer(answer);
    expect(api.kind !== "ok" && readFailure(api)).toBe(expected);
  });
});

describe("a fault", () => {
  it.each<[string, CallAnswer, string]>([
    ["nats/no-jetstream", refused(10_039), "nats.conf"],
    ["nats/no-jetstream", { kind: "no-responders" }, "nats.conf"],
    ["nats/storage-full", refused(10_047), "max_file_store"],
    ["nats/no-stream", refused(10_059), "setup"],
    ["nats/denied", { kind: "denied" }, "role"],
    ["nats/unavailable", { kind: "timeout" }, "no answer"],
    ["nats/refused", refused(12_345), "planted"],
  ])("%s says what is wrong and what helps", (code, answer, words) => {
    const api = apiAnswer(answer);
    if (api.kind === "ok") throw new Error("not a failure");
    expect(faultOf("looking", api)).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(faultOf("looking", api).message).toMatch(/^looking: /);
  });
});

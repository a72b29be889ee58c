import { describe, expect, it, vi } from "vitest";
import type { CallAnswer } from "./calls.ts";
import type { Connection } from "./connect.ts";
import { verify } from "./provision.ts";

const said = (body: unknown): CallAnswer => ({ kind: "answer", message: { data: new TextEncoder().encode(JSON.stringify(body)) } as never });
const absent = said({ error: { code: 404, err_code: 10_059, description: "stream not found" } });
const noLeader = said({ error: { code: 503, err_code: 10_008, description: "JetStream system temporarily unavailable" } });

/** A connection over which JetStream gives each stream these answers in turn, the last of them for ever. */
function connection(...answers: readonly CallAnswer[]): Connection {
  const asked = new Map<string, number>();
  const request = (subject: string, _data: Uint8Array, _options: object, done: (answer: CallAnswer) => void): void => {
    const times = asked.get(subject) ?? 0;
    asked.set(subject, times + 1);
    done(answers[Math.min(times, answers.length - 1)]!);
  };
  return { calls: { request } } as unknown as Connection;
}

describe("looking at the streams", () => {
  it("waits while JetStream chooses a leader", async () => {
    vi.useFakeTimers();
    const verified = verify(connection({ kind: "no-responders" }, noLeader, { kind: "timeout" }, absent), { cluster: "c" });
    await vi.advanceTimersByTimeAsync(2_000);
    vi.useRealTimers();
    expect(new Set((await verified).findings.map(({ what }) => what))).toEqual(new Set(["missing"]));
  });

  it("waits with a bound, and says what it waited for", async () => {
    vi.useFakeTimers();
    const verified = verify(connection({ kind: "no-responders" }), { cluster: "c", withinMs: 5_000 }).catch((fault: unknown) => fault);
    await vi.advanceTimersByTimeAsync(6_000);
    vi.useRealTimers();
    expect(await verified).toMatchObject({ code: "nats/unavailable", message: expect.stringContaining("has no leader"), remedy: expect.stringContaining("more than half of the servers") });
  });

  it("does not wait for what will not pass", async () => {
    const off = said({ error: { code: 503, err_code: 10_039, description: "JetStream not enabled for account" } });
    await expect(verify(connection(off), { cluster: "c" })).rejects.toMatchObject({ code: "nats/no-jetstream" });
  });
});

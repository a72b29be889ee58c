/** P14: the role hello is the host's own word, except where the actor hears instances itself. */
import { jobQueue } from "@longshore/job-queue";
import type { WireAnswer } from "@longshore/kernel";
import { decodeCommit, decodeTrusted, encode, Host, subjectsOf } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import { MemoryServer } from "../memory/server.ts";
import { VirtualClock } from "../memory/virtual-clock.ts";

const SUBJECTS = subjectsOf("t");
const JOIN = { instance: "i", incarnation: "i-1", principal: "mallory", processors: 64, pools: [{ topics: ["a"], slots: 1_000 }] };

function setup() {
  const clock = new VirtualClock();
  const server = new MemoryServer({ cluster: "t", clock, startedAt: 1_700_000_000_000 });
  const actor = jobQueue({ cluster: "t", shard: "main" });
  const host = new Host(actor, server.hostPorts("job-queue", "main", "host"), { cluster: "t", actor: "main", instance: "h", principal: "host", incarnation: "h-1", software: "test" });
  host.open();
  expect(clock.runUntil(() => host.isServing)).toBe(true);
  /** What somebody outside is answered who says it under this subject. */
  const answer = (subject: string, message: unknown): unknown => {
    const answers: WireAnswer[] = [];
    server.wire("mallory").request(subject, encode(message), 2_000, (one) => answers.push(one));
    clock.runUntil(() => answers.length > 0);
    const [first] = answers;
    return first?.kind === "answer" ? decodeTrusted(first.data) : first;
  };
  return { clock, server, host, answer };
}

describe("JobQueue hears no hello from outside", () => {
  test.each([["join", JOIN], ["leave", { instance: "i", incarnation: "i-1" }], ["topics", { instance: "i", incarnation: "i-1", disabled: ["a"] }], ["want", { revision: 1, queues: [] }]])(
    "P14 %s under the role hello is refused for its subject, and changes nothing", (verb, item) => {
      const { host, answer } = setup();
      const { number } = host.current.kernel;
      expect(answer(SUBJECTS.command("job-queue", "main", "hello", "mallory"), { [verb]: [item] })).toMatchObject({ error: { code: "subject/unknown" } });
      expect(host.current.kernel.number).toBe(number);
    });

  test("P14 the same word under every other role is refused for its verb", () => {
    const { answer } = setup();
    for (const role of ["submit", "outcome", "operate"] as const) {
      expect(answer(SUBJECTS.command("job-queue", "main", role, "mallory"), { join: [JOIN] })).toMatchObject({ rejected: [[0, "command/not-allowed", expect.any(String), { field: "join" }]] });
    }
  });

  test("P14 a question under the role hello is refused too", () => {
    const { answer } = setup();
    expect(answer(SUBJECTS.query("job-queue", "main", "hello", "mallory"), { ask: "queues" })).toMatchObject({ error: { code: "subject/unknown" } });
  });

  test("P14 what is stored in the inbox under the role hello leaves a recorded refusal, and nobody has joined", () => {
    const { clock, server, host, answer } = setup();
    const subject = SUBJECTS.inbox("job-queue", "main", "hello", "mallory");
    expect(server.bus.streamOf(subject)!.store(subject, encode({ join: [JOIN] })).kind).toBe("stored");
    clock.advance(5_000);
    expect(host.isServing).toBe(true);
    const recorded = server.journal("job-queue", "main").commits().flatMap(({ bytes }) => decodeCommit(bytes).events).map((event) => JSON.stringify(event));
    expect(recorded.filter((event) => /subject\/unknown|command\/not-allowed/.test(event))).toHaveLength(1);
    expect(answer(SUBJECTS.query("job-queue", "main", "operate", "ann"), { ask: "instances" })).toMatchObject({ answer: [] });
  });
});

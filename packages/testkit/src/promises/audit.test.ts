/** Each checker passes a good history and goes red on a planted bad one. */
import type { JobQueueEvent, Placement } from "@longshore/job-queue";
import { describe, expect, test } from "vitest";
import { sha256 } from "../memory/hash.ts";
import { Audit, audit } from "./audit.ts";
import { accepted, ended, failed, HistoryBuilder, joined, position, started } from "./history-builder.ts";
import type { Logs, WorkerEntry } from "./logs.ts";
import type { AuditReport, PromiseId } from "./report.ts";

const options = { shard: "main", hash: sha256 };
const check = ({ commits }: HistoryBuilder, logs?: Logs): AuditReport => audit(commits, options, logs);
const promises = (report: AuditReport): readonly PromiseId[] => [...new Set(report.violations.map(({ promise }) => promise))];

/** A history in which everything happens that may. */
function good(): HistoryBuilder {
  const history = HistoryBuilder.begun();
  history.commit({ type: "QueueConfigured", queue: "letters", config: { topics: ["mail/letters"], type: "ordered" } });
  history.write([accepted(1), started(1), { type: "SessionAdvanced", session: "a/b", from: 0, to: 0, firstUnanswered: 0, notAfter: 9e12 }], { inbox: [position(3)] });
  history.commit(accepted(2), accepted(3, "letters"), accepted(4, "letters"), started(3), failed(1, 1, history.at + 50));
  history.write([ended(2, 0, "stopped"), ended(3), started(4)], { inbox: [position(3, 2)] });
  history.wait(100).write([{ type: "JobsDue", count: 1 }, started(1, 2), { type: "JobStopRequested", job: 4, reason: "x" }], { inbox: [position(4)] });
  history.open().commit({ type: "InstanceLeft", member: 1, reason: "silent" }, failed(1, 2, history.at, "lost"), ended(4, 1, "stopped"), joined(2, "w1"));
  history.commit(started(1, 3, 2), { type: "MessageReceived", sender: "s", number: 1 }, { type: "MessageReceived", sender: "s", number: 2 });
  return history.commit(ended(1, 3), { type: "EndedExpired", count: 2 }, { type: "JobRemoved", job: 4 });
}

const placedIn = (placement: Placement): JobQueueEvent => ({ type: "QueueConfigured", queue: "l", config: { topics: ["mail/*"], placement } });
const addedBy = (job: number, creator: string): JobQueueEvent => ({ ...accepted(job, "l"), options: { creator } }) as JobQueueEvent;

describe("a good history", () => {
  test("may have a job beside its creator where that is not there, and on the leading instance", () => {
    const history = HistoryBuilder.begun().commit(joined(2, "w2"), placedIn("creator"), addedBy(1, "gone"), started(1, 1, 2), addedBy(2, "w1"), started(2));
    history.commit(ended(1), ended(2), placedIn("leader"), { type: "InstancesRanked", instances: ["w2", "w1"] }, accepted(3, "l"), started(3, 1, 2));
    expect(check(history).violations).toEqual([]);
  });

  test("has no violation, and says what it could not judge", () => {
    const report = check(good());
    expect(report.violations).toEqual([]);
    expect(report.judged).toEqual(["P2", "P3", "P4", "P5", "P6", "P7", "P9"]);
    expect(report.notJudged.map(({ promise }) => promise)).toEqual(["P1", "P8", "P10", "P11", "P12", "P13", "P14"]);
  });

  test("is judged from a snapshot at any commit as from its start", async () => {
    const { History } = await import("@longshore/kernel");
    const { jobQueue } = await import("@longshore/job-queue");
    const { commits } = good();
    for (let cut = 1; cut < commits.length; cut++) {
      const history = new History(jobQueue({ cluster: "t", shard: "main" }), sha256);
      for (const commit of commits.slice(0, cut)) history.fold(commit);
      const report = audit(commits.slice(cut), { ...options, horizon: history.snapshot() });
      expect(report.violations, `cut after commit ${cut}`).toEqual([]);
      expect(report.commits).toBe(commits.length - cut);
    }
  });
});

describe("a planted violation", () => {
  const begun = (): HistoryBuilder => HistoryBuilder.begun().commit(accepted(1), started(1));
  const ordered = (): HistoryBuilder => HistoryBuilder.begun()
    .commit({ type: "QueueConfigured", queue: "o", config: { topics: ["*"], type: "ordered" } }, accepted(1, "o"), accepted(2, "o"), started(1));
  const limited = (config: object): HistoryBuilder => HistoryBuilder.begun()
    .commit({ type: "QueueConfigured", queue: "l", config: { topics: ["*"], ...config } }, accepted(1, "l"), accepted(2, "l"), accepted(3, "l"), started(1));

  test.each<[PromiseId, string, () => HistoryBuilder]>([
    ["P2", "a second end", () => begun().commit(ended(1), ended(1))],
    ["P2", "an attempt after the end", () => begun().commit(ended(1), started(1, 2))],
    ["P2", "an end of a job that never was", () => begun().commit(ended(9))],
    ["P2", "a stop asked for after the end", () => begun().commit(ended(1), { type: "JobStopRequested", job: 1, reason: "x" })],
    ["P2", "an end of a job that has left the history", () => begun().commit(ended(1), { type: "JobRemoved", job: 1 }, ended(1))],
    ["P2", "a job removed while it runs", () => begun().commit({ type: "JobRemoved", job: 1 })],
    ["P2", "a job number left out", () => begun().commit(accepted(3))],
    ["P2", "more expired than there are", () => begun().commit(ended(1), { type: "EndedExpired", count: 2 })],
    ["P2", "a running job stopped unasked", () => begun().commit(ended(1, 1, "stopped"))],
    ["P3", "a second live attempt", () => begun().commit(started(1, 2))],
    ["P3", "an attempt number left out", () => begun().commit(failed(1, 1, 0), started(1, 3))],
    ["P3", "an attempt number again", () => begun().commit(failed(1, 1, 0), started(1, 1))],
    ["P3", "an attempt on a member that has left", () => HistoryBuilder.begun().commit({ type: "InstanceLeft", member: 1, reason: "x" }, accepted(1), started(1))],
    ["P3", "an instance joined twice", () => begun().commit(joined(2, "w1"))],
    ["P4", "an outcome of an attempt that was superseded", () => begun().commit(failed(1, 1, 0), started(1, 2), failed(1, 1, 0))],
    ["P4", "an end by an attempt that was superseded", () => begun().commit(failed(1, 1, 0), started(1, 2), ended(1, 1))],
    ["P4", "a success although nothing runs", () => begun().commit(failed(1, 1, 9e12), ended(1))],
    ["P4", "progress of an attempt that is over", () => begun().commit(failed(1, 1, 0), { type: "JobProgressed", job: 1, attempt: 1, fraction: 1, message: null })],
    ["P5", "an ordered job started past its head", () => ordered().commit(failed(1, 1, 0), started(2))],
    ["P5", "two live attempts in an ordered queue", () => ordered().commit(started(2))],
    ["P5", "an ordered job started too soon after one was lost", () => ordered().commit({ type: "InstanceLeft", member: 1, reason: "x" }, joined(2, "w2"), failed(1, 1, 0, "lost")).wait(19_000).commit(started(1, 2, 2))],
    ["P5", "an ordered job started too soon after a running one was dropped", () => ordered().commit(ended(1, 1, "dropped")).wait(10_000).commit(started(2))],
    ["P6", "more than the slots of a pool", () => begun().commit(accepted(2), accepted(3), started(2), started(3))],
    ["P6", "more than the queue's limit on an instance", () => limited({ maxParallel: 1 }).commit(started(2))],
    ["P6", "more than a share of the processors", () => limited({ maxParallel: 0.3 }).commit(started(2))],
    ["P6", "a start on another instance than the job's creator, which is there", () => HistoryBuilder.begun().commit(joined(2, "w2"), placedIn("creator"), addedBy(1, "w1"), started(1, 1, 2))],
    ["P6", "a start on another instance than the leading one", () => HistoryBuilder.begun().commit(joined(2, "w2"), placedIn("leader"), { type: "InstancesRanked", instances: ["w2", "w1"] }, accepted(1, "l"), started(1))],
    ["P6", "a start on another instance than the one that has been there longest", () => HistoryBuilder.begun().commit(joined(2, "w2"), placedIn("leader"), accepted(1, "l"), started(1, 1, 2))],
    ["P6", "a start in a suspended queue", () => limited({}).commit({ type: "QueueSuspended", queue: "l" }, started(2))],
    ["P6", "a start on an instance that drains", () => begun().commit(accepted(2), { type: "InstanceDraining", member: 1 }, started(2))],
    ["P6", "a start before its instant", () => HistoryBuilder.begun().commit(accepted(1, "main", 9_000_000), started(1))],
    ["P6", "a retry before its instant", () => { const history = begun(); return history.commit(failed(1, 1, history.at + 5_000)).commit(started(1, 2)); }],
    ["P6", "a start in a pool that does not take the topic", () => HistoryBuilder.begun().commit({ ...accepted(1), topic: "other/thing" } as never, started(1))],
    ["P6", "a start in a pool that is not offered", () => HistoryBuilder.begun().commit(accepted(1), started(1, 1, 1, 3))],
    ["P7", "a commit number left out", () => begun().write([], { number: 17 })],
    ["P7", "a broken chain", () => begun().write([], { previous: new Uint8Array(32) })],
    ["P7", "an older epoch after a newer one", () => begun().open().write([], { epoch: 1 })],
    ["P7", "an epoch that nobody opened", () => begun().write([], { epoch: 2 })],
    ["P7", "an epoch opened twice", () => begun().open({ epoch: 1 })],
    ["P7", "an epoch left out", () => begun().open({ epoch: 5 })],
    ["P7", "two writers of one epoch", () => begun().write([], { host: "zombie" })],
    ["P7", "time that goes back", () => begun().write([], { at: 5 })],
    ["P7", "a version that does not grow", () => begun().write([], { version: 4 })],
    ["P9", "an inbox position that goes back", () => begun().write([], { inbox: [position(5)] }).write([], { inbox: [position(4)] })],
    ["P9", "an inbox position twice", () => begun().write([], { inbox: [position(5)] }).write([], { inbox: [position(5)] })],
    ["P9", "items of an inbox message again", () => begun().write([], { inbox: [position(5, 3)] }).write([], { inbox: [position(5, 2)] })],
    ["P9", "an inbox command before its place", () => begun().write([inboxRejection(4)], { inbox: [position(3)] })],
    ["P9", "an inbox command again", () => begun().write([inboxRejection(4)], { inbox: [position(4)] }).write([inboxRejection(4)], { inbox: [position(5)] })],
    ["P9", "one inbox command with two outcomes", () => begun().write([inboxRejection(4), inboxRejection(4)], { inbox: [position(4)] })],
    ["P9", "a message of a link left out", () => begun().commit({ type: "MessageReceived", sender: "s", number: 2 })],
    ["P9", "a message of a link twice", () => begun().commit({ type: "MessageReceived", sender: "s", number: 1 }, { type: "MessageReceived", sender: "s", number: 1 })],
    ["P9", "a message of a broken link", () => begun().commit({ type: "LinkBroken", sender: "s", expected: 1, got: 3 }, { type: "MessageReceived", sender: "s", number: 1 })],
    ["P9", "an acknowledgement that goes back", () => begun().write([], { outboxAcked: [["r", 5]] }).write([], { outboxAcked: [["r", 4]] })],
    ["P9", "an id accepted twice", () => begun().commit({ ...accepted(2), id: "j1" } as never)],
  ])("of %s, %s, is found", (promise, _name, plant) => {
    const report = check(plant());
    expect(promises(report)).toContain(promise);
    expect(report.violations.find((found) => found.promise === promise)!.position.commit).toBeGreaterThan(0);
  });

  test.each<[string, () => HistoryBuilder, boolean]>([
    ["a ready job beside a free slot", () => HistoryBuilder.begun().commit(accepted(1)), true],
    ["a job whose worker has left", () => begun().commit({ type: "InstanceLeft", member: 1, reason: "x" }), true],
    ["a job whose worker runs it", begun, false],
    ["a job before its instant", () => HistoryBuilder.begun().commit(accepted(1, "main", 9e12)), false],
    ["a job in a suspended queue", () => HistoryBuilder.begun().commit(accepted(1), { type: "QueueSuspended", queue: "main" }), false],
    ["a job nobody can do", () => new HistoryBuilder().open().commit(accepted(1)), false],
    ["a job behind another in an ordered queue", ordered, false],
    ["a job without a free slot", () => begun().commit(accepted(2), started(2), accepted(3)), false],
  ])("%s at rest waits for nothing with a name: %s", (_name, plant, isViolation) => {
    const history = plant();
    const pass = new Audit(options);
    for (const commit of history.commits) pass.add(commit);
    expect(promises(pass.finish({ atRest: history.at }))).toEqual(isViolation ? ["P2"] : []);
  });
});

const inboxRejection = (sequence: number, index = 0) =>
  ({ type: "CommandRejected", source: { kind: "inbox", stream: "LS_t_INBOX", sequence, index }, code: "c", message: "m", detail: undefined }) as const;

describe("against the logs", () => {
  const run = (change: Partial<WorkerEntry>): WorkerEntry => ({ at: 0, incarnation: "w1-1", phase: "start", job: 1, attempt: 1, ...change });
  const end = run({ phase: "end", outcome: "succeeded", result: new Uint8Array([0xc0]) });
  const add = { at: 0, client: "c", operation: 1, verb: "add", id: "j1" } as const;
  const history = (): HistoryBuilder => HistoryBuilder.begun().commit(accepted(1), started(1)).commit(ended(1));
  const two = (): HistoryBuilder => history().commit(accepted(2), started(2));
  const good: Logs = {
    clients: [{ ...add, phase: "invoke" }, { ...add, phase: "ok" }], workers: [run({}), end],
    results: [{ at: 0, client: "c", id: "j1", state: "succeeded", attempt: 1, result: new Uint8Array([0xc0]) }],
  };
  const invoke = { ...add, phase: "invoke" } as const;

  test("a good run has no violation and judges P1", () => {
    const report = check(history(), good);
    expect(report.violations).toEqual([]);
    expect(report.judged).toContain("P1");
  });

  test.each<[PromiseId, string, Partial<Logs>]>([
    ["P1", "an add that resolved and is not there", { clients: [...good.clients, { ...add, id: "j7", phase: "invoke" }, { ...add, id: "j7", phase: "ok" }] }],
    ["P1", "an inbox add that is neither accepted nor rejected", { clients: [...good.clients, { ...add, id: "j7", phase: "invoke" }, { ...add, id: "j7", phase: "ok", stored: { stream: "LS_t_INBOX", sequence: 4 } }] }],
    ["P1", "an add that failed for sure and is there", { clients: [invoke, { ...add, phase: "fail" }] }],
    ["P1", "a job that nobody had added", { clients: [] }],
    ["P2", "a result that was not recorded", { results: [{ ...good.results[0]!, state: "stopped" }] }],
    ["P2", "a result with other bytes", { results: [{ ...good.results[0]!, result: new Uint8Array([1]) }] }],
    ["P3", "an execution that is not recorded", { workers: [...good.workers, run({ attempt: 2 })] }],
    ["P3", "an execution by another than it was given to", { workers: [...good.workers, run({ incarnation: "w9" })] }],
    ["P3", "an attempt executed twice", { workers: [run({}), ...good.workers] }],
    ["P4", "a success that no worker gave", { workers: [run({})] }],
    ["P4", "a result that no worker gave", { workers: [run({}), { ...end, result: new Uint8Array([7]) }] }],
  ])("%s: %s is found", (promise, _name, change) => {
    expect(promises(check(history(), { ...good, ...change }))).toContain(promise);
  });

  test("two executions at a time in one ordered queue are found", () => {
    const clients = [...good.clients, { ...invoke, id: "j2" }];
    const workers = [run({ exclusive: true }), run({ exclusive: true, job: 2 }), end];
    expect(promises(check(two(), { ...good, clients, workers }))).toEqual(["P5"]);
  });

  test("an execution that its handler would not let go of is excused", () => {
    const workers = [run({ exclusive: true, excused: true }), run({ exclusive: true, job: 2 })];
    expect(promises(check(two(), { ...good, workers: [...workers, end] }))).not.toContain("P5");
  });

  test("an inbox add that left a recorded rejection is not lost", () => {
    const rejected = history().write([inboxRejection(4)], { inbox: [position(4)] });
    const clients = [...good.clients, { ...add, id: "j7", phase: "invoke" as const }, { ...add, id: "j7", phase: "ok" as const, stored: { stream: "LS_t_INBOX", sequence: 4 } }];
    expect(check(rejected, { ...good, clients }).violations).toEqual([]);
  });

  test("an accepted id that two operations added, one refused, is no violation", () => {
    const clients = [...good.clients, { ...add, operation: 2, phase: "fail" as const, refused: true }];
    expect(check(history(), { ...good, clients }).violations).toEqual([]);
  });
});

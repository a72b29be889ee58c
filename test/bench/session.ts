/** One measurement in progress: a connected client, its ledger, and the questions scenarios ask of both. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Client, Contender, Outage, Server, Workers } from "./contender.ts";
import { feed, feedBulk, jobMaker, Ledger } from "./load.ts";
import { sleep } from "./measure.ts";
import type { Order, Report } from "./producer.ts";
import type { Scenario, Size } from "./scenario.ts";

/** Without one more job done in this time, a measurement is given up. */
const stuckAfterMs = 20_000;
/** How long to look out for second executions once all is done. */
const lingerMs = 150;

/** How long a system may be away after it was killed. */
const answerWithinMs = 120_000;

/** Milliseconds since the kill. */
export interface Survival {
  /** A client's `add` was acknowledged again. */
  readonly addMs: number;
  /** A client got the first answer out of the queue's state. */
  readonly answerMs: number;
  /** By the system's own account, from the start of its recovery. */
  readonly recoveredMs: number;
}

export interface Producers {
  /** Each client adds up to `jobsEach`, for `seconds` at most. Answers how many all of them added. */
  feed(jobsEach: number, seconds: number): Promise<number>;
}

export class Session {
  readonly client: Client;
  readonly size: Size;
  readonly add: (seq: number) => Promise<void>;
  readonly addMany: (seqs: readonly number[]) => Promise<void>;
  readonly #contender: Contender;
  readonly server: Server;
  readonly #concurrency: number;
  readonly #inputBytes: number;
  readonly #ledger: Ledger;
  readonly #startWaiters = new Map<number, (at: number) => void>();
  #nextSeq = 0;
  #firstAt = Number.NaN;
  #workingSince = Number.NaN;

  constructor(contender: Contender, server: Server, client: Client, scenario: Scenario, size: Size) {
    this.#contender = contender;
    this.#concurrency = size.concurrency ?? contender.concurrency;
    this.server = server;
    this.client = client;
    this.size = size;
    this.#inputBytes = scenario.inputBytes;
    this.#ledger = new Ledger(scenario.jobs(size) + warmUpJobs(scenario.inputBytes) + warmUpBulk);
    const make = jobMaker(scenario.inputBytes);
    this.add = (seq) => client.add(make(seq));
    this.addMany = (seqs) => client.addMany(seqs.map(make));
  }

  /** Runs each way of adding and working for a while, so that the clock sees compiled code and open connections. */
  async warmUp(): Promise<void> {
    const workers = await this.work();
    const single = this.range(warmUpJobs(this.#inputBytes));
    const fed = await feed({ ...single, width: this.size.inFlight, deadline: performance.now() + warmUpMs, add: this.add });
    this.expect(single.from, fed);
    const bulk = this.range(warmUpBulk);
    await feedBulk({ ...bulk, chunk: bulkChunk, deadline: Number.POSITIVE_INFINITY, addMany: this.addMany });
    this.expect(bulk.from, bulk.count);
    await this.finish(workers);
    await this.client.settle();
  }

  /** Takes the next `count` job numbers. */
  range(count: number): { readonly from: number; readonly count: number } {
    const from = this.#nextSeq;
    this.#nextSeq += count;
    return { from, count };
  }

  /** Says that jobs `from` … `from + count - 1` were added, and so are owed one execution each. */
  expect(from: number, count: number): void {
    this.#ledger.expect(from, count);
  }

  /** When to stop offering jobs, if they last that long. */
  deadline(): number {
    return performance.now() + this.size.seconds * 1000;
  }

  async work(): Promise<Workers> {
    this.#firstAt = Number.NaN;
    const workers = await this.client.work((seq) => this.#handle(seq), this.#concurrency);
    this.#workingSince = Number.isNaN(this.#firstAt) ? performance.now() : this.#firstAt;
    return workers;
  }

  /**
   * When the last call of `work` was ready, or its first job started if that was earlier: connecting is
   * nobody's speed, but fetching ahead is, so the clock must not wait for the first job of a large batch.
   */
  get workingSince(): number {
    return this.#workingSince;
  }

  #handle(seq: number): void {
    if (Number.isNaN(this.#firstAt)) this.#firstAt = performance.now();
    this.#ledger.mark(seq);
    if (this.#startWaiters.size === 0) return;
    this.#startWaiters.get(seq)?.(performance.now());
    this.#startWaiters.delete(seq);
  }

  /** When work on this job started; ask before adding it. */
  started(seq: number): Promise<number> {
    return new Promise((resolve) => this.#startWaiters.set(seq, resolve));
  }

  /** Until every job is handled and the system has every success on record. */
  async allFinished(): Promise<void> {
    await this.#progressUntil(() => this.#ledger.outstanding <= 0);
    const deadline = performance.now() + stuckAfterMs;
    for (let left = await this.client.unfinished(); left > 0; left = await this.client.unfinished()) {
      if (performance.now() > deadline) throw new Error(`${left} jobs handled but not recorded as done`);
      await sleep(1);
    }
  }

  /** Until about `count` more have started or `seconds` have passed; then how many have ended since `workingSince`, by the system's own count, and when it was asked. */
  async untilEnded(count: number, seconds = Number.POSITIVE_INFINITY): Promise<{ readonly ended: number; readonly atMs: number }> {
    const outstanding = this.#ledger.outstanding;
    await this.handledWithin(count, seconds);
    const atMs = performance.now();
    return { ended: outstanding - (await this.client.unfinished()), atMs };
  }

  /** Until `count` more have started, or for `seconds`; how many a second that were. For a stretch in the middle of steady work. */
  async handledWithin(count: number, seconds: number): Promise<number> {
    const before = this.#ledger.handled;
    const begin = performance.now();
    await this.#progressUntil(() => this.#ledger.handled >= before + count || performance.now() - begin >= seconds * 1000);
    return (this.#ledger.handled - before) / ((performance.now() - begin) / 1000);
  }

  /** Lets the process that holds the queue be killed, and waits until all is well again. */
  async survive(outage: Outage): Promise<Survival> {
    await outage.prepare();
    const { from } = this.range(1);
    const begin = performance.now();
    await outage.strike();
    const added = untilAnswered(() => this.add(from));
    const [addMs, answerMs] = (await Promise.all([added, untilAnswered(() => this.client.unfinished())])).map((atMs) => atMs - begin);
    this.expect(from, 1);
    const lost = this.#ledger.outstanding - (await this.client.unfinished());
    if (lost > 0) throw new Error(`${lost} acknowledged jobs lost`);
    return { addMs: addMs ?? Number.NaN, answerMs: answerMs ?? Number.NaN, recoveredMs: await outage.recoveredMs() };
  }

  /** Works off what is left, stops the workers, and throws unless each job ran exactly once. */
  async finish(workers: Workers): Promise<void> {
    await this.allFinished();
    await sleep(lingerMs);
    await workers.stop();
    this.#check(0);
  }

  /** As `finish`, with jobs left waiting: those handled and those still held must add up to those added. */
  async finishPartly(workers: Workers): Promise<void> {
    await workers.stop();
    let waiting = await this.client.unfinished();
    const deadline = performance.now() + stuckAfterMs;
    while (waiting !== this.#ledger.outstanding && performance.now() < deadline) {
      await sleep(lingerMs);
      waiting = await this.client.unfinished();
    }
    this.#check(waiting);
  }

  #check(stillWaiting: number): void {
    const fault = this.#ledger.fault(stillWaiting);
    if (fault !== undefined) throw new Error(fault);
  }

  async #progressUntil(isDone: () => boolean): Promise<void> {
    let handled = this.#ledger.handled;
    let since = performance.now();
    while (!isDone()) {
      await sleep(1);
      if (this.#ledger.handled !== handled) {
        handled = this.#ledger.handled;
        since = performance.now();
      } else if (performance.now() - since > stuckAfterMs) {
        throw new Error(`stuck: no job done for ${stuckAfterMs / 1000} s, ${this.#ledger.outstanding} outstanding`);
      }
    }
  }

  /** Clients in processes of their own, connected and warm, waiting for the word. */
  async producers(count: number, inFlight: number): Promise<Producers> {
    const warmUp = await this.work();
    const children = await Promise.all(Array.from({ length: count }, () => this.#forkProducer(inFlight)));
    await this.finish(warmUp);
    return {
      feed: async (jobsEach, seconds) => {
        const fed = await Promise.all(
          children.map(async ({ tell }) => {
            const { from } = this.range(jobsEach);
            const { added } = await tell({ from, count: jobsEach, seconds });
            this.expect(from, added);
            return added;
          }),
        );
        for (const { end } of children) end();
        return fed.reduce((sum, added) => sum + added, 0);
      },
    };
  }

  async #forkProducer(inFlight: number): Promise<{ tell(order: Order): Promise<Report>; end(): void }> {
    const start = { contender: this.#contender.name, endpoint: this.server.endpoint, inputBytes: this.#inputBytes, inFlight };
    const child = fork(fileURLToPath(new URL("producer.ts", import.meta.url)), [JSON.stringify(start)]);
    const tell = async (order: Order): Promise<Report> => {
      child.send(order);
      // A child that dies leaves the exit event; its report would never come.
      const [report] = (await Promise.race([once(child, "message"), once(child, "exit")])) as [Report | number | null];
      if (report === null || typeof report === "number") throw new Error("a client process died");
      return report;
    };
    const { from, count } = this.range(producerWarmUpJobs);
    const { added } = await tell({ from, count, seconds: stuckAfterMs / 1000 });
    this.expect(from, added);
    return { tell, end: () => child.disconnect() };
  }
}

/** What each client process adds to warm up, beside the runner's own warm-up. */
export const producerWarmUpJobs = 100;

/** How many jobs a call of the bulk interface takes. */
export const bulkChunk = 1000;
const warmUpBulk = 5 * bulkChunk;
/** A slow system gets as long a warm-up as a quick one, not as many jobs. */
const warmUpMs = 2_000;
const warmUpBytes = 64 * 1024 ** 2;

/** How many jobs the runner warms up with at most: the rate of the quickest stops rising after 20 000 to 40 000. */
function warmUpJobs(inputBytes: number): number {
  return Math.min(60_000, Math.ceil(warmUpBytes / inputBytes));
}

/** Milliseconds by this process's clock at which the call was first answered; what fails is asked again. */
async function untilAnswered(call: () => Promise<unknown>): Promise<number> {
  const deadline = performance.now() + answerWithinMs;
  for (;;) {
    try {
      await call();
      return performance.now();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(5);
    }
  }
}

/**
 * What the actor itself costs, without codec, journal or network:
 *
 *   node --expose-gc --import tsx --conditions=@longshore/source packages/job-queue/bench/decider.ts [jobs waiting]
 *
 * Prints jobs per second of CPU time through submit → claim → succeed with nothing waiting and with many waiting, heap per waiting
 * job beside its payload, the longest commit, and how long a snapshot and its restore take.
 */
import { encode } from "@longshore/kernel";
import type { JobQueueEvent } from "../src/index.ts";
import { jobQueue } from "../src/index.ts";

const WAITING = Number(process.argv[2] ?? 1_000_000);
const COMMIT = 200;
const ROUNDS = 1_500;
const payload = encode({ path: "a.jpg", width: 320, note: "x".repeat(60) });
const submitter = { role: "submit", principal: "ann" } as const;
const workerRole = { role: "outcome", principal: "wendy" } as const;
const host = { role: "hello", principal: "wendy" } as const;

const actor = jobQueue({ cluster: "bench", shard: "main" });
const nobody = (): string => "x";
let at = 1_700_000_000_000;
let sink = 0;
const serialBytes = Buffer.from("01HF0000000000000000000000", "latin1");

class World {
  state = actor.initial();
  started: (readonly unknown[])[] = [];
  longestMs = 0;
  events = 0;
  private serial = 0;
  private readonly reactions = { tell: (_: string, item: unknown): void => void this.started.push(item as readonly unknown[]), send: (): void => undefined };

  run(verb: string, item: unknown, sender: Parameters<typeof actor.parse>[2]): void {
    const parsed = actor.parse(verb, item, sender, nobody);
    if (parsed.kind === "malformed") throw new Error(JSON.stringify(parsed));
    const decision = actor.decide(this.state, parsed.command, at);
    if (decision.kind === "rejected") throw new Error(JSON.stringify(decision));
    for (const event of decision.events) this.apply(event);
  }

  apply = (event: JobQueueEvent): boolean => {
    this.events++;
    actor.evolve(this.state, event, at);
    actor.react(this.state, event, this.reactions);
    return true;
  };

  submit(): void {
    // A client's ULID arrives as a fresh flat string out of the decoder.
    serialBytes.write(String(this.serial++).padStart(9, "0"), 17, "latin1");
    this.run("submit", [serialBytes.toString("latin1", 0, 26), "media/thumbnail", payload, null], submitter);
  }

  commit(body: () => void): void {
    const from = performance.now();
    at += 2;
    body();
    actor.settle(this.state, at, this.apply);
    sink += actor.due(this.state) ?? 0;
    const took = performance.now() - from;
    if (took > this.longestMs) this.longestMs = took;
  }
}

/** Jobs per second of this process's own CPU time, garbage collection included: the best of ten windows, because others share this machine. */
function through(world: World, rounds: number): number {
  let best = 0;
  for (let window = 0; window < 10; window++) best = Math.max(best, rateOf(() => throughOnce(world, rounds / 10)));
  return best;
}

function rateOf(run: () => number): number {
  const from = cpuMs();
  const done = run();
  return (done / (cpuMs() - from)) * 1_000;
}

function throughOnce(world: World, rounds: number): number {
  let done = 0;
  for (let round = 0; round < rounds; round++) {
    world.commit(() => {
      const running = world.started;
      world.started = [];
      for (const item of running) {
        world.run("outcome", [item[1], item[2], 0, payload], workerRole);
        done++;
      }
      for (let i = 0; i < COMMIT; i++) world.submit();
    });
  }
  return done;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function memory(): { readonly heap: number; readonly outside: number } {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, outside: arrayBuffers };
}

function fresh(slots: number): World {
  const world = new World();
  world.run("join", { instance: "i1", incarnation: "1", processors: 2, pools: [{ topics: ["media/thumbnail"], slots }] }, host);
  return world;
}

const thousands = (n: number): string => Math.round(n).toLocaleString("en");

through(fresh(COMMIT), 500);
const empty = fresh(COMMIT);
const emptyRate = through(empty, ROUNDS);
console.log(`nothing waiting:        ${thousands(emptyRate)} jobs/s, ${(1e6 / emptyRate).toFixed(2)} µs per job, longest commit of ${COMMIT} ${empty.longestMs.toFixed(1)} ms`);

const full = fresh(0);
const before = memory();
const fillFrom = cpuMs();
for (let left = WAITING; left > 0; left -= COMMIT) full.commit(() => { for (let i = 0; i < Math.min(COMMIT, left); i++) full.submit(); });
const fillRate = (WAITING / (cpuMs() - fillFrom)) * 1_000;
console.log(`adding ${thousands(WAITING)}:       ${thousands(fillRate)} jobs/s, longest commit ${full.longestMs.toFixed(1)} ms`);
const after = memory();
const outside = (after.outside - before.outside) / WAITING - payload.length;
console.log(`memory per waiting job: ${Math.round((after.heap - before.heap) / WAITING)} bytes of heap and ${Math.round(outside)} outside it, beside its payload${globalThis.gc === undefined ? " (rough: run with --expose-gc)" : ""}`);

const snapshotFrom = performance.now();
const values = [...actor.snapshot(full.state)];
const restoreFrom = performance.now();
const restored = actor.restore(values);
console.log(`snapshot as values:     ${Math.round(restoreFrom - snapshotFrom)} ms; restore ${Math.round(performance.now() - restoreFrom)} ms (${restored.jobs.size} jobs)`);
values.length = 0;

full.longestMs = 0;
full.run("topics", { instance: "i1", incarnation: "1", pools: [{ topics: ["media/thumbnail"], slots: COMMIT }] }, host);
const fullRate = through(full, ROUNDS);
console.log(`${thousands(WAITING)} waiting:      ${thousands(fullRate)} jobs/s, ${(1e6 / fullRate).toFixed(2)} µs per job (${(fullRate / emptyRate).toFixed(2)} of empty), longest commit ${full.longestMs.toFixed(1)} ms`);
if (sink === 1) console.log("");

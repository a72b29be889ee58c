/** A process with the client library: adds jobs, gives orders, waits for results, and writes down what it was told. */
import { encode, UlidSource } from "@longshore/kernel";
import type { SimProcess } from "@longshore/testkit/simulation";
import { Random, SimWire } from "@longshore/testkit/simulation";
import type { JobEnd, Settled } from "longshore/internal";
import { CLIENT_LIMITS, Line } from "longshore/internal";
import { encodeBehaviour } from "./behaviour.ts";
import type { Cluster } from "./cluster.ts";
import { CLUSTER, KIND, NAMES, SHARD } from "./cluster.ts";
import type { Action } from "./plan.ts";

type Add = Extract<Action, { kind: "add" }>;

/** Jobs that somebody has added, in the order they were, for orders that name one. */
export type Added = string[];

export class ClientProcess {
  readonly process: SimProcess;
  private readonly cluster: Cluster;
  private readonly added: Added;
  private readonly random: Random;
  private line: Line | undefined;
  private operation = 0;
  /** Commands whose outcome is not known yet: what is to be written down if the process dies. */
  private readonly open = new Map<number, { readonly verb: string; readonly id: string }>();
  waitingResults = 0;

  constructor(cluster: Cluster, name: string, added: Added) {
    this.cluster = cluster;
    this.process = cluster.process(name);
    this.added = added;
    this.random = new Random(cluster.config.seed, `client ${name}`);
  }

  get isIdle(): boolean {
    return this.open.size === 0 && this.waitingResults === 0;
  }

  get openCount(): number {
    return this.open.size;
  }

  start(): void {
    if (this.process.isUp) return;
    const { cluster, process, random } = this;
    process.start();
    const link = cluster.server.connect(process);
    const wallErrorMs = cluster.config.families.includes("clocks") ? random.int(-90_000, 90_000) : 0;
    const ports = { wire: new SimWire(link), clock: process, random: () => random.next(), wallMs: () => cluster.serverMs + wallErrorMs };
    const place = { cluster: CLUSTER, kind: KIND, actor: SHARD, principal: process.name };
    this.line = new Line(ports, place, `${process.name}-${process.life}`, { ...CLIENT_LIMITS, ...cluster.config.clientLimits });
  }

  kill(): void {
    for (const [operation, { verb, id }] of this.open) this.write(operation, "info", verb, id);
    this.open.clear();
    this.waitingResults = 0;
    this.line = undefined;
    this.process.kill();
    this.cluster.server.closed(this.process);
  }

  add({ name, topic, behaviour, options, waits }: Add): void {
    const { line, cluster } = this;
    if (line === undefined) return;
    const id = name ?? new UlidSource(() => this.random.next()).next(line.time.now());
    const local = name === undefined ? id : `${topic.replaceAll("/", "~")}.${name}`;
    this.added.push(local);
    const item = [id, topic, encodeBehaviour(behaviour), Object.keys(options).length === 0 ? null : options];
    this.command("submit", "add", item, local, (settled) => {
      if (settled.kind === "stored") cluster.marks.hit("an add is left in the inbox");
      const after = settled.kind === "stored" ? settled.sequence : undefined;
      if (waits && (settled.kind === "accepted" || settled.kind === "stored")) this.wait(`${SHARD}.${local}`, after);
    });
  }

  order(verb: "stop" | "retry" | "remove", back: number): void {
    const id = this.added.at(-1 - back);
    if (id !== undefined) this.command("operate", verb, { id: `${SHARD}.${id}` }, id, () => undefined);
  }

  operate(verb: string, item: Readonly<Record<string, unknown>>): void {
    this.command("operateOnly", verb, item, "", () => undefined);
  }

  private command(session: "submit" | "operate" | "operateOnly", verb: string, item: unknown, id: string, then: (settled: Settled) => void): void {
    const { line, process } = this;
    if (line === undefined) return;
    const operation = ++this.operation;
    this.open.set(operation, { verb, id });
    this.write(operation, "invoke", verb, id);
    const { life } = process;
    line[session].ask(verb === "add" ? "submit" : verb, encode(item), {
      settled: (settled) => {
        if (process.life !== life || !this.open.delete(operation)) return;
        this.settled(operation, verb, id, settled);
        then(settled);
      },
    });
  }

  private settled(operation: number, verb: string, id: string, settled: Settled): void {
    this.cluster.marks.hit(`a command is ${settled.kind}`);
    if ("code" in settled) this.cluster.note(this.process.name, `${verb} ${id} is ${settled.kind}: ${settled.code}`);
    switch (settled.kind) {
      case "accepted": return this.write(operation, "ok", verb, id);
      case "stored": return this.write(operation, "ok", verb, id, { stored: { stream: NAMES.inbox, sequence: settled.sequence } });
      case "rejected":
        this.cluster.marks.hit(`rejected: ${settled.code}`);
        // An id that was used before says nothing about whether the first add of it is there.
        return settled.code === "job/id-reused" ? this.write(operation, "info", verb, id) : this.write(operation, "fail", verb, id, { refused: true });
      case "failed": return this.write(operation, "fail", verb, id, { refused: false });
      case "unknown": return this.write(operation, "info", verb, id);
    }
  }

  private wait(id: string, after: number | undefined): void {
    const { life } = this.process;
    this.waitingResults++;
    const done = (): boolean => {
      if (this.process.life !== life) return false;
      this.waitingResults--;
      return true;
    };
    this.line?.results.wait(id, {
      after,
      ended: (end) => done() && this.ended(end),
      refused: (code) => done() && this.cluster.marks.hit(`a stored add is refused: ${code}`),
      gone: () => done() && this.cluster.marks.hit("a result is gone"),
      failed: (code) => done() && this.cluster.alarms.push(`client ${this.process.name} cannot wait for ${id}: ${code}`),
    });
  }

  private ended({ id, state, attempts, result }: JobEnd): void {
    const { nowMs: at, results, marks } = this.cluster;
    marks.hit("a result is told");
    results.push({ at, client: this.process.name, id: id.slice(SHARD.length + 1), state, attempt: attempts, result: result instanceof Uint8Array ? result.slice() : undefined });
  }

  private write(operation: number, phase: "invoke" | "ok" | "fail" | "info", verb: string, id: string, more: object = {}): void {
    const { cluster, process } = this;
    cluster.clients.push({ at: cluster.nowMs, client: process.name, operation, phase, verb, id, ...more });
    if (phase !== "invoke") cluster.note(process.name, `${verb} ${id}: ${phase}${"stored" in more ? ` (stored as ${(more as { stored: { sequence: number } }).stored.sequence})` : ""}`);
  }
}

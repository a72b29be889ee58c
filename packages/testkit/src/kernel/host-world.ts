/** A cluster in memory with counters in it: what the tests of the kernel's host set up. */
import type { Attendant, HostOptions, HostPorts, Journal, Role, StopReason, WireAnswer } from "@longshore/kernel";
import { decodeTrusted, encode, History, Host, subjectsOf } from "@longshore/kernel";
import type { CounterCommand, CounterEvent, CounterRejection, CounterState } from "../counter.ts";
import { CounterActor } from "../counter.ts";
import { sha256 } from "../memory/hash.ts";
import { MemoryServer } from "../memory/server.ts";
import { VirtualClock } from "../memory/virtual-clock.ts";

export type CounterHost = Host<CounterState, CounterCommand, CounterEvent, CounterRejection>;
export type CounterHistory = History<CounterState, CounterCommand, CounterEvent, CounterRejection>;
export type Answer = Record<string, unknown>;

export interface Opened {
  readonly host: CounterHost;
  readonly stops: StopReason[];
  /** How often it began to serve. */
  readonly serving: { count: number };
}

export interface OpenOptions {
  readonly instance?: string;
  readonly actor?: string;
  readonly cluster?: string;
  readonly limits?: HostOptions<CounterState, CounterEvent>["limits"];
  readonly attendants?: readonly Attendant<CounterState, CounterEvent>[];
  readonly acceptRewind?: string;
  readonly takeOver?: boolean;
  /** Puts something between the host and its ports. */
  readonly ports?: (ports: HostPorts) => HostPorts;
}

export class HostWorld {
  readonly clock: VirtualClock = new VirtualClock();
  readonly server: MemoryServer;
  private lives = 0;

  constructor(options: { readonly inboxPerSubjectMax?: number } = {}) {
    const perSubjectMax = options.inboxPerSubjectMax ?? Infinity;
    this.server = new MemoryServer({ cluster: "t", clock: this.clock, startedAt: 1_000_000, inboxLimits: { perSubjectMax } });
  }

  /** A host that has been told to open, but whose clock has not moved. */
  start(options: OpenOptions = {}): Opened {
    const { instance = "i1", actor = "main", limits, attendants, acceptRewind, takeOver } = options;
    const stops: StopReason[] = [];
    const serving = { count: 0 };
    const ports = this.server.hostPorts("counter", actor, instance);
    const host: CounterHost = new Host(new CounterActor("t"), options.ports?.(ports) ?? ports, {
      cluster: "t", actor, instance, principal: "host", incarnation: `${instance}-${++this.lives}`, software: "test",
      ...(limits && { limits }), ...(attendants && { attendants }), ...(acceptRewind && { acceptRewind }), ...(takeOver && { takeOver }),
      onServing: () => serving.count++, onStopped: (reason) => stops.push(reason),
    });
    host.open();
    return { host, stops, serving };
  }

  /** A host that serves. */
  open(options: OpenOptions = {}): Opened {
    const opened = this.start(options);
    if (!this.clock.runUntil(() => opened.host.isServing || opened.stops.length > 0)) throw new Error("the host does not serve");
    return opened;
  }

  /** Sends a command message directly and runs the world until it is answered. */
  ask(message: Answer, options: AskOptions = {}): Answer {
    const answers = this.sendDirect(message, options);
    this.clock.runUntil(() => answers.length > 0);
    return answers[0] ?? { timeout: true };
  }

  /** Sends a command message directly; the answer appears in the list when it has come. */
  sendDirect(message: Answer, { role = "submit", principal = "alice", actor = "main", timeoutMs = 5_000 }: AskOptions = {}): Answer[] {
    const answers: Answer[] = [];
    const subject = subjectsOf("t").command("counter", actor, role, principal);
    this.server.wire(principal).request(subject, encode(message), timeoutMs, (answer) => answers.push(readable(answer)));
    return answers;
  }

  query(question: Answer = {}, actor = "main"): Answer {
    const answers: Answer[] = [];
    this.server.wire("viewer").request(subjectsOf("t").query("counter", actor, "operate", "viewer"), encode(question), 5_000, (answer) => answers.push(readable(answer)));
    this.clock.runUntil(() => answers.length > 0);
    return answers[0] ?? { timeout: true };
  }

  /** Stores a command message in the actor's inbox; its sequence. */
  store(message: Answer, { role = "submit", principal = "alice", actor = "main" }: AskOptions = {}): number {
    return this.storeBytes(encode(message), { role, principal, actor });
  }

  storeBytes(bytes: Uint8Array, { role = "submit", principal = "alice", actor = "main" }: AskOptions = {}, json = false): number {
    const subject = subjectsOf("t").inbox("counter", actor, role, principal);
    const answer = this.server.bus.streamOf(subject)!.store(subject, bytes, { json });
    if (answer.kind !== "stored") throw new Error(answer.cause);
    return answer.sequence;
  }

  /** What anybody gets who folds the journal from its first commit. */
  replay(actor = "main"): CounterHistory {
    const history: CounterHistory = new History(new CounterActor("t"), sha256);
    for (const commit of this.server.journal("counter", actor).commits()) history.fold(commit);
    return history;
  }

  /** Lets everything that happens at this instant and within a short while happen. */
  settle(ms = 20): void {
    this.clock.advance(ms);
  }
}

export interface AskOptions {
  readonly role?: Role;
  readonly principal?: string;
  readonly actor?: string;
  readonly timeoutMs?: number;
}

const readable = (answer: WireAnswer): Answer => (answer.kind === "answer" ? (decodeTrusted(answer.data) as Answer) : { [answer.kind]: true });

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Holds appends back until they are let go: what is in flight stays in flight. */
export class Gate {
  held = false;
  private readonly waiting: (() => void)[] = [];
  private readonly travel: (go: () => void) => void;

  /** `travel`: how an append that is not held gets to the journal; at once when absent. */
  constructor(travel: (go: () => void) => void = (go) => go()) {
    this.travel = travel;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  readonly ports = (ports: HostPorts): HostPorts => ({ ...ports, journal: this.around(ports.journal) });

  /** Lets everything through, now and from now on. */
  open(): void {
    this.held = false;
    for (const go of this.waiting.splice(0)) go();
  }

  private around(journal: Journal): Journal {
    return {
      append: (bytes, expected, done) => {
        const copy = bytes.slice();
        const go = (): void => journal.append(copy, expected, done);
        if (this.held) this.waiting.push(go);
        else this.travel(go);
      },
      last: (done) => journal.last(done),
      read: (after, onCommit, done) => journal.read(after, onCommit, done),
      get: (version, done) => journal.get(version, done),
      purge: (below, done) => journal.purge(below, done),
      size: (done) => journal.size(done),
    };
  }
}

/**
 * A second, smaller world: one actor owes another messages, and they travel from outbox to inbox through all weathers.
 *
 * The job queue sends to no other actor, so the kernel's outbox has a world of its own: two counters, each in a process
 * that crashes, stands still and is cut off, and a driver that tells the first what to send the second. When all is healed,
 * P9 is judged: each message has had one effect, in order.
 */
import type { HostPorts, KernelState } from "@longshore/kernel";
import { addressKey, decodeCommit, encode, History, Host, streamsOf, subjectsOf } from "@longshore/kernel";
import type { CounterCommand, CounterEvent, CounterRejection, CounterState } from "@longshore/testkit";
import { CounterActor, MemoryMarks, MemoryStream, matcher, sha256, VirtualClock } from "@longshore/testkit";
import type { Violation } from "@longshore/testkit/promises";
import { checkLink, DeliveryCheck, Findings } from "@longshore/testkit/promises";
import type { Link, Weather } from "@longshore/testkit/simulation";
import { calm, Marks, Random, SimInbox, SimJournal, SimProcess, SimServer, SimWire, Trace } from "@longshore/testkit/simulation";

const CLUSTER = "relay";
const KIND = "counter";
const NAMES = streamsOf(CLUSTER);
const SUBJECTS = subjectsOf(CLUSTER);
const BEGAN_AT = 1_700_000_000_000;
const TROUBLE_MS = 8_000;
const HEAL_MS = 120_000;
/** A host that has read everything may still have its last append on the way. */
const STORED_WITHIN_MS = 15_000;

export interface RelayOptions {
  /** A planted bug between a host and its ports. */
  readonly ports?: (ports: HostPorts, process: SimProcess) => HostPorts;
  /** Nobody crashes, stands still or is cut off: what is found then, the network alone has brought about. */
  readonly isOnlyNetwork?: boolean;
}

export interface RelayRun {
  readonly violations: readonly Violation[];
  readonly alarms: readonly string[];
  readonly marks: Marks;
  readonly steps: number;
  readonly traceHash: string;
}

export const runRelay = (seed: number, options: RelayOptions = {}): RelayRun => new Relay(seed, options).run();

type CounterHost = Host<CounterState, CounterCommand, CounterEvent, CounterRejection>;

/** A process that hosts one counter, started again whenever it has stopped. */
class CounterProcess {
  readonly process: SimProcess;
  readonly name: string;
  host: CounterHost | undefined;
  private readonly relay: Relay;

  constructor(relay: Relay, name: string) {
    this.relay = relay;
    this.name = name;
    this.process = new SimProcess(name, relay.clock, { offsetMs: 0, rate: 1 });
  }

  start(): void {
    if (this.process.isUp) return;
    const { relay, process, name } = this;
    process.start();
    const actor = new CounterActor(CLUSTER);
    this.host = new Host(actor, relay.ports(relay.server.connect(process), name), {
      cluster: CLUSTER, actor: name, instance: name, principal: "host", incarnation: `${name}-${process.life}`, software: "sim",
      onStopped: (reason) => {
        if ("message" in reason) relay.alarms.push(`${name} stops: ${reason.kind}: ${reason.message}`);
        relay.clock.after(1, () => this.crash(100));
      },
    });
    this.host.open();
  }

  crash(forMs: number): void {
    if (!this.process.isUp) return;
    this.process.kill();
    this.relay.server.closed(this.process);
    this.relay.clock.after(forMs, () => this.start());
  }
}

class Relay {
  readonly clock: VirtualClock;
  readonly server: SimServer;
  readonly alarms: string[] = [];
  private readonly marks = new Marks();
  private readonly trace = new Trace(false);
  private readonly weather: Weather;
  private readonly random: Random;
  private readonly options: RelayOptions;
  private readonly source: CounterProcess;
  private readonly sink: CounterProcess;
  private readonly marksOf = new Map<string, MemoryMarks>();
  private readonly asked: number;

  constructor(seed: number, options: RelayOptions) {
    this.options = options;
    this.random = new Random(seed, "relay");
    const order = new Random(seed, "relay order");
    this.clock = new VirtualClock({ tie: () => order.next() });
    this.weather = calm(this.random.log(0.05, 5), this.random.log(0.02, 50));
    this.server = new SimServer(this.clock, this.weather, new Random(seed, "relay net"), this.marks, this.trace);
    const inboxOf = (...roles: string[]): string[] => roles.map((role) => `${SUBJECTS.prefix}in.*.*.${role}.*`);
    this.server.streams.push(new MemoryStream(NAMES.journal, [`${SUBJECTS.prefix}jr.>`]), new MemoryStream(NAMES.inbox, inboxOf("submit")), new MemoryStream(NAMES.peers, inboxOf("actor")));
    this.source = new CounterProcess(this, "source");
    this.sink = new CounterProcess(this, "sink");
    this.asked = this.random.int(10, 60);
    this.plan();
  }

  run(): RelayRun {
    this.source.start();
    this.sink.start();
    this.clock.advance(TROUBLE_MS);
    Object.assign(this.weather, { loss: 0, duplicate: 0, reorder: 0, answerLoss: 0, outage: false });
    for (const link of this.server.links) this.server.mend(link);
    for (const part of [this.source, this.sink]) {
      part.process.resume();
      part.start();
    }
    this.clock.runUntil(() => this.isAtRest, HEAL_MS);
    this.clock.advance(STORED_WITHIN_MS);
    return { violations: this.judge(), alarms: this.alarms, marks: this.marks, steps: this.clock.stepCount, traceHash: this.trace.hash };
  }

  ports(link: Link, actor: string): HostPorts {
    const { process } = link;
    const [journal, ...inboxes] = this.server.streams;
    const ports: HostPorts = {
      journal: new SimJournal(link, journal!, SUBJECTS.journal(KIND, actor)),
      inboxes: inboxes.map((stream) => new SimInbox(link, stream, SUBJECTS.inboxes(KIND, actor))),
      wire: new SimWire(link), clock: process, hash: sha256,
      serverTime: { sample: (done) => void process.after(1, () => done(Math.floor(this.clock.monotonicMs() + BEGAN_AT))) },
      marks: this.marksFor(actor),
      snapshots: { latest: (done) => void process.after(1, () => done(undefined)), save: (_snapshot, done) => done(false) },
      telemetry: (event) => this.marks.hit(`relay: ${event}`),
    };
    return this.options.ports?.(ports, process) ?? ports;
  }

  private marksFor(actor: string): MemoryMarks {
    const marks = this.marksOf.get(actor) ?? new MemoryMarks((run) => void this.clock.after(1, run));
    this.marksOf.set(actor, marks);
    return marks;
  }

  private plan(): void {
    const { random, clock } = this;
    const driver = new SimProcess("driver", clock, { offsetMs: 0, rate: 1 });
    driver.start();
    const wire = new SimWire(this.server.connect(driver));
    const any = (): number => random.next() * TROUBLE_MS;
    for (let n = 1; n <= this.asked; n++) clock.after(any(), () => this.tell(wire, n));
    for (let i = random.int(1, 4); i > 0; i--) clock.after(any(), () => this.spoil());
    if (this.options.isOnlyNetwork === true) return;
    for (let i = random.int(0, 3); i > 0; i--) clock.after(any(), () => this.anybody().crash(random.log(5, 3_000)));
    for (let i = random.int(0, 2); i > 0; i--) clock.after(any(), () => this.stand(this.anybody().process));
    for (let i = random.int(0, 2); i > 0; i--) clock.after(any(), () => this.cut());
  }

  /** Into the inbox of the first, in whatever weather: a driver that hears nothing has still perhaps been heard. */
  private tell(wire: SimWire, n: number): void {
    wire.store(SUBJECTS.inbox(KIND, "source", "submit", "driver"), encode({ send: [["sink", n]] }), () => undefined);
  }

  private anybody(): CounterProcess {
    return this.random.pick([this.source, this.sink]);
  }

  private spoil(): void {
    const { random, weather } = this;
    const change = random.pick<Partial<Weather>>([
      { reorder: random.log(0.05, 0.5) }, { loss: random.log(0.02, 0.4) }, { duplicate: random.log(0.05, 0.5) }, { answerLoss: random.log(0.1, 0.9) }, { reorder: 0.3, loss: 0.2 },
    ]);
    Object.assign(weather, change);
    this.clock.after(random.log(200, 5_000), () => Object.assign(weather, { loss: 0, duplicate: 0, reorder: 0, answerLoss: 0 }));
  }

  private stand(process: SimProcess): void {
    process.pause();
    this.clock.after(this.random.log(50, 10_000), () => process.resume());
  }

  private cut(): void {
    const links = [...this.server.links].filter(({ process }) => process.name !== "driver");
    if (links.length === 0) return;
    const link = this.random.pick(links);
    this.server.cut(link);
    this.clock.after(this.random.log(50, 8_000), () => this.server.mend(link));
  }

  private get isAtRest(): boolean {
    return [this.source, this.sink].every(({ name, host }) => host?.isServing === true && this.isDone(name, host.current.kernel));
  }

  /** Nothing is owed, and every inbox is read to its end. */
  private isDone(actor: string, { outbox, inbox }: KernelState): boolean {
    const isMine = matcher(SUBJECTS.inboxes(KIND, actor));
    const isRead = (stream: MemoryStream): boolean => stream.read(inbox.get(stream.name)?.sequence ?? 0, isMine).length === 0;
    return [...outbox.values()].every(({ pending }) => pending.length === 0) && this.server.streams.slice(1).every(isRead);
  }

  private judge(): readonly Violation[] {
    const findings = new Findings();
    const source = this.fold("source", findings);
    const sink = this.fold("sink", findings);
    if (!this.isAtRest) this.alarms.push("messages are still on their way, or a host does not serve, long after the trouble");
    checkLink({ sender: source.kernel, to: addressKey({ cluster: CLUSTER, kind: KIND, actor: "sink" }), receiver: sink.kernel, from: `host/${CLUSTER}.${KIND}.source` }, findings);
    if (source.sent.join() !== sink.added.join()) findings.add("P9", `${source.sent.length} numbers were sent, and these were added: ${sink.added.join(" ")}`);
    if (source.sent.length > 0) this.marks.hit("relay: messages reach the second actor");
    return findings.violations;
  }

  private fold(actor: string, findings: Findings): { readonly kernel: KernelState; readonly sent: number[]; readonly added: number[] } {
    const history = new History(new CounterActor(CLUSTER), sha256);
    const delivery = new DeliveryCheck(findings);
    const [sent, added]: [number[], number[]] = [[], []];
    for (const { sequence, data } of this.server.streams[0]!.read(0, (subject) => subject === SUBJECTS.journal(KIND, actor))) {
      delivery.commit(decodeCommit(data));
      history.fold({ version: sequence, bytes: data }, {
        kernelEvent: (event) => delivery.event(event),
        actorEvent: (event) => {
          if (event.type === "Sent") sent.push(event.n);
          if (event.type === "Added") added.push(event.n);
        },
      });
    }
    return { kernel: history.kernel, sent, added };
  }
}

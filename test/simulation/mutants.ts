/**
 * Planted bugs: each breaks one rule, at a port or around the actor, and must be found. Production code knows nothing of
 * them. A checker that no mutant can make red would be a checker that sees nothing.
 *
 * Numbers M.. are those of `reliability.md` §2.5, translated to one history with group commits.
 */
import type { JobQueueActor } from "@longshore/job-queue";
import type { HostPorts, Inbox, Journal, Reactions, StoredCommit, Version } from "@longshore/kernel";
import { decodeCommit, decodeTrusted, encode, sameBytes } from "@longshore/kernel";
import type { SimProcess } from "@longshore/testkit/simulation";
import type { Cluster, Mutation } from "./cluster.ts";
import { placed } from "./placements.ts";
import type { Action } from "./plan.ts";
import type { RelayOptions } from "./relay.ts";
import type { Scenario } from "./simulate.ts";

export interface Mutant {
  readonly name: string;
  /** The rule that is broken. */
  readonly breaks: string;
  readonly mutation: Mutation;
  /** Makes the seed's world one in which the rule matters. */
  readonly scenario?: (scenario: Scenario) => Scenario;
}

/** A bug in what travels between actors: planted in the relay's world. */
export interface LinkMutant extends Pick<Mutant, "name" | "breaks"> {
  readonly relay: RelayOptions;
}

type Append = Journal["append"];

/** A journal whose appends go another way. */
function withAppend(journal: Journal, append: Append): Journal {
  return {
    append, last: (done) => journal.last(done), read: (after, onCommit, done) => journal.read(after, onCommit, done),
    get: (version, done) => journal.get(version, done), purge: (below, done) => journal.purge(below, done), size: (done) => journal.size(done),
  };
}

/** After this kind of doubt the commit is taken for not stored, and written once more behind whatever is there. */
const againBehind = (cause: "timeout" | "conflict"): Mutation["journal"] => (journal) => withAppend(journal, (bytes, expected, done) => {
  journal.append(bytes, expected, (answer) => {
    if (answer.kind !== "doubt" || answer.cause !== cause) return done(answer);
    journal.last((last) => {
      if (last.kind !== "last") return done(answer);
      journal.append(bytes, last.commit?.version ?? 0, done);
    });
  });
});

/** The look-up takes a commit of the same epoch and number for its own. */
function epochAndNumberOnly(journal: Journal): Journal {
  let ours = new Uint8Array(0);
  const looksLikeOurs = (commit: StoredCommit): boolean => {
    if (ours.length === 0 || sameBytes(commit.bytes, ours)) return true;
    const [mine, theirs] = [decodeCommit(ours), decodeCommit(commit.bytes)];
    return mine.epoch === theirs.epoch && mine.number === theirs.number;
  };
  return {
    ...withAppend(journal, (bytes, expected, done) => {
      ours = bytes.slice();
      journal.append(bytes, expected, done);
    }),
    last: (done) => journal.last((answer) => {
      const isTaken = answer.kind === "last" && answer.commit !== undefined && looksLikeOurs(answer.commit);
      done(isTaken ? { kind: "last", commit: { version: answer.commit!.version, bytes: ours } } : answer);
    }),
  };
}

/** Reactions are called when the commit is made, on the state it leaves, instead of directly after their event. */
function reactLater(actor: JobQueueActor): JobQueueActor {
  const waiting: (() => void)[] = [];
  return {
    ...actor,
    react: (state, event, reactions: Reactions) => void waiting.push(() => actor.react(state, event, reactions)),
    settle: (state, at, emit) => {
      actor.settle(state, at, emit);
      for (const react of waiting.splice(0)) react();
    },
  };
}

/** A message that nobody understands stops the host that reads it, and then the next one. */
function poisonStops(actor: JobQueueActor): JobQueueActor {
  let isPoisoned = false;
  return {
    ...actor,
    parse: (verb, item, sender, fallbackId) => {
      const parsed = actor.parse(verb, item, sender, fallbackId);
      if (parsed.kind === "malformed") isPoisoned = true;
      return parsed;
    },
    settle: (state, at, emit) => {
      if (isPoisoned) {
        isPoisoned = false;
        throw new Error("the decider fails on a message it does not understand");
      }
      actor.settle(state, at, emit);
    },
  };
}

/** State holds a set whose order depends on how the state came to be. */
function iterateASet(actor: JobQueueActor): JobQueueActor {
  const seen = new WeakMap<object, Set<string>>();
  const setOf = (state: object): Set<string> => {
    const set = seen.get(state) ?? new Set<string>();
    seen.set(state, set);
    return set;
  };
  return {
    ...actor,
    evolve: (state, event, at) => {
      if (event.type === "JobAccepted") setOf(state).add(event.topic);
      actor.evolve(state, event, at);
    },
    *snapshot(state) {
      yield [...setOf(state)];
      yield* actor.snapshot(state);
    },
    restore: (chunks) => {
      const [topics, ...rest] = chunks as Iterable<unknown> as unknown as readonly [string[], ...unknown[]];
      const state = actor.restore(rest);
      for (const topic of topics.sort()) setOf(state).add(topic);
      return state;
    },
  };
}

/** A snapshot that says it reaches one commit less far than it does. */
function snapshotOffByOne(ports: HostPorts, cluster: Cluster): HostPorts {
  const before = (version: Version): Version => {
    const index = cluster.commits.findIndex((commit) => commit.version === version);
    return cluster.commits[index - 1]?.version ?? version;
  };
  const { snapshots } = ports;
  return {
    ...ports,
    snapshots: { latest: (done) => snapshots.latest(done), save: (snapshot, done) => snapshots.save({ ...snapshot, version: before(snapshot.version) }, done) },
  };
}

/** Each host takes the time from its own machine, and machines disagree. */
function ownWallClock(ports: HostPorts, _cluster: Cluster, process: SimProcess): HostPorts {
  const skewMs = ((process.name.charCodeAt(1) * 7_919 + process.life * 104_729) % 240_000) - 60_000;
  return { ...ports, serverTime: { sample: (done) => ports.serverTime.sample((serverMs) => done(serverMs === undefined ? undefined : serverMs + skewMs)) } };
}

/** What was seen is written down and never looked at. */
const noMarks = (ports: HostPorts): HostPorts => ({
  ...ports, marks: { read: (done) => void ports.clock.after(1, () => done({ kind: "mark", mark: undefined })), write: (mark) => ports.marks.write(mark) },
});

/** Whatever a host says, it says in the name of the newest epoch there is. */
function forgesEpochs(ports: HostPorts, cluster: Cluster): HostPorts {
  const { wire } = ports;
  const newest = (): number => decodeCommit(cluster.commits.at(-1)!.bytes).epoch;
  const forged = (data: Uint8Array): Uint8Array => {
    const said = decodeTrusted(data);
    if (Array.isArray(said)) return encode([newest(), ...(said as unknown[]).slice(1)]);
    return typeof said === "object" && said !== null && "epoch" in said ? encode({ ...said, epoch: newest() }) : data;
  };
  return {
    ...ports,
    wire: {
      publish: (subject, data) => wire.publish(subject, forged(data)),
      subscribe: (subject, onMessage) => wire.subscribe(subject, ({ reply, ...message }) =>
        onMessage({ ...message, reply: reply && ((data) => reply(forged(data))) })),
      request: (subject, data, timeoutMs, done) => wire.request(subject, data, timeoutMs, done),
      store: (subject, data, done) => wire.store(subject, data, done), onReconnect: (handler) => wire.onReconnect(handler),
      get connected() { return wire.connected; }, maxPayloadBytes: wire.maxPayloadBytes,
    },
  };
}

/** The inbox is read from one message before where it was left. */
const readsAgain = (inbox: Inbox): Inbox => ({
  stream: inbox.stream, read: (after, max, done) => inbox.read(Math.max(0, after - 1), max, done),
  onArrival: (hint) => inbox.onArrival(hint), purge: () => undefined,
});

/**
 * A host stands still while another takes over; a worker is cut off, given up and taken in again; then the first wakes and
 * reads in the hellos it has slept through that the worker has missed something.
 */
function zombieAmongWorkers({ config, plan }: Scenario): Scenario {
  // Long ones, so that no outcome makes the sleeper write and be refused before it speaks.
  const adds = plan.flatMap((action) => action.kind === "add" ? [{ ...action, atMs: 1_000, name: undefined, behaviour: { kind: "deaf", ms: 70_000 } as const, options: {} }] : []).slice(0, 8);
  const trouble: readonly Action[] = [
    { atMs: 3_000, kind: "pause", process: "h1", forMs: 37_000 }, { atMs: 3_050, kind: "takeover", process: "h2" },
    { atMs: 3_500, kind: "cut", process: "w1", forMs: 20_000 },
  ];
  return { config: { ...config, families: [], hosts: 2, troubleMs: 45_000, jitterMs: 1, snapshotEvery: 0, isRewound: false }, plan: [...adds, ...trouble] };
}

/** The fold forgets who added a job. */
const creatorForgotten = (actor: JobQueueActor): JobQueueActor => ({
  ...actor,
  evolve: (state, event, at) => {
    if (event.type !== "JobAccepted" || event.options === undefined) return actor.evolve(state, event, at);
    const { creator: _, ...options } = event.options;
    actor.evolve(state, { ...event, options }, at);
  },
});

/** The fold forgets where a queue wants its jobs. */
const placementForgotten = (actor: JobQueueActor): JobQueueActor => ({
  ...actor,
  evolve: (state, event, at) => {
    if (event.type !== "QueueConfigured") return actor.evolve(state, event, at);
    const { placement: _, ...config } = event.config;
    actor.evolve(state, { ...event, config }, at);
  },
});

export const MUTANTS: readonly Mutant[] = [
  { name: "creators are forgotten", breaks: "a job runs where it was added, if its queue says so", mutation: { actor: creatorForgotten }, scenario: (scenario) => placed(scenario, () => "creator") },
  { name: "leaders are forgotten", breaks: "a queue for the leader runs on one instance", mutation: { actor: placementForgotten }, scenario: (scenario) => placed(scenario, () => "leader") },
  { name: "react called later", breaks: "reactions follow directly after their event", mutation: { actor: reactLater } },
  { name: "epoch and number compared in the look-up", breaks: "only equal bytes are our own commit", mutation: { journal: epochAndNumberOnly } },
  { name: "skewed wall clock at the successor", breaks: "time is the server's", mutation: { ports: ownWallClock } },
  { name: "poison stops every host", breaks: "what cannot be decided is parked", mutation: { actor: poisonStops } },
  {
    name: "M01 no guard", breaks: "an append names the last commit",
    mutation: { journal: (journal, cluster) => withAppend(journal, (bytes, _expected, done) => journal.append(bytes, cluster.journalStream.last, done)) },
  },
  { name: "M03 a conflict is a failure", breaks: "after a conflict the last commit is looked at", mutation: { journal: againBehind("conflict")! } },
  { name: "M04 a time-out is a failure", breaks: "after a time-out the last commit is looked at", mutation: { journal: againBehind("timeout")! } },
  {
    name: "M05 a time-out is a success", breaks: "a time-out says nothing",
    mutation: { journal: (journal) => withAppend(journal, (bytes, expected, done) => journal.append(bytes, expected, (answer) => done(answer.kind === "doubt" && answer.cause === "timeout" ? { kind: "stored", version: expected + 1 } : answer))) },
  },
  { name: "M07 epochs are not compared", breaks: "workers and clients refuse what an overtaken host says", mutation: { ports: forgesEpochs }, scenario: zombieAmongWorkers },
  { name: "M10 a set is iterated", breaks: "the same events give the same bytes", mutation: { actor: iterateASet } },
  { name: "M11 a snapshot off by one", breaks: "a snapshot says how far it reaches", mutation: { ports: snapshotOffByOne } },
  { name: "M18 admission without a bound", breaks: "a full backlog refuses", mutation: { hasNoBounds: true } },
  {
    name: "M20 no rewind guard", breaks: "what was seen is remembered outside the journal", mutation: { ports: noMarks },
    scenario: ({ config, plan }) => ({ config: { ...config, isRewound: true, snapshotEvery: 0 }, plan }),
  },
  { name: "an inbox read again", breaks: "the journal says how far the inbox is accounted for", mutation: { inbox: readsAgain } },
  { name: "answers before the commit is stored", breaks: "nothing leaves before its commit is stored", mutation: { journal: answersEarly } },
];

/** Says "stored" when the commit has only been sent. */
function answersEarly(journal: Journal, cluster: Cluster, process: SimProcess): Journal {
  return withAppend(journal, (bytes, expected, done) => {
    const next = cluster.journalStream.last + 1;
    const { life } = process;
    journal.append(bytes, expected, () => undefined);
    cluster.clock.after(20, () => process.run(life, () => done({ kind: "stored", version: next })));
  });
}

export const LINK_MUTANTS: readonly LinkMutant[] = [
  // Nobody crashes in its world: then it is the second publish in flight that breaks the link, not an acknowledgement that a crash made untrue.
  { name: "a pipelined outbox", breaks: "one publish in flight per receiver", relay: { ports: pipelined, isOnlyNetwork: true } },
];

/** Takes each publish for acknowledged when it is sent, so that the next goes out beside it; and sends it until it is. */
function pipelined(ports: HostPorts): HostPorts {
  const { wire, clock } = ports;
  const until = (subject: string, data: Uint8Array): void => wire.store(subject, data, (answer) => {
    if (answer.kind !== "stored") clock.after(100, () => until(subject, data));
  });
  return {
    ...ports,
    wire: {
      publish: (subject, data) => wire.publish(subject, data), request: (subject, data, timeoutMs, done) => wire.request(subject, data, timeoutMs, done),
      subscribe: (subject, onMessage) => wire.subscribe(subject, onMessage), onReconnect: (handler) => wire.onReconnect(handler),
      store: (subject, data, done) => {
        until(subject, data);
        clock.after(1, () => done({ kind: "stored", sequence: 0 }));
      },
      get connected() { return wire.connected; }, maxPayloadBytes: wire.maxPayloadBytes,
    },
  };
}

/** What the way from one cluster to another must do: two servers, each with streams of its own, and a link that may be down for hours. */
import type { HostPorts, StoreAnswer, WireAnswer } from "@longshore/kernel";
import { encode, Host, senderOf, subjectsOf } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import type { CounterCommand, CounterEvent, CounterRejection, CounterState } from "../counter.ts";
import { CounterActor } from "../counter.ts";
import type { ContractWorld } from "./world.ts";
import { answerTo, bytesOf, textOf, until } from "./world.ts";

export interface LinkSide {
  readonly cluster: string;
  /** Everything a host of this counter needs, of this side alone. */
  ports(actor: string): HostPorts;
}

export interface LinkFixture extends ContractWorld {
  readonly near: LinkSide;
  readonly far: LinkSide;
  /** Breaks the link; resolves when both sides know. */
  cut(): Promise<void> | void;
  /** Joins it, if it is not; resolves when both sides know. */
  join(): Promise<void> | void;
}

type Rule = (title: string, body: (fixture: LinkFixture) => Promise<void>) => void;
type CounterHost = Host<CounterState, CounterCommand, CounterEvent, CounterRejection>;

const KIND = "counter";
const STEPS = 8;
const ASK_MAX = 1_000;

export function linkContract(name: string, makeFixture: () => Promise<LinkFixture> | LinkFixture): void {
  const rule: Rule = (title, body) => {
    test(title, { timeout: 60_000 }, async () => {
      const fixture = await makeFixture();
      try {
        await body(fixture);
      } finally {
        await fixture.close?.();
      }
    });
  };
  describe(`link: ${name}`, () => {
    describe("the inbox of another cluster", () => inboxRules(rule));
    describe("questions", () => questionRules(rule));
    describe("what actors owe each other", () => outboxRules(rule));
  });
}

function inboxRules(rule: Rule): void {
  rule("what is stored there is acknowledged by the far server, and says which cluster speaks", async (fixture) => {
    const { near, far } = fixture;
    const inbox = far.ports("a").inboxes.find(({ stream }) => stream.endsWith("_PEERS"))!;
    expect(await store(fixture, near, "a", "one")).toMatchObject({ kind: "stored" });
    const answer = await answerTo<Parameters<Parameters<typeof inbox.read>[2]>[0]>(fixture, (done) => inbox.read(0, 10, done));
    const [message] = answer.kind === "messages" ? answer.messages : [];
    expect([textOf(message!.data), senderOf(message!.subject)]).toEqual(["one", { role: "peer", principal: near.cluster }]);
  });

  rule("while the link is down nothing counts as stored; both ways it goes on when it is back", async (fixture) => {
    const { near, far } = fixture;
    await fixture.cut();
    expect((await store(fixture, near, "a", "lost")).kind).not.toBe("stored");
    expect((await store(fixture, far, "a", "lost")).kind).not.toBe("stored");
    await fixture.join();
    expect((await store(fixture, near, "a", "there")).kind).toBe("stored");
    expect((await store(fixture, far, "a", "here")).kind).toBe("stored");
  });
}

/** One side's host stores in the other's inbox. */
function store(fixture: LinkFixture, from: LinkSide, actor: string, text: string): Promise<StoreAnswer> {
  const to = from === fixture.near ? fixture.far : fixture.near;
  const { wire } = from.ports(actor);
  return answerTo(fixture, (done) => wire.store(subjectsOf(to.cluster).inbox(KIND, actor, "peer", from.cluster), bytesOf(text), done));
}

function questionRules(rule: Rule): void {
  const ask = (fixture: LinkFixture, actor: string): Promise<WireAnswer> => {
    const { near, far } = fixture;
    const { wire } = near.ports(actor);
    return answerTo(fixture, (done) => wire.request(subjectsOf(far.cluster).command(KIND, actor, "peer", near.cluster), encode({ add: [7] }), 2_000, done));
  };
  /** That somebody listens there is known here a moment later. */
  const askUntilHeard = async (fixture: LinkFixture): Promise<void> => {
    for (let tries = 0; tries < ASK_MAX; tries++) if ((await ask(fixture, "a")).kind === "answer") return;
    throw new Error(`not answered in ${ASK_MAX} tries`);
  };

  rule("a host there answers what it is asked from here, and nobody answers for one that is not there", async (fixture) => {
    const host = await open(fixture, fixture.far, "a");
    await askUntilHeard(fixture);
    expect(host.current.state.total).toBe(7);
    expect(await ask(fixture, "b")).toEqual({ kind: "no-responders" });
    await closed(fixture, host);
  });

  rule("while the link is down there is no answer; when it is back there is", async (fixture) => {
    const host = await open(fixture, fixture.far, "a");
    await askUntilHeard(fixture);
    await fixture.cut();
    expect((await ask(fixture, "a")).kind).not.toBe("answer");
    await fixture.join();
    await askUntilHeard(fixture);
    await closed(fixture, host);
  });
}

function outboxRules(rule: Rule): void {
  rule("each message has its effect once and in its turn, however often the link breaks, and in both directions", async (fixture) => {
    const { near, far } = fixture;
    const [here, there] = [await open(fixture, near, "a"), await open(fixture, far, "a")];
    for (let step = 0; step < STEPS; step++) {
      if (step % 3 === 1) await fixture.cut();
      await owe(fixture, near, far, [1, 10]);
      await owe(fixture, far, near, [100]);
      if (step % 3 === 2) await fixture.join();
    }
    await fixture.join();
    await until(fixture, () => there.current.state.additions === 2 * STEPS && here.current.state.additions === STEPS);
    expect([there.current.state.total, here.current.state.total]).toEqual([11 * STEPS, 100 * STEPS]);
    await until(fixture, () => [here, there].every(({ current }) => [...current.kernel.outbox.values()].every(({ pending }) => pending.length === 0)));
    expect([...there.current.kernel.received]).toEqual([[`peer ${near.cluster}/${near.cluster}.${KIND}.a`, 2 * STEPS]]);
    expect([...here.current.kernel.brokenLinks, ...there.current.kernel.brokenLinks]).toEqual([]);
    await closed(fixture, here, there);
  });

  rule("what nobody reads yet waits in the far inbox, and a link that is down holds back nothing else", async (fixture) => {
    const { near, far } = fixture;
    const here = await open(fixture, near, "a");
    const beside = await open(fixture, near, "b");
    await owe(fixture, near, far, [1]);
    await until(fixture, () => here.current.kernel.outbox.get(`${far.cluster}.${KIND}.a`)?.pending.length === 0);
    await fixture.cut();
    await owe(fixture, near, far, [2, 3]);
    await owe(fixture, near, near, [5], "b");
    await until(fixture, () => beside.current.state.total === 5);
    expect(here.current.kernel.outbox.get(`${far.cluster}.${KIND}.a`)?.pending).toHaveLength(2);
    await fixture.join();
    const there = await open(fixture, far, "a");
    await until(fixture, () => there.current.state.total === 6);
    await closed(fixture, here, beside, there);
  });
}

async function open(fixture: LinkFixture, side: LinkSide, actor: string): Promise<CounterHost> {
  const host: CounterHost = new Host(new CounterActor(side.cluster), side.ports(actor), {
    cluster: side.cluster, actor, instance: "i", principal: "host", incarnation: `${side.cluster}-${actor}`, software: "test",
  });
  host.open();
  await until(fixture, () => host.isServing);
  return host;
}

async function closed(fixture: LinkFixture, ...hosts: readonly CounterHost[]): Promise<void> {
  for (const host of hosts) host.close();
  await until(fixture, () => hosts.every(({ isServing }) => !isServing));
}

/** Lets the counter `a` of one side owe numbers to a counter of the other, or of its own. */
async function owe(fixture: LinkFixture, from: LinkSide, to: LinkSide, numbers: readonly number[], actor = "a"): Promise<void> {
  const receiver = from === to ? actor : `${to.cluster}/${actor}`;
  const { wire } = from.ports("a");
  const subject = subjectsOf(from.cluster).command(KIND, "a", "actor", "host");
  const answer = await answerTo<WireAnswer>(fixture, (done) => wire.request(subject, encode({ send: numbers.map((n) => [receiver, n]) }), 5_000, done));
  expect(answer.kind).toBe("answer");
}

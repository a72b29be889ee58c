/** What the hosts in this process are told of the topology: who has left it, and which topics each instance works on. */
import type { TopicRow, TopologyAnswer } from "@longshore/discovery-agent";
import { DISCOVERY_ACTOR, DISCOVERY_KIND } from "@longshore/discovery-agent";
import type { Departed, Roster } from "@longshore/job-queue";
import type { Clock, Wire, WireAnswer } from "@longshore/kernel";
import { decodeUntrusted, encode, subjectsOf } from "@longshore/kernel";

/** Departures remembered for a host that opens later. */
const GONE_MAX = 1_000;
const ANSWER_WITHIN_MS = 2_000;
const AGAIN_MS = 1_000;

interface RosterPlace {
  readonly cluster: string;
  readonly principal: string;
}

export class InstanceRoster implements Roster {
  private readonly wire: Wire;
  private readonly clock: Clock;
  private readonly querySubject: string;
  private readonly gone: Departed[] = [];
  private readonly onGones = new Set<(who: Departed) => void>();
  private readonly onTopicsRuns = new Set<() => void>();
  private readonly onOrderRuns = new Set<() => void>();
  private members: readonly Departed[] = [];
  /** `<instance>/<pattern>` of what is not worked on. */
  private disabled: ReadonlySet<string> = new Set();
  private asked = -1;
  private cancel: () => void = () => undefined;

  constructor({ wire, clock }: { readonly wire: Wire; readonly clock: Clock }, { cluster, principal }: RosterPlace) {
    this.wire = wire;
    this.clock = clock;
    this.querySubject = subjectsOf(cluster).query(DISCOVERY_KIND, DISCOVERY_ACTOR, "hello", principal);
  }

  /** A newer picture of the topology. */
  read({ view, change }: TopologyAnswer): void {
    if (view !== null) this.compare(view.members);
    if (change === this.asked) return;
    this.asked = change;
    this.askTopics();
  }

  close(): void {
    this.asked = Number.POSITIVE_INFINITY;
    this.cancel();
  }

  /** It was a member of an activated view while this was open, and is none any more. */
  hasLeft(incarnation: string): boolean {
    return this.gone.some((who) => who.incarnation === incarnation);
  }

  onGone(gone: (who: Departed) => void): () => void {
    this.onGones.add(gone);
    for (const who of [...this.gone]) gone(who);
    return () => this.onGones.delete(gone);
  }

  onTopics(changed: () => void): () => void {
    this.onTopicsRuns.add(changed);
    return () => this.onTopicsRuns.delete(changed);
  }

  order(): readonly string[] | undefined {
    return this.members.length === 0 ? undefined : this.members.map(({ instance }) => instance);
  }

  onOrder(changed: () => void): () => void {
    this.onOrderRuns.add(changed);
    return () => this.onOrderRuns.delete(changed);
  }

  isEnabled(instance: string, pattern: string): boolean {
    return !this.disabled.has(`${instance}/${pattern}`);
  }

  private compare(members: readonly Departed[]): void {
    const departed = this.members.filter(({ incarnation }) => !members.some((member) => member.incarnation === incarnation));
    const isSame = this.members.length === members.length && this.members.every(({ incarnation }, i) => incarnation === members[i]?.incarnation);
    this.members = members;
    for (const { instance, incarnation } of departed) {
      this.gone.push({ instance, incarnation });
      if (this.gone.length > GONE_MAX) this.gone.shift();
      for (const run of [...this.onGones]) run({ instance, incarnation });
    }
    if (!isSame) for (const run of [...this.onOrderRuns]) run();
  }

  private askTopics(): void {
    const { asked } = this;
    this.cancel();
    this.wire.request(this.querySubject, encode({ ask: "topics" }), ANSWER_WITHIN_MS, (answer) => {
      if (asked !== this.asked) return;
      const rows = rowsIn(answer);
      if (rows === undefined) this.cancel = this.clock.after(AGAIN_MS, () => this.askTopics());
      else this.takeTopics(rows);
    });
  }

  private takeTopics(rows: readonly TopicRow[]): void {
    const disabled = new Set(rows.flatMap(({ topic, instances }) => instances.filter(({ state }) => state === "disabled").map(({ instance }) => `${instance}/${topic}`)));
    const isSame = disabled.size === this.disabled.size && [...disabled].every((entry) => this.disabled.has(entry));
    this.disabled = disabled;
    if (!isSame) for (const run of [...this.onTopicsRuns]) run();
  }
}

function rowsIn(answer: WireAnswer): readonly TopicRow[] | undefined {
  if (answer.kind !== "answer") return undefined;
  const message = decodeUntrusted(answer.data) as { readonly answer?: unknown } | null;
  return Array.isArray(message?.answer) ? (message.answer as readonly TopicRow[]) : undefined;
}

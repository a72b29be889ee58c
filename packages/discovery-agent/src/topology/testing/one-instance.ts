/** Instance `a` of cluster `one`, whose topology history a test writes by hand. */
import type { RemoteClusterView } from "../../vocabulary.ts";
import { checkDelivery, type DeliveryViolation } from "../invariants.ts";
import { Diary, type Listener } from "./diary.ts";
import { cluster, member } from "./models.ts";
import { TestClock } from "./test-clock.ts";

export class OneInstance {
  readonly clock: TestClock = new TestClock();
  readonly diary: Diary;
  private number = 0;
  private stamp = 0;

  constructor(options: { readonly minEventDelayMs?: number; readonly queuedMax?: number; readonly listenersMax?: number } = {}) {
    this.diary = new Diary({ self: member("a"), cluster: "main", clock: this.clock, stamp: () => this.stamp++, ...options });
  }

  get topology(): Diary["topology"] {
    return this.diary.topology;
  }

  bind(options: { readonly isSlow?: boolean; readonly barrier?: boolean } = {}): Listener {
    return this.diary.bind(this.diary.listener(options), options.barrier === undefined ? {} : { barrier: options.barrier });
  }

  /** A change is noticed: a view is proposed. */
  propose(instances: readonly string[] = ["a"]): void {
    this.diary.read({ proposal: { number: ++this.number, members: instances.map((instance) => member(instance)) } });
  }

  /** A new view is activated: the proposed one, or one whose proposal was passed over. */
  activate(instances: readonly string[] = ["a"]): void {
    const { proposal, view } = this.diary.facts;
    if (proposal === undefined || proposal.number <= (view?.number ?? 0)) this.number++;
    this.diary.read({ view: cluster(this.number, instances) });
  }

  /** The same facts once more, in other objects. */
  repeat(): void {
    const { view, proposal, remote } = this.diary.facts;
    this.diary.read(copyOf({ view, proposal, remote }));
  }

  say(instance: string, properties: Readonly<Record<string, string>>): void {
    const view = this.diary.facts.view!;
    this.diary.read({ view: { ...view, members: view.members.map((each) => (each.instance === instance ? { ...each, properties, propertiesVersion: each.propertiesVersion + 1 } : each)) } });
  }

  remote(...remote: readonly RemoteClusterView[]): void {
    this.diary.read({ remote });
  }

  /** What speaks against SA1 to SA7. INV-6 is judged where proposals are never passed over. */
  violations({ isAcknowledged = false }: { readonly isAcknowledged?: boolean } = {}): readonly DeliveryViolation[] {
    return checkDelivery([this.diary.log]).filter(({ invariant }) => isAcknowledged || invariant !== "INV-6");
  }
}

/** A sequence of numbers that looks like chance and is always the same. */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

/** Instances that come and go. */
export const NAMES: readonly string[] = ["b", "c", "d", "e"];

/** RAND: each step perhaps a noticed change, then a new view. What is told otherwise than as CHANGING and CHANGED, each with its cause. */
export function toldWrongly(one: OneInstance, listeners: readonly Listener[], { steps = 20, seed = 7 }: { readonly steps?: number; readonly seed?: number } = {}): readonly unknown[] {
  const wrong: unknown[] = [];
  const numberBelow = numbersFrom(seed);
  const expectNews = (expected: readonly string[]): void => {
    for (const listener of listeners) {
      const news = listener.news();
      if (news.join() !== expected.join()) wrong.push({ news, expected });
    }
  };
  for (const listener of listeners) listener.news();
  for (let step = 0; step < steps; step++) {
    const known = one.diary.facts.view!.number;
    const isNoticed = numberBelow(2) === 0;
    if (isNoticed) {
      one.propose();
      expectNews([`CHANGING ${known}`]);
    }
    one.activate(["a", ...NAMES.slice(0, numberBelow(4))]);
    expectNews([...(isNoticed ? [] : [`CHANGING ${known}`]), `CHANGED ${known}>${one.diary.facts.view!.number}`]);
  }
  return [...wrong, ...one.violations()];
}

/** Started, and a listener that was told the first view. */
export function settled(options: ConstructorParameters<typeof OneInstance>[0] = {}): { readonly one: OneInstance; readonly listener: Listener } {
  const one = new OneInstance(options);
  const listener = one.bind();
  one.topology.start();
  one.activate();
  listener.news();
  return { one, listener };
}

/** Plain data once more. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copyOf(inner)])) as T;
}

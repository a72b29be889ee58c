import { expect, it } from "vitest";
import { ranks } from "./ranks.ts";
import { NO_ROSTER, type Roster } from "./roster.ts";
import { FakeHost } from "./testing/fake-host.ts";

class View implements Roster {
  readonly onGone = NO_ROSTER.onGone;
  readonly onTopics = NO_ROSTER.onTopics;
  readonly isEnabled = NO_ROSTER.isEnabled;
  private readonly changed = new Set<() => void>();
  private known: readonly string[] | undefined = undefined;

  order(): readonly string[] | undefined {
    return this.known;
  }

  onOrder(changed: () => void): () => void {
    this.changed.add(changed);
    return () => this.changed.delete(changed);
  }

  become(...known: readonly string[]): void {
    this.known = known;
    for (const run of [...this.changed]) run();
  }
}

function setup() {
  const view = new View();
  const host = new FakeHost(ranks(view));
  const leads = (): void => void host.mini.configure("q", { topics: ["a"], placement: "leader" });
  const said = (): number => host.mini.count("InstancesRanked");
  return { view, host, leads, said };
}

it("says nothing where no queue asks for its leader, and what it knows as soon as one does", () => {
  const { view, host, leads, said } = setup();
  view.become("b", "a");
  expect(said()).toBe(0);
  leads();
  view.become("b", "a");
  expect(host.mini.state.ranked).toEqual(["b", "a"]);
});

it("says each order once, and the newest after one that was on its way", () => {
  const { view, host, leads, said } = setup();
  leads();
  view.become("a", "b");
  view.become("a", "b");
  expect(said()).toBe(1);
  host.isSlow = true;
  view.become("b");
  view.become("b", "c");
  host.isSlow = false;
  host.decideWaiting();
  host.advance(1_000);
  expect(host.mini.state.ranked).toEqual(["b", "c"]);
});

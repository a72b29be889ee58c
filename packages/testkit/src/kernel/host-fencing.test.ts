/** Two hosts of one history: the guard decides, and whoever was overtaken stops. */
import type { HostPorts } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import { Gate, HostWorld, hexOf } from "./host-world.ts";

const session = (number: number): Record<string, unknown> =>
  ({ session: `${(1_000_000).toString(36)}-abcdefgh`, first: number, unanswered: 0, notAfter: 1_060_000 });

describe("fencing", () => {
  test("a host that another has overtaken stops at its next append, and its command is not lost on the other", () => {
    const world = new HostWorld();
    const old = world.open();
    const next = world.open({ instance: "i2" });
    const answers = world.sendDirect({ add: [5], ...session(0) });
    world.settle(500);
    expect(old.stops).toEqual([{ kind: "fenced" }]);
    expect(next.stops).toEqual([]);
    expect(answers).toHaveLength(1);
    expect(world.ask({ add: [5], ...session(0) })).toMatchObject({ epoch: 2 });
    expect(world.query()).toMatchObject({ epoch: 2, answer: { total: 5 } });
    expect(world.replay().state.total).toBe(5);
  });

  test("of hosts that open together one serves and the others are fenced", () => {
    const world = new HostWorld();
    const hosts = ["a", "b", "c"].map((instance) => world.start({ instance }));
    world.settle(2_000);
    expect(hosts.filter(({ host }) => host.isServing)).toHaveLength(1);
    expect(hosts.flatMap(({ stops }) => stops)).toEqual([{ kind: "fenced" }, { kind: "fenced" }]);
    expect(world.replay().kernel).toMatchObject({ epoch: 1, number: 1 });
  });

  test.each([true, false])("a host that takes over opens although the other never stops writing (%s)", (takeOver) => {
    const world = new HostWorld();
    const old = world.open();
    const keepBusy = (): void => {
      if (!old.host.isServing) return;
      world.sendDirect({ add: [1] });
      world.clock.after(1, keepBusy);
    };
    keepBusy();
    world.settle(100);
    // On the way of its append there is always one of the other.
    const slow = new Gate((go) => world.clock.after(2, go));
    const next = world.start({ instance: "i2", takeOver, ports: slow.ports });
    world.settle(5_000);
    expect([old.stops, next.stops]).toEqual(takeOver ? [[{ kind: "fenced" }], []] : [[], [{ kind: "fenced" }]]);
  });

  test("an append of a dead host that arrives late fences the successor or is refused, and never both are stored", () => {
    for (const lateAfter of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20]) {
      const world = new HostWorld();
      const gate = new Gate();
      const old = world.open({ ports: gate.ports });
      gate.held = true;
      world.sendDirect({ add: [5], ...session(0) });
      world.settle();
      const next = world.start({ instance: "i2" });
      for (let i = 0; i < lateAfter; i++) world.clock.step();
      gate.open();
      world.settle(2_000);
      // An overtaken host learns it at its next append.
      world.sendDirect({ add: [1] });
      world.settle(2_000);
      const survivors = [old.host, next.host].filter((host) => host.isServing);
      expect(survivors, `${lateAfter} steps late`).toHaveLength(1);
      expect(hexOf(world.replay().stateHash())).toBe(hexOf(survivors[0]!.current.stateHash()));
    }
  });
});

test("a host that is closed while it recovers asks for nothing any more", () => {
  const world = new HostWorld();
  let asked = 0;
  const away = (ports: HostPorts): HostPorts => ({ ...ports, marks: { ...ports.marks, read: (done) => {
    asked++;
    world.clock.after(1, () => done({ kind: "unavailable" }));
  } } });
  const { host, stops } = world.start({ ports: away });
  world.settle(1_000);
  expect(asked).toBeGreaterThan(2);
  host.close();
  const before = asked;
  world.settle(5_000);
  expect([asked, stops]).toEqual([before, [{ kind: "closed" }]]);
});

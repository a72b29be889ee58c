/** What stands beside a host: when it is told that the host opens, serves and stops, and what it may say then. */
import type { Attendant, HostContext, Sender } from "@longshore/kernel";
import { decodeCommit } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import type { CounterEvent, CounterState } from "../counter.ts";
import { Gate, HostWorld } from "./host-world.ts";

const HOST: Sender = { role: "actor", principal: "host" };
const ADDED = 16;
const DUE = 18;

/** Keeps what it was told, and adds a number when the host opens. */
function recorder(n: number): { readonly attendant: Attendant<CounterState, CounterEvent>; readonly heard: string[] } {
  const heard: string[] = [];
  const attendant: Attendant<CounterState, CounterEvent> = {
    opening: (context) => {
      heard.push("opening");
      context.command("add", n, HOST);
    },
    serving: () => void heard.push("serving"),
    stopped: () => void heard.push("stopped"),
  };
  return { attendant, heard };
}

describe("an attendant", () => {
  test("is told of each opening before anything is settled: its word stands in the first commit, in front of what has fallen due", () => {
    const world = new HostWorld();
    const { host } = world.open();
    const { at } = host.current.kernel;
    world.ask({ later: [[at + 10_000, 5]] });
    host.close();
    world.settle(60_000);
    const { attendant, heard } = recorder(7);
    const second = world.open({ instance: "i2", attendants: [attendant] });
    expect(heard).toEqual(["opening", "serving"]);
    const commits = world.server.journal("counter", "main").commits();
    const first = commits.map(({ bytes }) => decodeCommit(bytes)).find(({ epoch }) => epoch === 2)!;
    expect(first.events.map(([code]) => code as number).filter((code) => code >= ADDED)).toEqual([ADDED, DUE]);
    expect(second.host.current.state.total).toBe(12);
    second.host.close();
    world.settle(1_000);
    expect(heard).toEqual(["opening", "serving", "stopped"]);
  });

  test("may say something in each commit that is made: behind what waits for it, and in front of what has fallen due", () => {
    const world = new HostWorld();
    let context: HostContext<CounterState> | undefined;
    let word: number | undefined;
    const attendant: Attendant<CounterState, CounterEvent> = {
      serving: (given) => void (context = given),
      committing: () => {
        if (word !== undefined) context?.command("add", word, HOST);
        word = undefined;
      },
      stopped: () => undefined,
    };
    const { host } = world.open({ attendants: [attendant] });
    world.ask({ later: [[host.current.kernel.at + 1_000, 5]] });
    word = 100;
    world.settle(2_000);
    const commits = world.server.journal("counter", "main").commits().map(({ bytes }) => decodeCommit(bytes));
    const last = commits.find(({ events }) => events.some(([code]) => code === DUE))!;
    expect(last.events.map(([code]) => code as number)).toEqual([ADDED, DUE]);
    expect(host.current.state.total).toBe(105);
  });

  test("is told of an opening once for each, also by the same host", () => {
    const world = new HostWorld();
    const { attendant, heard } = recorder(1);
    const { host } = world.open({ attendants: [attendant] });
    host.close();
    world.settle(1_000);
    host.open();
    world.settle(20_000);
    expect(heard).toEqual(["opening", "serving", "stopped", "opening", "serving"]);
    expect(world.replay().state.total).toBe(2);
  });

  test("of a host that is fenced while it opens is not told that it serves, and what it said is nowhere", () => {
    const world = new HostWorld();
    const { attendant, heard } = recorder(1);
    const gate = new Gate();
    gate.held = true;
    const late = world.start({ attendants: [attendant], ports: gate.ports });
    expect(world.clock.runUntil(() => gate.waitingCount > 0)).toBe(true);
    world.open({ instance: "i2" });
    gate.open();
    world.settle(20_000);
    expect(late.stops).toEqual([{ kind: "fenced" }]);
    expect(heard).toEqual(["opening", "stopped"]);
    expect(world.replay().state.total).toBe(0);
  });
});

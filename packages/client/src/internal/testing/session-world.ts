/** A session on a fake wire. */
import type { Role } from "@longshore/kernel";
import { encode } from "@longshore/kernel";
import { Epochs } from "../epochs.ts";
import { HostTime } from "../host-time.ts";
import type { Asked } from "../session.ts";
import { Session } from "../session.ts";
import type { Settled } from "../session-answer.ts";
import type { FakeRequest, FakeWorld } from "./fake-wire.ts";
import { fakeWorld, WALL_MS } from "./fake-wire.ts";

/** Somebody who gave a command, and what they were told. */
export class Hearing implements Asked {
  outcome: Settled | undefined = undefined;
  settled(outcome: Settled): void {
    if (this.outcome !== undefined) throw new Error("a command is settled once");
    this.outcome = outcome;
  }
}

export interface SessionWorld extends FakeWorld {
  readonly epochs: Epochs;
  readonly session: Session;
  /** Gives a command, and answers the question for the host's time where it comes up. */
  ask(value: unknown, verb?: string): Hearing;
  /** The message on its way. */
  inFlight(): FakeRequest;
}

interface Setup {
  readonly roles?: readonly Role[];
  readonly limits?: Parameters<typeof fakeWorld>[0];
  readonly host?: "up" | "down";
}

export function sessionWorld({ roles = ["submit", "operate"], limits = {}, host = "up" }: Setup = {}): SessionWorld {
  const world = fakeWorld(limits);
  const epochs = new Epochs();
  const session = new Session(world.ports, world.place, roles, world.limits, epochs, new HostTime(world.ports, world.place, epochs));
  const ask = (value: unknown, verb = "submit"): Hearing => {
    const hearing = new Hearing();
    session.ask(verb, encode(value), hearing);
    world.clock.advance(0);
    const question = world.wire.open(".q.")[0];
    if (host === "up") question?.answer({ epoch: 1, commit: 1, answer: { at: WALL_MS + 5_000 + world.clock.monotonicMs() } });
    else question?.fail("no-responders");
    return hearing;
  };
  const inFlight = (): FakeRequest => {
    world.clock.advance(0);
    return world.wire.open(".cm.")[0]!;
  };
  return { ...world, epochs, session, ask, inFlight };
}

/** An answer under which `count` commands are accepted. */
export const accepted = (count: number, epoch = 1): { readonly epoch: number; readonly commit: number; readonly count: number } => ({ epoch, commit: 2, count });

/** Instances that are started again whatever ends them, as a service manager would. */

import { type Member, until } from "../e2e/faults/world.ts";

/** How long a service manager waits before it starts something again, milliseconds. */
const RESTART_AFTER_MS = 1_000;
/** How a service ends that was overtaken, and one that could not reach what it needs: it is started again. */
const ORDINARY = { fenced: 5, unreachable: 4 } as const;
const WORDS_MAX = 12;

export interface Slot<One extends Member = Member> {
  readonly name: string;
  /** The process at hand; the one before it has ended. */
  member: One;
  isStopped: boolean;
}

export class Fleet<One extends Member = Member> {
  readonly slots: readonly Slot<One>[];
  /** Ends that no fault asked for, by exit code. */
  readonly exits = new Map<number, number>();
  /** The last words of those that ended for no ordinary reason. */
  readonly surprises: string[] = [];
  /** The last words of those that could not reach what they need. */
  readonly unreached: string[] = [];
  private readonly start: (name: string) => One;
  private readonly asked = new Set<Member>();
  private isOver = false;

  /** Starts one under each name, and the next under the same name when it has ended. */
  constructor(names: readonly string[], start: (name: string) => One) {
    this.start = start;
    this.slots = names.map((name) => ({ name, member: start(name), isStopped: false }));
    for (const slot of this.slots) void this.keep(slot);
  }

  /** The one that said last that it serves, if it still runs. */
  get host(): Slot<One> | undefined {
    return this.hostOf("job-queue.main");
  }

  /** Of the actor, `<kind>.<name>`. */
  hostOf(actor: string): Slot<One> | undefined {
    return this.slots.find(({ member: { isEnded, text } }) => !isEnded && lastSaid(text, actor) === "host.serving");
  }

  get running(): readonly Slot<One>[] {
    return this.slots.filter(({ member, isStopped }) => !member.isEnded && !isStopped);
  }

  async kill({ member }: Slot): Promise<void> {
    this.asked.add(member);
    await member.kill();
  }

  /** In order; killed when it has not ended in time. */
  async leave({ member }: Slot, withinMs: number): Promise<boolean> {
    this.asked.add(member);
    member.signal("SIGTERM");
    const isInTime = await until("it has ended", () => member.isEnded, withinMs).then(() => true, () => false);
    if (!isInTime) await member.kill();
    return isInTime;
  }

  pause(slot: Slot): void {
    slot.isStopped = true;
    slot.member.signal("SIGSTOP");
  }

  goOn(slot: Slot): void {
    slot.member.signal("SIGCONT");
    slot.isStopped = false;
  }

  /** Starts nothing more. */
  end(): void {
    this.isOver = true;
  }

  private async keep(slot: Slot<One>): Promise<void> {
    while (!this.isOver) {
      const { member } = slot;
      const code = await member.ended;
      if (!this.asked.has(member) && !this.isOver) this.surprised(slot, code);
      await new Promise((next) => setTimeout(next, RESTART_AFTER_MS));
      if (!this.isOver) slot.member = this.start(slot.name);
    }
  }

  private surprised({ name, member }: Slot, code: number): void {
    this.exits.set(code, (this.exits.get(code) ?? 0) + 1);
    const words = (count: number): string => member.text.trim().split("\n").slice(-count).join("\n    ");
    if (code === ORDINARY.unreachable) this.unreached.push(`${name}: ${words(3)}`);
    if (!Object.values<number>(ORDINARY).includes(code)) this.surprises.push(`${name} ended with ${code}: ${words(WORDS_MAX)}`);
  }
}

/** What was said last of who hosts an actor. */
function lastSaid(text: string, actor: string): string | undefined {
  const line = text.split("\n").findLast((one) => one.includes(`"actor":"${actor}"`) && (one.includes('"host.serving"') || one.includes('"host.moved"')));
  return line === undefined ? undefined : line.includes('"host.serving"') ? "host.serving" : "host.moved";
}

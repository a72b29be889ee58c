/** Instances that see each other: who they are, what each of them says it sees and hosts, and the death of one. */
import { join } from "node:path";
import type { Crew, Member } from "./crew.ts";
import type { Said } from "./instance.ts";

/** One instance, as it has told. */
interface Seen {
  readonly member: Member;
  view: { readonly at: number; readonly number: number; readonly instances: readonly string[]; readonly chosen: string | undefined } | undefined;
  /** Since when it hosts the queue; undefined when it does not. */
  hostsSince: number | undefined;
}

export interface Killed {
  readonly name: string;
  readonly pid: number;
  readonly at: number;
  readonly led: boolean;
  readonly hosted: boolean;
}

/** How long instances may take to agree, and to take over. The bound of a hang, not a figure. */
const WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 20;

export class Fleet {
  killed: Killed | undefined;
  private readonly crew: Crew;
  private readonly folder: string;
  private readonly seen = new Map<string, Seen>();
  /** Said by one before its start was known to be over. */
  private readonly early: (readonly [name: string, said: Said])[] = [];

  constructor(crew: Crew, folder: string) {
    this.crew = crew;
    this.folder = folder;
  }

  get members(): readonly Member[] {
    return [...this.seen.values()].map(({ member }) => member);
  }

  /** The one that hosts the queue. */
  get host(): string | undefined {
    return [...this.seen].find(([, { hostsSince }]) => hostsSince !== undefined)?.[0];
  }

  /** Resolves when all of them see all of them, and one hosts the queue. */
  async start(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, i) => `instance-${i + 1}`);
    await Promise.all(names.map(async (name) => {
      const member = await this.crew.start(name, "instance.ts", [name, join(this.folder, name)]);
      this.seen.set(name, { member, view: undefined, hostsSince: undefined });
      for (const [who, said] of this.early.splice(0)) this.heard(who, said);
    }));
    await this.until(() => this.agrees(names) && this.isSettled, "the instances to see each other");
  }

  heard(name: string, said: Said): void {
    const seen = this.seen.get(name);
    if (seen === undefined) return void this.early.push([name, said]);
    if (said.said === "view") seen.view = said;
    else seen.hostsSince = said.said === "hosts" ? said.at : undefined;
  }

  /** The one that hosts the queue is gone, without a word. */
  async kill(): Promise<Killed> {
    const name = this.host ?? [...this.seen.keys()][0]!;
    const { member, view, hostsSince } = this.seen.get(name)!;
    this.seen.delete(name);
    const killed = { name, pid: member.pid, at: Date.now(), led: view?.instances[0] === name, hosted: hostsSince !== undefined };
    this.killed = killed;
    await this.crew.kill(member);
    return killed;
  }

  /** Resolves when all the others are agreed that it is gone, and one of them hosts the queue. Says who, and how long that took. */
  async takenOver(): Promise<readonly string[]> {
    const at = this.killed?.at ?? 0;
    await this.until(() => this.agrees([...this.seen.keys()]) && this.isSettled, "the others to take over");
    const [first] = this.seen.values();
    const agreedMs = Math.max(...[...this.seen.values()].map(({ view }) => view!.at)) - at;
    const host = this.host!;
    const { view } = first!;
    return [
      `  After ${seconds(agreedMs)} all the others agree on view ${view!.number}: ${view!.instances.join(", ")}; ${view!.instances[0]} leads.`,
      `  After ${seconds(this.seen.get(host)!.hostsSince! - at)} ${host} hosts the queue.`,
    ];
  }

  /** The one that their view chooses hosts the queue, and nobody else. */
  private get isSettled(): boolean {
    const [first] = this.seen.values();
    const hosts = [...this.seen].filter(([, { hostsSince }]) => hostsSince !== undefined);
    return hosts.length === 1 && hosts[0]![0] === first?.view?.chosen;
  }

  private agrees(names: readonly string[]): boolean {
    const wanted = [...names].sort().join();
    return names.every((name) => [...(this.seen.get(name)?.view?.instances ?? [])].sort().join() === wanted);
  }

  private async until(fact: () => boolean, what: string): Promise<void> {
    const untilMs = performance.now() + WITHIN_MS;
    while (!fact()) {
      if (performance.now() > untilMs) throw new Error(`waited ${WITHIN_MS / 1_000} s for ${what}: ${[...this.seen].map(([name, { view, hostsSince }]) => `${name} sees ${view?.instances.join() ?? "nobody"}${hostsSince === undefined ? "" : " and hosts"}`).join("; ")}`);
      await new Promise((next) => setTimeout(next, LOOK_EVERY_MS));
    }
  }
}

const seconds = (ms: number): string => `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;

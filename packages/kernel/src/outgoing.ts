/** What must leave the host once a commit is stored, and not before: answers, and what is told to workers and clients. */
import type { ActorAddress, Droppable, Reactions } from "./actor.ts";
import { encode } from "./codec.ts";
import type { KernelState } from "./kernel-state.ts";
import { addressKey } from "./kernel-state.ts";
import { owe } from "./outbox.ts";
import type { Wire } from "./ports.ts";
import { ValueRun } from "./value-run.ts";

/** Collects the reactions of one commit. Items for one address share messages: `[epoch, firstNumber, items]`. */
export class Outgoing implements Reactions {
  private readonly wire: Wire;
  private readonly prefix: string;
  private readonly kernel: () => KernelState;
  private readonly runs = new Map<string, ValueRun>();
  private readonly full: { readonly address: string; readonly run: ValueRun }[] = [];
  private afterwards: (() => void)[] = [];
  /** Per address, how many items were told in this epoch. A receiver that sees a gap asks again. */
  private readonly told = new Map<string, number>();

  constructor(wire: Wire, prefix: string, kernel: () => KernelState) {
    this.wire = wire;
    this.prefix = prefix;
    this.kernel = kernel;
  }

  tell(address: string, item: unknown): void {
    let run = this.runs.get(address);
    if (run === undefined) {
      run = new ValueRun();
      this.runs.set(address, run);
    }
    run.push(item);
    if (run.bytes < this.wire.maxPayloadBytes / 2) return;
    this.full.push({ address, run });
    this.runs.delete(address);
  }

  send(receiver: ActorAddress, body: unknown, how?: Droppable): void {
    owe(this.kernel().outbox, addressKey(receiver), body, how);
  }

  /** Runs when the commit is stored, before what is told. */
  whenStored(run: () => void): void {
    this.afterwards.push(run);
  }

  /** Lets everything go. Called when the commit is stored, or when there was nothing to store. */
  flush(epoch: number): void {
    const { afterwards } = this;
    this.afterwards = [];
    for (const run of afterwards) run();
    for (const { address, run } of this.full.splice(0)) this.publish(epoch, address, run);
    for (const [address, run] of this.runs) {
      if (run.count > 0) this.publish(epoch, address, run);
      else this.runs.delete(address); // Nobody was told anything since the last flush: do not keep addresses for ever.
    }
  }

  /** How many items an address was told in this epoch. */
  toldCount(address: string): number {
    return this.told.get(address) ?? 0;
  }

  /** The state these came from is gone; so are they. */
  drop(): void {
    this.afterwards = [];
    this.full.length = 0;
    this.runs.clear();
    this.told.clear();
  }

  forget(address: string): void {
    this.told.delete(address);
    this.runs.delete(address);
  }

  private publish(epoch: number, address: string, run: ValueRun): void {
    const first = (this.told.get(address) ?? 0) + 1;
    this.told.set(address, first + run.count - 1);
    this.wire.publish(this.prefix + address, run.sealBehind(encode([epoch, first])));
  }
}

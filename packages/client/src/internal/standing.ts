/**
 * Where a worker stands with its host: the epoch, its member number, what it has been told, when the host last proved
 * itself.
 */
import type { Answer } from "./courier.ts";
import type { Epochs } from "./epochs.ts";
import type { HelloFields } from "./hello.ts";
import { Received } from "./received.ts";
import type { Told } from "./told.ts";

export class Standing {
  /** Under which number the host has taken this incarnation in. */
  member: number | undefined = undefined;
  /** Monotonic time of the sending of the last hello that was answered with a proof. */
  provenMs: number;
  private readonly epochs: Epochs;
  private readonly received = new Received();
  private workEpoch = 0;
  private helloEpoch = 0;
  /** Of the answer at hand. */
  private greetingEpoch = 0;
  /** What was told up to this number was for an earlier incarnation of this instance, or for what it was before. */
  private floor = 0;

  constructor(epochs: Epochs, nowMs: number) {
    this.epochs = epochs;
    this.provenMs = nowMs;
  }

  get hasGap(): boolean {
    return this.received.hasGap;
  }

  /** Whether this epoch was first heard of in the answer to a hello: its host need not be greeted again. */
  isGreeting(epoch: number): boolean {
    return epoch === this.greetingEpoch;
  }

  /** How many items at its beginning do not concern us; undefined when nothing of it does. Notes its numbers. */
  foreign({ epoch, first, items }: Told): number | undefined {
    // Before a host has taken this incarnation in, what comes here was meant for the one before it. It counts as not
    // received: if it was ours after all, the gap shows.
    if (epoch < this.workEpoch || !this.epochs.heard(epoch) || this.member === undefined) return undefined;
    this.enter(epoch);
    this.received.add(first, first + items.length - 1);
    return Math.max(0, this.floor - first + 1);
  }

  /** Whether a host of this epoch told it to the incarnation it has taken in, and not to one before. */
  isOurs(epoch: number, told: number): boolean {
    return epoch === this.workEpoch && told > this.floor;
  }

  fields(): Pick<HelloFields, "epoch" | "received" | "member" | "gap"> {
    const received = this.workEpoch === this.helloEpoch ? this.received.upTo : 0;
    return { epoch: this.helloEpoch, received, ...(this.member !== undefined && { member: this.member }), ...(this.received.hasGap && { gap: true }) };
  }

  /** Takes the answer to a hello; false when its host no longer holds the history. */
  answered({ epoch, told, member, proven, again }: Answer, sentMs: number): boolean {
    if (typeof epoch !== "number" || epoch < this.workEpoch) return false;
    this.greetingEpoch = epoch;
    if (!this.epochs.heard(epoch)) return false;
    this.enter(epoch);
    if (typeof member !== "number") return true; // The host is still at it: the next answer says more.
    this.helloEpoch = epoch;
    if (again === true && typeof told === "number") this.received.skipTo(told);
    if (proven === true) this.provenMs = sentMs;
    if (member !== this.member) {
      this.member = member;
      this.floor = typeof told === "number" ? told : 0;
    }
    return true;
  }

  private enter(epoch: number): void {
    if (epoch <= this.workEpoch) return;
    this.workEpoch = epoch;
    this.floor = 0;
    this.received.reset();
  }
}

/** A link that is down for hours: what is owed to the other side, and how this side's state stands, has bounds. */
import type { Outbox } from "@longshore/kernel";
import { acknowledge, encodeCanonical, OUTBOX_LIMITS, owe } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { MiniHost } from "./testing/mini-host.ts";

const ORIGIN = "far.offload-router.main";
/** As many as are ever taken in. */
const GUESTS = 10_000;
const ENDED = 50;

interface Arrival {
  readonly number: number;
  readonly verb: string;
  readonly item: { readonly trip: number; readonly report?: { readonly attempt?: number; readonly progress?: readonly unknown[] } };
}

/** A worker cluster, and the outbox that its kernel keeps for the origin. */
class Cut {
  readonly host = new MiniHost();
  private readonly guests: number;
  private readonly outboxes = new Map<string, Outbox>();

  constructor(guests: number) {
    this.guests = guests;
    for (let trip = 1; trip <= guests; trip++) this.host.offer(trip);
    this.fold();
  }

  get outbox(): Outbox {
    return this.outboxes.get(ORIGIN)!;
  }

  /** What the router has sent since goes into the outbox. */
  fold(): void {
    for (const { to, verb, item, how } of this.host.sent.splice(0)) if (to === ORIGIN) owe(this.outboxes, to, [verb, item], how);
    this.host.events.length = 0;
    this.host.instants.length = 0;
  }

  /** Every guest says something new, as once a second. */
  report(second: number): void {
    for (let guest = 1; guest <= this.guests; guest++) this.host.send("guestReport", { guest, report: { state: "active", attempt: 1, failures: 0, instance: "w1", progress: [second / 4_096, null] } }, "actor");
    for (let guest = 1; guest <= ENDED && this.guests >= ENDED; guest++) this.host.send("guestReport", { guest, report: { log: [`second ${second}`] } }, "actor");
    this.host.advance(1_000);
    this.fold();
  }

  get bytes(): number {
    const size = (values: Iterable<unknown>): number => [...values].reduce<number>((sum, value) => sum + encodeCanonical(value).length, 0);
    return size(this.host.actor.snapshot(this.host.state)) + size(this.outbox.pending.map(({ body }) => body)) + size([...this.outbox.withheld.values()].map(({ body }) => body));
  }

  /** The link is back: one publish after the other is acknowledged. */
  drain(): readonly Arrival[] {
    const arrived: Arrival[] = [];
    while (this.outbox.pending.length > 0) {
      for (const { number, body } of this.outbox.pending.slice(0, 256)) {
        const [verb, item] = body as [string, Arrival["item"]];
        arrived.push({ number, verb, item });
      }
      acknowledge(this.outbox, arrived.at(-1)!.number);
    }
    return arrived;
  }
}

/** Tests of a pure package are compiled without Node. */
const { process } = globalThis as unknown as { readonly process: { readonly env: Readonly<Record<string, string | undefined>> } };
/** Seconds that are tried; by hand with 3,600 of them. */
const SECONDS = Number(process.env["LONGSHORE_OUTAGE_SECONDS"] ?? 5);

describe("without a link, 10,000 guests that report once a second", () => {
  const cut = new Cut(GUESTS);
  cut.report(1);
  const first = cut.bytes;
  for (let second = 2; second <= SECONDS; second++) cut.report(second);

  it("are owed within bounds, and leave the state as large as after the first second", () => {
    const { pending, withheld, droppableBytes, withheldBytes } = cut.outbox;
    // The answers to their offers: they must arrive.
    expect(pending.filter(({ bytes }) => bytes === 0)).toHaveLength(GUESTS);
    expect(pending.length).toBeLessThanOrEqual(GUESTS + OUTBOX_LIMITS.messagesMax);
    expect(withheld.size).toBe(GUESTS);
    expect(Math.max(droppableBytes, withheldBytes)).toBeLessThanOrEqual(OUTBOX_LIMITS.bytesMax);
    expect(cut.bytes - first).toBeLessThan(GUESTS);
  });

  it("OFF-RET-09 whose outcomes still come home in order, once each; and of every other one the origin hears how it stands now", () => {
    for (let guest = 1; guest <= ENDED; guest++) cut.host.send("guestEnded", { guest, end: "succeeded" }, "actor");
    cut.fold();
    const arrived = cut.drain();
    expect(arrived.map(({ number }) => number)).toEqual(arrived.map((_, i) => i + 1));
    expect(arrived.filter(({ verb }) => verb === "answer").map(({ item }) => item.trip)).toEqual(Array.from({ length: GUESTS }, (_, i) => i + 1));
    expect(arrived.filter(({ verb }) => verb === "return").map(({ item }) => item.trip)).toEqual(Array.from({ length: ENDED }, (_, i) => i + 1));
    const newest = new Map(arrived.filter(({ verb }) => verb === "report").map(({ item }) => [item.trip, item.report]));
    expect(newest.size).toBe(GUESTS);
    for (const report of newest.values()) expect(report).toEqual({ state: "active", attempt: 1, failures: 0, instance: "w1", progress: [SECONDS / 4_096, null], trouble: null });
    expect(cut.outbox).toMatchObject({ withheldBytes: 0, droppableBytes: 0 });
  });
});

it("OFF-TRN-19 an hour without a link: three guests that report once a second owe no more than is allowed, and then how they stand", () => {
  const cut = new Cut(3);
  for (let second = 1; second <= 3_600; second++) cut.report(second);
  const { pending, withheld, droppableBytes } = cut.outbox;
  expect([pending.length, withheld.size]).toEqual([OUTBOX_LIMITS.messagesMax, 3]);
  expect(droppableBytes).toBeLessThanOrEqual(OUTBOX_LIMITS.bytesMax);
  const arrived = cut.drain();
  expect(arrived.map(({ number }) => number)).toEqual(arrived.map((_, i) => i + 1));
  const newest = new Map(arrived.slice(-3).map(({ item }) => [item.trip, item.report?.progress]));
  expect(newest).toEqual(new Map([1, 2, 3].map((trip) => [trip, [3_600 / 4_096, null]])));
});

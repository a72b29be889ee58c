/**
 * Brings home how attempts ended, and what they say while they run.
 *
 * Outcomes of one turn of the loop share a message; those that come while it is on its way share the next. An outcome is kept until a host has
 * answered: its identity is the attempt, so it may be sent any number of times, to any host. What attempts say beside it
 * (progress, log, properties, heartbeat) travels along, the newest progress only; a log line may arrive twice when a
 * message had to be sent again.
 */
import { OUTCOME } from "@longshore/job-queue";
import { encode, encodeShared, subjectsOf } from "@longshore/kernel";
import type { Attempt, AttemptEnd } from "./attempt.ts";
import type { Answer } from "./courier.ts";
import { Courier } from "./courier.ts";
import type { Epochs } from "./epochs.ts";
import { headOf, ItemBatch } from "./item-batch.ts";
import type { ClientLimits, WorkerLimits } from "./limits.ts";
import { takeNotes } from "./notes.ts";
import type { ActorPlace, ClientPorts } from "./ports.ts";
import { itemOutcomes } from "./session-answer.ts";

interface Load {
  readonly items: ItemBatch;
  readonly attempts: Attempt[];
}

export interface OutcomeHandlers {
  /** A host has taken the attempt's end, or refused it for good; `code` says why. */
  settled(attempt: Attempt, code: string | undefined): void;
  /** Something that keeps outcomes from arriving; said once per trouble. */
  fault(code: string, message: string): void;
}

const NOTES_BYTES_MAX = 128 * 1_024;
const VERB = encode("outcome");

export class Outcomes {
  private readonly ports: ClientPorts;
  private readonly limits: ClientLimits & WorkerLimits;
  private readonly subject: string;
  private readonly inboxSubject: string;
  private readonly handlers: OutcomeHandlers;
  private readonly courier: Courier;
  private readonly bytesMax: number;
  private waiting: Load[] = [];
  private flying: Load | undefined;
  /** Items of the message on its way that stand before the outcomes. */
  private flyingNotes = 0;
  private readonly noted = new Set<Attempt>();
  private notesSentMs = Number.NEGATIVE_INFINITY;
  private cancelNotes: (() => void) | undefined;
  /** After a message was refused as a whole, outcomes go one by one until the bad one is found. */
  private oneByOne = 0;
  private readonly refusedOnce = new Set<Attempt>();
  private troubled = false;
  private willPump = false;

  constructor(ports: ClientPorts, place: ActorPlace, limits: ClientLimits & WorkerLimits, epochs: Epochs, handlers: OutcomeHandlers) {
    this.ports = ports;
    this.limits = limits;
    this.handlers = handlers;
    const subjects = subjectsOf(place.cluster);
    this.subject = subjects.command(place.kind, place.actor, "outcome", place.principal);
    this.inboxSubject = subjects.inbox(place.kind, place.actor, "outcome", place.principal);
    this.bytesMax = Math.min(limits.messageBytesMax, Math.floor(ports.wire.maxPayloadBytes / 2)) - NOTES_BYTES_MAX;
    this.courier = new Courier(ports, limits, epochs, {
      answered: (answer) => this.answered(answer),
      nobody: () => this.courier.again(),
      denied: () => {
        this.trouble("server/denied", `the server does not let ${place.principal} report outcomes: it needs the role worker`);
        this.courier.again();
      },
      overdue: () => undefined,
    });
  }

  /** Nothing is kept here. */
  get isEmpty(): boolean {
    return this.flying === undefined && this.waiting.length === 0 && this.noted.size === 0;
  }

  report(attempt: Attempt, end: AttemptEnd): void {
    const encoded = encodeShared(outcomeItem(attempt, end));
    if (encoded.length > this.bytesMax) {
      const message = `the outcome takes ${encoded.length} bytes, and a message has room for ${this.bytesMax}`;
      return this.report(attempt, { kind: "failed", error: { name: "OutcomeTooLarge", message } });
    }
    let load = this.waiting.at(-1);
    if (load === undefined || load.attempts.length >= this.limits.commandsPerMessageMax || load.items.bytes + encoded.length > this.bytesMax) {
      load = { items: new ItemBatch(), attempts: [] };
      this.waiting.push(load);
    }
    load.items.push(encoded);
    load.attempts.push(attempt);
    this.pumpSoon();
  }

  /** The attempt has something new to say. */
  note(attempt: Attempt): void {
    this.noted.add(attempt);
    if (this.flying === undefined) this.pumpNotes();
  }

  /** Leaves what is kept in the inbox, where the next host will read it; for a worker that goes. */
  store(done: () => void): void {
    const load = this.flying ?? this.waiting.shift();
    if (load === undefined) return done();
    this.courier.drop();
    this.flying = load;
    this.ports.wire.store(this.inboxSubject, this.sealed(load, {}), (answer) => {
      if (this.flying !== load) return;
      this.flying = undefined;
      if (answer.kind !== "stored") this.trouble("outcome/lost", `${load.attempts.length} outcomes could not be left anywhere: their attempts will be run again`);
      this.store(done);
    });
  }

  close(): void {
    this.courier.close();
    this.cancelNotes?.();
    this.noted.clear();
    this.waiting = [];
    this.flying = undefined;
  }

  /** Attempts that end in one turn of the loop are reported together. */
  private pumpSoon(): void {
    if (this.willPump || this.flying !== undefined) return;
    this.willPump = true;
    this.ports.clock.after(0, () => {
      this.willPump = false;
      this.pump();
    });
  }

  private pump(): void {
    if (this.flying !== undefined) return;
    let load = this.waiting.shift();
    if (load === undefined) return this.pumpNotes();
    if (this.oneByOne > 0 && load.attempts.length > 1) {
      const [first, rest] = split(load);
      this.waiting.unshift(rest);
      load = first;
    }
    this.send(load);
  }

  /** Notes alone go at most every `notesEveryMs`; with an outcome they go at once. */
  private pumpNotes(): void {
    if (this.noted.size === 0) return;
    const waitMs = this.notesSentMs + this.limits.notesEveryMs - this.ports.clock.monotonicMs();
    if (waitMs <= 0) return this.send({ items: new ItemBatch(), attempts: [] });
    this.cancelNotes ??= this.ports.clock.after(waitMs, () => {
      this.cancelNotes = undefined;
      if (this.flying === undefined) this.pumpNotes();
    });
  }

  private send(load: Load): void {
    this.flying = load;
    const map: Record<string, unknown[]> = {};
    this.flyingNotes = 0;
    if (this.noted.size > 0) {
      this.flyingNotes = takeNotes(this.noted, map, NOTES_BYTES_MAX);
      this.notesSentMs = this.ports.clock.monotonicMs();
    }
    if (load.items.count === 0 && this.flyingNotes === 0) {
      this.flying = undefined;
      return;
    }
    this.courier.send(this.subject, this.sealed(load, map), Number.POSITIVE_INFINITY);
  }

  private sealed(load: Load, notes: Record<string, unknown[]>): Uint8Array {
    return load.items.count === 0 ? encode(notes) : load.items.sealBehind(headOf(encode(notes), VERB));
  }

  private answered(answer: Answer): void {
    const load = this.flying!;
    this.flying = undefined;
    const { outcomes, error } = itemOutcomes(answer);
    if (error !== undefined) this.refused(load, error.code, error.message);
    else {
      this.troubled = false;
      if (this.oneByOne > 0) this.oneByOne--;
      for (let i = 0; i < load.attempts.length; i++) {
        const outcome = outcomes?.get(i + this.flyingNotes);
        const attempt = load.attempts[i]!;
        if (outcome?.kind !== "rejected") this.handlers.settled(attempt, undefined);
        else if (outcome.code.startsWith("job/")) this.handlers.settled(attempt, outcome.code);
        else this.notUnderstood(attempt, outcome.code, outcome.message);
      }
    }
    this.pumpSoon();
  }

  /** The message as a whole was not taken. One bad outcome must not hold back the others. */
  private refused(load: Load, code: string, message: string): void {
    if (load.attempts.length > 1) {
      this.oneByOne = load.attempts.length;
      this.waiting.unshift(load);
      return;
    }
    const [attempt] = load.attempts;
    if (attempt !== undefined) this.notUnderstood(attempt, code, message);
  }

  /** The job must not wait for an outcome that cannot be told: it is told that instead, once. */
  private notUnderstood(attempt: Attempt, code: string, message: string): void {
    this.trouble(code, message);
    if (this.refusedOnce.delete(attempt)) return this.handlers.settled(attempt, code);
    this.refusedOnce.add(attempt);
    this.report(attempt, { kind: "failed", error: { name: "OutcomeRefused", message: `${code}: ${message}` } });
  }

  private trouble(code: string, message: string): void {
    if (!this.troubled) this.handlers.fault(code, message);
    this.troubled = true;
  }
}

function split(load: Load): readonly [Load, Load] {
  const first: Load = { items: new ItemBatch(), attempts: [load.attempts[0]!] };
  const rest: Load = { items: new ItemBatch(), attempts: load.attempts.slice(1) };
  first.items.push(load.items.item(0));
  for (let i = 1; i < load.items.count; i++) rest.items.push(load.items.item(i));
  return [first, rest];
}

function outcomeItem({ job, number }: Attempt, end: AttemptEnd): readonly unknown[] {
  switch (end.kind) {
    case "succeeded": return end.outputs === undefined ? [job, number, OUTCOME.succeeded, end.result] : [job, number, OUTCOME.succeeded, end.result, null, end.outputs];
    case "failed":
      if (end.outputs !== undefined) return [job, number, OUTCOME.failed, end.error, end.retryInMs ?? null, end.outputs];
      return end.retryInMs === undefined ? [job, number, OUTCOME.failed, end.error] : [job, number, OUTCOME.failed, end.error, end.retryInMs];
    case "canceled": return end.outputs === undefined ? [job, number, OUTCOME.canceled, end.reason] : [job, number, OUTCOME.canceled, end.reason, end.outputs];
    case "snoozed": return [job, number, OUTCOME.snoozed, end.delayMs];
    case "released": return [job, number, OUTCOME.released];
    case "timed-out": return [job, number, OUTCOME.timedOut];
  }
}

/**
 * Waits for the ends of jobs: says to the host which, takes what it pushes.
 *
 * Ids that come while a question is on its way share the next. The host keeps this in memory only, so everything open is
 * asked for again at a new epoch, after a reconnection, when a number is missing among what was pushed, and every 15 s.
 * Whoever only waits would not hear of a new epoch, so once a second a question about nothing looks for it.
 */

import type { EndState, ErrorInfo, NamedBlobWire, Payload, PayloadWire } from "@longshore/job-queue";
import { payloadFromWire } from "@longshore/job-queue";
import { encode, resultsAddress, subjectsOf } from "@longshore/kernel";
import type { Answer } from "./courier.ts";
import { readAnswer } from "./courier.ts";
import type { Epochs } from "./epochs.ts";
import type { ClientLimits } from "./limits.ts";
import type { ActorPlace, ClientPorts } from "./ports.ts";
import { Received } from "./received.ts";
import { readTold } from "./told.ts";

/** How a job ended. */
export interface JobEnd {
  readonly id: string;
  readonly state: EndState;
  readonly result: Payload | undefined;
  readonly attempts: number;
  readonly reason: string | undefined;
  readonly error: ErrorInfo | undefined;
  readonly outputs: readonly NamedBlobWire[] | undefined;
}

/** Who waits for a job's end. Called once. */
export interface ResultSink {
  /** The inbox sequence under which its job was stored, if it was. */
  readonly after?: number | undefined;
  /** Monotonic time until which an unknown job may still come to be: nobody knows whether it was added. */
  readonly doubtUntilMs?: number | undefined;
  ended(end: JobEnd): void;
  /** What was stored in the inbox was refused when a host read it. */
  refused(code: string, message: string): void;
  /** The host knows no such job: it never was, or has left the history. */
  gone(id: string): void;
  failed(code: string, message: string): void;
}

const IDS_PER_QUESTION_MAX = 2_048;
const LOOK_EVERY_MS = 1_000;
/** Every so many looks everything open is asked for again. */
const LOOKS_PER_ASKING = 15;
const BEHIND_RETRY_MS = 100;
const DOUBT_RETRY_MS = 1_000;

export class ResultWaiter {
  private readonly ports: ClientPorts;
  private readonly limits: ClientLimits;
  private readonly epochs: Epochs;
  private readonly client: string;
  private readonly subject: string;
  private readonly workSubject: string;
  private readonly open = new Map<string, ResultSink | ResultSink[]>();
  private readonly toAsk = new Set<string>();
  private readonly toForget = new Set<string>();
  private readonly received = new Received();
  private after: number | undefined;
  private epoch = 0;
  private asking = false;
  private tries = 0;
  private looks = 0;
  private stops: (() => void)[] | undefined;
  private cancelRetry: () => void = () => undefined;
  private cancelBeat: () => void = () => undefined;
  private isClosed = false;

  constructor(ports: ClientPorts, place: ActorPlace, client: string, limits: ClientLimits, epochs: Epochs) {
    this.ports = ports;
    this.limits = limits;
    this.epochs = epochs;
    this.client = client;
    const subjects = subjectsOf(place.cluster);
    this.subject = subjects.watch(place.kind, place.actor, place.principal);
    this.workSubject = subjects.prefix + resultsAddress(place.principal, client);
  }

  /** Jobs whose ends are waited for. */
  get count(): number {
    return this.open.size;
  }

  wait(id: string, sink: ResultSink): void {
    if (this.isClosed) return sink.failed("client/closed", "the client was closed");
    this.listen();
    if (sink.after !== undefined) this.after = Math.max(this.after ?? 0, sink.after);
    const others = this.open.get(id);
    if (others !== undefined) {
      this.open.set(id, Array.isArray(others) ? [...others, sink] : [others, sink]);
      // Another may have been stored under the same id: what became of that one is asked for, too.
      if (sink.after === undefined) return;
    } else this.open.set(id, sink);
    this.toForget.delete(id);
    this.toAsk.add(id);
    this.ask();
  }

  forget(id: string, sink: ResultSink): void {
    const others = this.open.get(id);
    if (others === undefined) return;
    const left = (Array.isArray(others) ? others : [others]).filter((other) => other !== sink);
    if (left.length > 0) {
      this.open.set(id, left);
      return;
    }
    this.open.delete(id);
    this.toAsk.delete(id);
    this.toForget.add(id);
  }

  close(): void {
    this.isClosed = true;
    for (const stop of this.stops ?? []) stop();
    this.cancelRetry();
    this.cancelBeat();
    const ids = [...this.open.keys()];
    for (const id of ids) this.settle(id, (sink) => sink.failed("client/closed", "the client was closed"));
  }

  private listen(): void {
    if (this.stops !== undefined) return;
    const { wire } = this.ports;
    this.stops = [
      wire.subscribe(this.workSubject, (message) => this.told(message.data)),
      wire.onReconnect(() => this.askAll()),
      this.epochs.onNewer(() => this.askAll()),
    ];
    this.beat();
  }

  private beat(): void {
    this.cancelBeat = this.ports.clock.after(LOOK_EVERY_MS, () => {
      if (++this.looks % LOOKS_PER_ASKING === 0) this.askAll();
      else if (this.open.size > 0) this.ask(true);
      this.beat();
    });
  }

  private askAll(): void {
    if (this.open.size === 0) return;
    for (const id of this.open.keys()) this.toAsk.add(id);
    this.ask();
  }

  private ask(isLook = false): void {
    if (this.asking || (this.toAsk.size === 0 && !isLook) || this.isClosed) return;
    this.asking = true;
    this.cancelRetry();
    const ids = take(this.toAsk, IDS_PER_QUESTION_MAX);
    const forget = take(this.toForget, IDS_PER_QUESTION_MAX);
    const question: Record<string, unknown> = { client: this.client, ids };
    if (forget.length > 0) question["forget"] = forget;
    if (this.after !== undefined) question["after"] = this.after;
    const stored = this.storedAmong(ids);
    if (stored.length > 0) question["stored"] = stored;
    this.ports.wire.request(this.subject, encode(question), this.limits.requestTimeoutMs, (reply) => {
      if (this.isClosed) return;
      const answer = reply.kind === "answer" ? readAnswer(reply.data) : undefined;
      const isCurrent = this.isCurrent(answer, ids);
      this.asking = false;
      if (reply.kind === "denied") return this.refused(ids, "server/denied", "the server does not let this user wait for results: it needs the role submitter");
      this.answered(ids, answer, isCurrent);
    });
  }

  /** An epoch first heard of here asks for everything again, but not for what this very answer is about. */
  private isCurrent(answer: Answer | undefined, ids: readonly string[]): boolean {
    const epoch = answer?.["epoch"];
    if (typeof epoch !== "number" || !this.epochs.heard(epoch)) return false;
    for (const id of ids) this.toAsk.delete(id);
    return true;
  }

  private answered(ids: readonly string[], answer: Answer | undefined, isCurrent: boolean): void {
    const { epoch, told, unknown, refused, behind, error } = (answer ?? {}) as Readonly<Record<string, unknown>>;
    if (!isCurrent) {
      const { code, message } = (error ?? {}) as { readonly code?: string; readonly message?: string };
      if (code !== undefined && code !== "results/overloaded") return this.refused(ids, code, message ?? code);
      return this.askAgain(ids, Math.min(this.limits.backoffMax, this.limits.backoffFirstMs * 2 ** Math.min(this.tries++, 8)));
    }
    this.tries = 0;
    if (behind === true) return this.askAgain(ids, BEHIND_RETRY_MS);
    this.after = undefined;
    if (ids.length > 0) this.synchronize(Number(epoch), told);
    if (Array.isArray(refused)) for (const [id, sequence, code, message] of refused as readonly (readonly unknown[])[]) this.wasRefused(String(id), Number(sequence), String(code), String(message));
    if (Array.isArray(unknown)) this.unknown(unknown.map(String));
    this.ask();
  }

  /** What was pushed up to here is either seen or asked for again. */
  private synchronize(epoch: number, told: unknown): void {
    if (typeof told !== "number") return;
    if (epoch !== this.epoch || told < this.received.upTo) this.received.reset();
    this.epoch = epoch;
    this.received.skipTo(told);
  }

  private storedAmong(ids: readonly string[]): readonly (readonly [id: string, sequence: number])[] {
    return ids.flatMap((id) => this.sinksOf(id).flatMap(({ after }) => (after === undefined ? [] : [[id, after] as const])));
  }

  /** Only who stored that very command; others wait for a job of the same id, which there may be. */
  private wasRefused(id: string, sequence: number, code: string, message: string): void {
    const sinks = this.sinksOf(id);
    const others = sinks.filter(({ after }) => after !== sequence);
    this.open.delete(id);
    this.toAsk.delete(id);
    if (others.length > 0) {
      this.open.set(id, others);
      this.toAsk.add(id);
    }
    for (const sink of sinks) if (sink.after === sequence) sink.refused(code, message);
  }

  private unknown(ids: readonly string[]): void {
    const nowMs = this.ports.clock.monotonicMs();
    const inDoubt = ids.filter((id) => this.sinksOf(id).some(({ doubtUntilMs = 0 }) => doubtUntilMs > nowMs));
    for (const id of ids) if (!inDoubt.includes(id)) this.settle(id, (sink) => sink.gone(id));
    if (inDoubt.length > 0) this.askAgain(inDoubt, DOUBT_RETRY_MS);
  }

  private sinksOf(id: string): readonly ResultSink[] {
    const sinks = this.open.get(id);
    return sinks === undefined ? [] : Array.isArray(sinks) ? sinks : [sinks];
  }

  private askAgain(ids: readonly string[], delayMs: number): void {
    for (const id of ids) if (this.open.has(id)) this.toAsk.add(id);
    this.cancelRetry = this.ports.clock.after(delayMs * (0.5 + this.ports.random()), () => this.ask());
  }

  private refused(ids: readonly string[], code: string, message: string): void {
    for (const id of ids) this.settle(id, (sink) => sink.failed(code, message));
    this.ask();
  }

  private told(data: Uint8Array): void {
    const told = readTold(data);
    if (told === undefined || !this.epochs.heard(told.epoch)) return;
    if (told.epoch !== this.epoch) {
      this.epoch = told.epoch;
      this.received.reset();
    }
    this.received.add(told.first, told.first + told.items.length - 1);
    for (const item of told.items) this.end(item);
    if (this.received.hasGap) this.askAll();
  }

  private end([id, state, result, attempts, reason, error, outputs]: readonly unknown[]): void {
    if (typeof id !== "string" || !this.open.has(id)) return;
    const end: JobEnd = {
      id, state: state as EndState, result: result === null ? undefined : payloadFromWire(result as PayloadWire), attempts: Number(attempts),
      reason: (reason as string | null) ?? undefined, error: (error as ErrorInfo | null) ?? undefined,
      outputs: outputs as readonly NamedBlobWire[] | undefined,
    };
    this.settle(id, (sink) => sink.ended(end));
  }

  private settle(id: string, tell: (sink: ResultSink) => void): void {
    const sinks = this.open.get(id);
    if (sinks === undefined) return;
    this.open.delete(id);
    this.toAsk.delete(id);
    if (Array.isArray(sinks)) for (const sink of sinks) tell(sink);
    else tell(sinks);
  }
}

function take(set: Set<string>, max: number): readonly string[] {
  const taken: string[] = [];
  for (const value of set) {
    if (taken.length === max) break;
    taken.push(value);
    set.delete(value);
  }
  return taken;
}

/**
 * Adding jobs. What happens together travels together; each `add` makes one promise and one small object.
 *
 * A job whose payload must go to the store first, or whose schema takes its time, keeps its place in the order: what
 * is added later waits behind it. Only a job with files takes its place when they are stored: that may take minutes.
 */

import type { JobOptions, NamedBlobWire } from "@longshore/job-queue";
import { encodeShared, isToken } from "@longshore/kernel";

import type { Client } from "./client.ts";
import { errorOf } from "./client.ts";
import type { Job } from "./define.ts";
import { InvalidInput, OutcomeUnknown, PayloadError } from "./errors.ts";
import { JobHandle } from "./handle.ts";
import type { PayloadForm } from "./internal/attempt.ts";
import { onAbort } from "./internal/on-abort.ts";
import type { PayloadTrouble } from "./internal/payloads.ts";
import type { Asked, Place, Session } from "./internal/session.ts";
import type { Settled } from "./internal/session-answer.ts";
import type { AddOptions } from "./options.ts";
import { jobOptions } from "./options.ts";
import type { Schema } from "./schema.ts";
import { validate } from "./schema.ts";

/** Who hears what became of an add; exactly one of them is called, once. */
export interface AddSink<Result> {
  added(handle: JobHandle<Result>): void;
  failed(error: unknown): void;
}

export function startAdd<Input, Result>(client: Client, job: Job<Input, unknown, unknown, Result>, input: Input, given: AddOptions | undefined, sink: AddSink<Result>): void {
  if (given?.inputs === undefined) return addStored(client, job, input, given, undefined, sink);
  storeFiles(client, job, input, given).then((stored) => addStored(client, job, input, given, stored, sink), (error: unknown) => sink.failed(error));
}

/** What would refuse the job is looked at before its files are sent. */
async function storeFiles<Input>(client: Client, job: Job<Input, unknown, unknown, unknown>, input: Input, given: AddOptions): Promise<readonly NamedBlobWire[]> {
  jobOptions(job.defaults, given);
  if (job.input !== undefined) await validate(job.input as Schema, input, "input");
  return client.files.storeAll("inputs", given.inputs ?? {}, given.signal);
}

function addStored<Input, Result>(client: Client, job: Job<Input, unknown, unknown, Result>, input: Input, given: AddOptions | undefined, stored: readonly NamedBlobWire[] | undefined, sink: AddSink<Result>): void {
  const signal = given?.signal;
  if (signal?.aborted === true) return sink.failed(signal.reason);
  // Until it is known where queues live, a job might be left where nobody looks.
  if (!client.directory.isReady) return client.directory.whenReady(() => addStored(client, job, input, given, stored, sink));
  let pending: PendingAdd<Result>;
  try {
    const options = jobOptions(job.defaults, given, stored);
    pending = new PendingAdd(client, job, given?.id, options, sink);
  } catch (error) {
    return sink.failed(error);
  }
  if (signal !== undefined) pending.abortOn(signal);
  pending.start(job.input as Schema | undefined, input);
}

/** About ten seconds of trying. */
const REROUTES_MAX = 16;
const REROUTES_AT_ONCE = 3;
const REROUTE_DELAY_MS = 10;
const REROUTE_DELAY_MAX_MS = 1_000;

class PendingAdd<Result> implements Asked {
  private readonly client: Client;
  private session: Session;
  private readonly topic: string;
  private readonly output: Schema<unknown, Result> | undefined;
  private readonly options: JobOptions | null;
  private readonly sink: AddSink<Result>;
  private readonly idGiven: string | undefined;
  /** Without the shard. */
  private readonly localId: string;
  private shard: string;
  /** Of the wanted configuration by which the shard was chosen; 0 where that does not matter. */
  private revision: number;
  private payload: PayloadForm | undefined;
  private reroutes = 0;
  private place: Place | undefined;
  private stopListening: (() => void) | undefined;
  private isOver = false;

  constructor(client: Client, job: Pick<Job<unknown, unknown, unknown, Result>, "topic" | "output">, id: string | undefined, options: JobOptions | null, sink: AddSink<Result>) {
    const { directory } = client;
    this.client = client;
    this.topic = job.topic;
    this.output = job.output;
    this.options = directory.asksForCreator(job.topic, options?.queue) ? { ...options, creator: client.creator } : options;
    this.sink = sink;
    this.idGiven = id;
    this.localId = id === undefined ? client.ulids.next(client.line().time.now()) : `${job.topic.replaceAll("/", "~")}.${id}`;
    this.shard = directory.route(job.topic, options?.queue, options?.key ?? this.localId);
    this.revision = this.shard === directory.defaultShard ? 0 : directory.revision;
    this.session = client.line(this.shard).submit;
  }

  start(schema: Schema | undefined, input: unknown): void {
    if (schema === undefined) return this.encode(input);
    try {
      const checked = validate(schema, input, "input");
      if (!(checked instanceof Promise)) return this.encode(input);
      this.place = this.session.reserve("submit", this);
      checked.then(() => this.encode(input), (error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  abortOn(signal: AbortSignal): void {
    this.stopListening = onAbort(signal, () => {
      const found = this.session.withdraw(this);
      this.fail(found === "sent" ? this.unknown("it was aborted while it was on its way", signal.reason) : signal.reason);
    });
  }

  settled(outcome: Settled): void {
    this.place = undefined;
    if (this.isOver) return;
    switch (outcome.kind) {
      case "accepted": return this.accepted(outcome.answer);
      case "stored": return this.succeed(new JobHandle(this.client, `${this.shard}.${this.localId}`, "stored", this.output, outcome.sequence));
      case "unknown": return this.fail(this.unknown(outcome.message));
      case "rejected":
        if (!this.mayGoOn(outcome)) this.fail(errorOf(outcome));
        return;
      case "failed": return this.fail(errorOf(outcome));
    }
  }

  /**
   * The shard has certainly not taken it: its queue lives elsewhere, or the shard has yet to hear of what we know. Both are
   * tried again, at once where the place is new.
   */
  private mayGoOn({ code, detail }: Extract<Settled, { kind: "rejected" }>): boolean {
    if ((code !== "queue/moved" && code !== "queue/behind") || this.reroutes >= REROUTES_MAX) return false;
    const { shard, revision = 0 } = (detail ?? {}) as { readonly shard?: string; readonly revision?: number };
    if (code === "queue/moved") {
      if (!isToken(shard) || shard === this.shard) return false;
      this.moveTo(shard, revision);
    }
    const waits = code === "queue/behind" || this.reroutes >= REROUTES_AT_ONCE;
    const delayMs = waits ? Math.min(REROUTE_DELAY_MAX_MS, REROUTE_DELAY_MS * 2 ** this.reroutes) : 0;
    this.reroutes++;
    this.client.setup.ports.clock.after(delayMs, () => {
      if (!this.isOver) this.send(this.payload!);
    });
    return true;
  }

  private moveTo(shard: string, revision: number): void {
    const { directory } = this.client;
    this.shard = shard;
    this.revision = Math.max(directory.revision, revision);
    this.session = this.client.line(shard).submit;
    if (revision > directory.revision) directory.refresh(() => undefined);
  }

  private unknown(message: string, cause?: unknown): OutcomeUnknown {
    return new OutcomeUnknown(message, { cause, job: new JobHandle<unknown>(this.client, `${this.shard}.${this.localId}`, "unknown", this.output, undefined) });
  }

  private accepted(answer: unknown): void {
    const same = (answer as { readonly deduplicated?: string } | undefined)?.deduplicated;
    const handle = same === undefined
      ? new JobHandle(this.client, `${this.shard}.${this.localId}`, "created", this.output, undefined)
      : new JobHandle(this.client, same, "deduplicated", this.output, undefined);
    this.succeed(handle);
  }

  private encode(input: unknown): void {
    if (this.isOver) return this.leave();
    const encoded = this.client.payloads.encode(input, "input");
    switch (encoded.kind) {
      case "bytes": return this.send(encoded.bytes);
      case "trouble": return this.fail(payloadError(encoded.trouble));
      case "large": {
        this.place ??= this.session.reserve("submit", this);
        this.client.payloads.put(encoded.bytes, (answer) => {
          if (this.isOver) this.leave();
          else if (answer.kind === "payload") this.send(answer.payload);
          else this.fail(payloadError(answer.trouble));
        });
      }
    }
  }

  private send(payload: PayloadForm): void {
    // It may have to be sent elsewhere, and what was encoded is overwritten by the next.
    this.payload ??= payload instanceof Uint8Array ? payload.slice() : payload;
    const options = this.revision === 0 ? this.options : { ...this.options, revision: this.revision };
    const item = encodeShared([this.idGiven ?? this.localId, this.topic, payload, options]);
    const { place } = this;
    this.place = undefined;
    if (place === undefined) this.session.ask("submit", item, this);
    else place.fill(item);
  }

  private leave(): void {
    this.place?.leave();
    this.place = undefined;
  }

  private succeed(handle: JobHandle<Result>): void {
    this.isOver = true;
    this.stopListening?.();
    this.sink.added(handle);
  }

  private fail(error: unknown): void {
    this.leave();
    if (this.isOver) return;
    this.isOver = true;
    this.stopListening?.();
    this.sink.failed(error);
  }
}

const payloadError = ({ code, message }: PayloadTrouble): Error => {
  if (code !== "payload/not-serializable") return new PayloadError(code, message);
  const [path = "input"] = message.split(" ");
  return new InvalidInput([{ path, message: message.slice(path.length + 1) }]);
};

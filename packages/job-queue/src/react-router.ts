/**
 * What the router of this cluster is owed: attempts that run elsewhere, and what becomes of jobs that come from elsewhere.
 *
 * While it is away, one `handover` for each slot of the routes and one `stop` for each of them, for what is removed another; one `guestEnded` or
 * `guestRefused` for each guest that the router has taken in (its `guestsMax`). A slot is free again only when the router has
 * said how its attempt ended, or when somebody has removed the job. Reports may be left out.
 */
import type { Droppable, Reactions } from "@longshore/kernel";
import type { JobQueueEvent, PayloadWire } from "./events.ts";
import { payloadToWire } from "./events.ts";
import type { Job } from "./job.ts";
import type { QueueState } from "./state.ts";
import type { NamedBlobWire, Payload } from "./vocabulary.ts";
import { HANDED_BACK, namedBlobFromWire } from "./vocabulary.ts";

export interface Place {
  readonly cluster: string;
  readonly shard: string;
}

type ToRouter = (verb: string, item: unknown, how?: Droppable) => void;

export const toRouter = (reactions: Reactions, { cluster }: Place): ToRouter =>
  (verb, item, how) => reactions.send({ cluster, kind: "offload-router", actor: "main" }, [verb, item], how);

/** What is owed may wait for hours: bytes that are a view of a slab or a commit are copied. */
const ownPayload = (payload: Payload): PayloadWire => (payload instanceof Uint8Array ? payload.slice() : payloadToWire(payload));

/** The router reads blobs by their fields. */
const blobsUnder = <Field extends string>(field: Field, blobs: readonly NamedBlobWire[] | undefined): object => (blobs === undefined ? {} : { [field]: blobs.map(namedBlobFromWire) });

/** An attempt was claimed for another cluster. The queue's own retries and times stay here: they are the other queue's matter there. */
export function handOver(job: Job, instance: string, { shard }: Place, send: ToRouter): void {
  const { ownRetries: retries, ownRetryDelayMs: retryDelayMs, timeoutMs, extra } = job;
  const options = {
    ...(retries === undefined ? {} : { retries }), ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
    ...(timeoutMs === 0 ? {} : { timeoutMs }), ...(extra?.properties === undefined ? {} : { properties: extra.properties }),
  };
  send("handover", {
    shard, job: job.number, attempt: job.attempt, id: `${shard}.${job.id}`, topic: job.topic, cluster: instance.slice(1), input: ownPayload(job.input),
    ...blobsUnder("inputs", extra?.inputs), options,
  });
}

/** `isGone`: the attempt is not waited for any more. */
export const callBack = ({ number, attempt }: Job, reason: string, isGone: boolean, { shard }: Place, send: ToRouter): void =>
  send("stop", { shard, job: number, attempt, reason, isGone });

/**
 * What a job from another cluster says of itself on the way, and how it ends. Only its end must arrive: a report says how the job
 * stands as a whole, so that the newest is enough; its last error is a level of its own, and lines of a log may be lost.
 */
export function tellOrigin(state: QueueState, event: JobQueueEvent, send: ToRouter): void {
  if (event.type === "SubmitRefused") {
    const { guest, code, message, shard } = event;
    return send("guestRefused", { guest, code, message, ...(shard === undefined ? {} : { shard }) });
  }
  const job = "job" in event ? state.jobs.get(event.job) : undefined;
  const guest = job?.extra?.guest;
  if (job === undefined || guest === undefined) return;
  const report = (fields: object, levelOf?: string): void => send("guestReport", { guest, report: fields }, { mayDrop: true, ...(levelOf !== undefined && { levelOf }) });
  const stands = (): void => report(standing(job), `guest ${guest}`);
  switch (event.type) {
    case "JobAccepted": case "AttemptStarted": case "AttemptReleased": case "JobProgressed": return stands();
    case "AttemptFailed":
      stands();
      if (event.error !== undefined) report({ error: event.error }, `error of guest ${guest}`);
      return;
    case "JobLogged": return report({ log: event.lines });
    case "JobEnded": {
      const { state: end, result, reason, error, outputs } = event;
      if (end === "dropped" && reason === HANDED_BACK) return send("guestRefused", { guest, code: "offload/no-consumer", message: HANDED_BACK });
      return send("guestEnded", {
        guest, end, ...(result === undefined ? {} : { result: ownPayload(result) }), ...blobsUnder("outputs", outputs), ...(reason === undefined ? {} : { reason }), ...(error === undefined ? {} : { error }),
      });
    }
    default: return;
  }
}

function standing({ isActive, attempt, failures, instance, extra }: Job): object {
  const { progress } = extra ?? {};
  return {
    state: isActive ? "active" : "queued", ...(attempt > 0 && { attempt, failures }), ...(isActive && { instance }),
    ...(isActive && progress !== undefined && { progress: [progress.fraction, progress.message] }),
  };
}

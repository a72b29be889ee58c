/**
 * Events as the world outside sees them: in the feed, in a job's timeline, in an export for people.
 *
 * Names instead of numbers, no payloads: `{ type, id, topic, queue, commit, at, …fields }`, plain JSON values.
 */
import type { AcceptedOptions, JobQueueEvent } from "./events.ts";
import type { NamedBlob, NamedBlobWire } from "./vocabulary.ts";

export interface PublicEvent {
  readonly type: JobQueueEvent["type"];
  /** Whole job id, when the event is of a job. */
  readonly id?: string;
  readonly topic?: string;
  readonly queue?: string;
  readonly commit: number;
  /** Milliseconds of server time. */
  readonly at: number;
  readonly [field: string]: unknown;
}

/** What the event itself does not say: who the job is, and the instance behind a member number. */
export interface Names {
  job(number: number): { readonly id: string; readonly topic: string; readonly queue: string } | undefined;
  member(member: number): MemberName | undefined;
}

/** An instance, and which of its lives. */
export interface MemberName {
  readonly instance: string;
  readonly incarnation: string;
}

const HIDDEN = new Set(["type", "job", "input", "result", "outputs", "member", "options", "principal"]);

export function publicEvent(event: JobQueueEvent, place: { readonly commit: number; readonly at: number }, names: Names): PublicEvent {
  const known = "job" in event ? names.job(event.job) : undefined;
  const fields: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(event)) {
    // The names are whole: an event itself has its job's id without the shard.
    if (!HIDDEN.has(field) && value !== undefined && (known === undefined || !(field in known))) fields[field] = value;
  }
  if ("member" in event) {
    const member = names.member(event.member);
    fields["instance"] ??= member?.instance ?? `member ${event.member}`;
    if (member !== undefined) fields["incarnation"] ??= member.incarnation;
  }
  if (event.type === "JobAccepted") Object.assign(fields, optionsShown(event.options, known?.id));
  if (event.type === "JobEnded" && event.outputs !== undefined) fields["outputs"] = event.outputs.map(publicBlob);
  return { type: event.type, ...known, ...fields, commit: place.commit, at: place.at };
}

function optionsShown({ notBefore, cause, inputs }: AcceptedOptions = {}, id: string | undefined): object {
  return {
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(cause === undefined ? {} : { cause: id === undefined ? cause[1] : besideOf(id, cause[1]) }),
    ...(inputs === undefined ? {} : { inputs: inputs.map(publicBlob) }),
  };
}

const publicBlob = ([name, , digest, bytes]: NamedBlobWire): Omit<NamedBlob, "principal"> => ({ name, digest, bytes });

/** A job is retried in its own shard. */
const besideOf = (wholeId: string, localId: string): string => `${wholeId.slice(0, wholeId.indexOf("."))}.${localId}`;

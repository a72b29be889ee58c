/** Jobs as people read them: a line in a list, or everything known of one. */
import type { JobInfo } from "longshore";
import type { Screen } from "../io.ts";
import { toJson } from "./json.ts";
import { harmless, type Paint, paintOf, paintState } from "./paint.ts";
import { barOf } from "./progress.ts";
import { showAge, showBytes, showDuration, showInstant } from "./quantities.ts";
import { renderFields, renderTable } from "./table.ts";

export function jobsTable(jobs: readonly JobInfo[], nowMs: number, screen: Screen): string {
  return renderTable(jobs, [
    { head: "job", cell: ({ id }) => id },
    { head: "topic", cell: ({ topic }) => topic, shrinks: true },
    { head: "queue", cell: ({ queue }) => queue, shrinks: true },
    { head: "state", cell: (job, paint) => stateText(job, paint) },
    { head: "attempt", cell: attemptText, align: "right" },
    { head: "created", cell: ({ createdAt }) => showAge(createdAt, nowMs), align: "right" },
    { head: "", cell: (job, paint) => paint.dim(lastWord(job, nowMs)), shrinks: true },
  ], screen);
}

const stateText = ({ state, waits }: JobInfo, paint: Paint): string => paintState(paint, state) + (waits === undefined ? "" : paint.dim(` (${waits})`));

/** `2`, or `2 of 4` once something has failed. */
const attemptText = ({ attempt, failures, retries }: JobInfo): string =>
  attempt === 0 ? "" : failures === 0 ? String(attempt) : `${attempt} of ${retries < 0 ? "∞" : retries + 1}`;

/** What there is to say in the room that is left: progress, or how it ended. */
function lastWord(job: JobInfo, nowMs: number): string {
  const { progress, state, startedAt, endedAt, error, reason, notBefore } = job;
  if (state === "active" && progress !== undefined) {
    const percent = progress.fraction === null ? "" : `${Math.round(progress.fraction * 100)} % `;
    return percent + harmless(progress.message ?? "");
  }
  if (state === "active" && startedAt !== undefined) return `for ${showDuration(Math.max(0, nowMs - startedAt))}`;
  if (state === "queued") return notBefore !== undefined && notBefore > nowMs ? showAge(notBefore, nowMs) : harmless(error?.message ?? "");
  if (endedAt === undefined) return "";
  if (state !== "succeeded") return harmless(reason ?? error?.message ?? "");
  return startedAt === undefined ? "" : `in ${showDuration(endedAt - startedAt)}`;
}

const JSON_CHARS_MAX = 2_000;

/** Everything but the timeline. */
export function jobFields(job: JobInfo, nowMs: number, screen: Screen): string {
  const { notBefore, progress, reason, error, properties } = job;
  return renderFields([
    ["job", headline(job, paintOf(screen))],
    ["topic", job.topic],
    ["queue", job.queue],
    ["created", `${showInstant(job.createdAt)} by ${job.createdBy}${job.cause === undefined ? "" : `, a retry of ${job.cause}`}`],
    ["starts", notBefore === undefined || notBefore <= nowMs ? undefined : `${showInstant(notBefore)}, ${showAge(notBefore, nowMs)}`],
    ...attemptFields(job),
    ["progress", progress === undefined || job.endedAt !== undefined ? undefined : progressText(progress)],
    ["reason", reason === undefined ? undefined : harmless(reason)],
    ["error", error === undefined ? undefined : harmless(`${error.name}: ${error.message}`)],
    ["properties", properties === undefined ? undefined : harmless(Object.entries(properties).map(([name, value]) => `${name}=${String(value)}`).join(" "))],
    ["input", payloadText(job.input)],
    ["result", payloadText(job.result)],
    ["inputs", filesText(job.inputs)],
    ["outputs", filesText(job.outputs)],
    ["payload", job.payloadTrouble === undefined ? undefined : harmless(job.payloadTrouble)],
  ], screen);
}

function headline({ id, state, waits, stopRequested, endedAt }: JobInfo, paint: Paint): string {
  const why = waits === undefined ? "" : ` (${waits})`;
  return `${paint.bold(id)}  ${paintState(paint, state)}${why}${stopRequested === true && endedAt === undefined ? ", asked to stop" : ""}`;
}

function attemptFields({ attempt, failures, retries, instance, startedAt, endedAt }: JobInfo): readonly (readonly [string, string | undefined])[] {
  const budget = retries < 0 ? "without end" : `of ${retries} allowed`;
  const failed = failures === 0 ? "" : `, ${failures} failed ${budget}`;
  const took = startedAt === undefined || endedAt === undefined ? "" : `, after ${showDuration(endedAt - startedAt)}`;
  return [
    ["attempt", attempt === 0 ? undefined : `${attempt}${instance === undefined ? "" : ` on ${instance}`}${failed}`],
    ["started", startedAt === undefined ? undefined : showInstant(startedAt)],
    ["ended", endedAt === undefined ? undefined : showInstant(endedAt) + took],
  ];
}

function progressText({ fraction, message }: NonNullable<JobInfo["progress"]>): string {
  const bar = fraction === null ? "" : `${barOf(fraction)} ${Math.round(fraction * 100)} % `;
  return bar + harmless(message ?? "");
}

/** Of each its name, its length, and enough of its digest to compare. */
const filesText = (files: JobInfo["inputs"]): string | undefined =>
  files === undefined ? undefined : files.map(({ name, bytes, digest }) => harmless(`${name} (${showBytes(bytes)}, ${digest.slice(0, 12)}…)`)).join(", ");

function payloadText(payload: unknown): string | undefined {
  if (payload === undefined) return undefined;
  const text = toJson(payload);
  return harmless(text.length > JSON_CHARS_MAX ? `${text.slice(0, JSON_CHARS_MAX)}… (${text.length} characters; --json has all)` : text);
}

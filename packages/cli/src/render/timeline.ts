/** The life of one job, line by line, from the public form of its events. */
import type { PublicEvent } from "@longshore/job-queue";
import type { Screen } from "../io.ts";
import { harmless, type Paint, paintOf, paintState } from "./paint.ts";
import { showDuration, showTime } from "./quantities.ts";

const text = (value: unknown): string => harmless(typeof value === "string" ? value : String(value));
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** Draws one event after the other, so that the same code serves what is over and what is followed. */
export class Timeline<Event extends { readonly at: number }> {
  private readonly paint: Paint;
  private readonly says: (event: Event, paint: Paint) => readonly string[];
  private startMs: number | undefined;
  private lastMs = 0;

  constructor(screen: Pick<Screen, "isColored">, says: (event: Event, paint: Paint) => readonly string[]) {
    this.paint = paintOf(screen);
    this.says = says;
  }

  /** The lines of one event, each with its end. */
  lines(event: Event): string {
    this.startMs ??= event.at;
    const sinceMs = event.at - (this.lastMs === 0 ? event.at : this.lastMs);
    this.lastMs = event.at;
    const time = showTime(event.at, this.startMs);
    const since = this.paint.dim((sinceMs === 0 ? "" : `+${showDuration(sinceMs)}`).padStart(9));
    const [first = "", ...more] = this.says(event, this.paint);
    const indent = " ".repeat(time.length + 13);
    return `${this.paint.dim(time)}  ${since}  ${first}\n${more.map((line) => `${indent}${line}\n`).join("")}`;
  }
}

/** What an event says, in words; an error's stack and log lines are lines of their own. */
export function sentences(event: PublicEvent, paint: Paint): readonly string[] {
  const attempt = `attempt ${text(event["attempt"])}`;
  switch (event.type) {
    case "JobAccepted":
      return [acceptedSentence(event)];
    case "AttemptStarted":
      return [`${attempt} ${paint.cyan("started")} on ${instanceOf(event)}`];
    case "JobProgressed":
      return [`${paint.dim("│")} ${progressText(event)}`];
    case "JobLogged":
      return (Array.isArray(event["lines"]) ? event["lines"] : []).map((line) => `${paint.dim("│")} ${text(line)}`);
    case "JobPropertySet":
      return [`${paint.dim("│")} ${text(event["name"])} = ${text(JSON.stringify(event["value"]))}`];
    case "AttemptExtended":
      return [`${paint.dim("│")} heartbeat: its timeout counts from here`];
    case "AttemptFailed":
      return [`${attempt} ${paint.red(failureWord(event["kind"]))}${errorText(event)}; tried again at ${showTime(Number(event["retryAt"]), event.at)}`];
    case "AttemptReleased":
      return [`${attempt} ${event["kind"] === "snoozed" ? "snoozed" : "handed back"}; no attempt of the budget is used`];
    case "JobStopRequested":
      return [`stop asked for${isText(event["reason"]) ? `: ${text(event["reason"])}` : ""}`];
    case "JobEnded":
      return endedSentences(event, paint);
    case "JobRemoved":
      return ["removed from the history of ended jobs"];
    default:
      return [otherSentence(event)];
  }
}

/** Events that are of no single job; they stand in the feed only. */
function otherSentence(event: PublicEvent): string {
  const { queue, instance, reason, kind, count } = event as Readonly<Record<string, unknown>>;
  switch (event.type) {
    case "QueueConfigured": return `queue ${text(queue)} configured`;
    case "QueueSuspended": return `queue ${text(queue)} suspended`;
    case "QueueResumed": return `queue ${text(queue)} resumed`;
    case "InstanceJoined": return `instance ${instanceOf(event)} joined`;
    case "TopicsChanged": return `instance ${text(instance)} takes other topics`;
    case "InstanceDraining": return `instance ${text(instance)} takes nothing new`;
    case "InstanceLeft": return `instance ${text(instance)} left: ${text(reason)}`;
    case "InstancesRanked": return `the members of the view are ${(event as unknown as { readonly instances: readonly string[] }).instances.join(", ")}`;
    case "OperationStarted": return `bulk ${text(kind)} started`;
    case "OperationEnded": return "bulk operation done";
    case "JobsDue": return `${text(count)} delayed jobs are due`;
    default: return event.type;
  }
}

function acceptedSentence(event: PublicEvent): string {
  const until = event["notBefore"] === undefined ? "" : `, not before ${showTime(Number(event["notBefore"]), event.at)}`;
  const cause = isText(event["cause"]) ? `, a retry of ${text(event["cause"])}` : "";
  return `accepted into queue ${text(event.queue ?? "main")}${until}${cause}`;
}

function instanceOf(event: PublicEvent): string {
  const instance = text(event["instance"] ?? "?");
  if (instance.startsWith("@")) return `cluster ${instance.slice(1)}`;
  return isText(event["incarnation"]) ? `${instance} (${text(event["incarnation"])})` : instance;
}

function endedSentences(event: PublicEvent, paint: Paint): readonly string[] {
  const state = text(event["state"]);
  const reason = isText(event["reason"]) ? `: ${text(event["reason"])}` : errorText(event);
  const stack = errorOf(event)?.stack;
  return [`${paintState(paint, state)}${reason}`, ...(isText(stack) ? stackLines(stack).map((line) => paint.dim(line)) : [])];
}

const STACK_LINES_MAX = 6;
const stackLines = (stack: string): string[] => stack.split("\n").filter((line) => line.trim().startsWith("at ")).slice(0, STACK_LINES_MAX).map((line) => text(line.trim()));

function errorOf(event: PublicEvent): { readonly name?: unknown; readonly message?: unknown; readonly stack?: unknown } | undefined {
  const { error } = event as { readonly error?: unknown };
  return typeof error === "object" && error !== null ? error : undefined;
}

function errorText(event: PublicEvent): string {
  const error = errorOf(event);
  return error === undefined ? "" : `: ${text(error.name ?? "Error")}: ${text(error.message ?? "")}`;
}

const failureWord = (kind: unknown): string => (kind === "timed-out" ? "timed out" : kind === "lost" ? "was lost with its instance" : "failed");

function progressText(event: PublicEvent): string {
  const { fraction, message } = event as { readonly fraction?: unknown; readonly message?: unknown };
  const percent = typeof fraction === "number" ? `${Math.round(fraction * 100)} %` : "";
  return [percent, isText(message) ? text(message) : ""].filter((part) => part !== "").join(" ");
}

/** Jobs in other clusters, as people read them. */
import type { GuestView, RouteView, TravelEvent, TripDetail, TripView } from "longshore";
import type { Screen } from "../io.ts";
import { harmless, type Paint, paintOf, paintState } from "./paint.ts";
import { barOf } from "./progress.ts";
import { plural, showAge, showBytes, showCount, showDuration, showInstant, showTime } from "./quantities.ts";
import { renderFields, renderTable } from "./table.ts";

type Report = TripView["report"];
type Trouble = NonNullable<TripView["trouble"]>;

/** Where a trip is, in a few words. */
export function whereText({ phase, report, how, cluster }: Pick<TripView, "phase" | "report" | "how" | "cluster">): string {
  switch (phase) {
    case "staging": return "its inputs are made ready here";
    case "offered": return `on its way to ${cluster}`;
    case "accepted": return thereText(report);
    case "importing": return "coming home: its outputs are fetched";
    case "ended": return how ?? "ended";
  }
}

function thereText({ state, instance }: Report): string {
  if (state === "active") return instance === undefined ? "runs there" : `runs there on ${harmless(instance)}`;
  return state === "queued" ? "waits there for an instance" : "fetched there";
}

const paintWhere = (trip: TripView, paint: Paint): string => {
  const text = whereText(trip);
  if (trip.phase === "ended") return trip.how === "returned" ? paint.green(text) : paint.yellow(text);
  return trip.report.state === "active" ? paint.cyan(text) : text;
};

export function tripsTable(trips: readonly TripView[], nowMs: number, screen: Screen): string {
  return renderTable(trips, [
    { head: "trip", cell: ({ trip }) => String(trip), align: "right" },
    { head: "job", cell: ({ id }) => harmless(id) },
    { head: "topic", cell: ({ topic }) => topic, shrinks: true },
    { head: "cluster", cell: ({ cluster }) => cluster },
    { head: "attempt", cell: ({ attempt }) => String(attempt), align: "right" },
    { head: "where", cell: paintWhere, shrinks: true },
    { head: "since", cell: ({ startedAt }) => showAge(startedAt, nowMs), align: "right" },
    { head: "heard", cell: ({ heardAgoMs, phase }) => (phase === "ended" ? "" : agoText(heardAgoMs)), align: "right" },
    { head: "", cell: (trip, paint) => lastWord(trip, paint), shrinks: true },
  ], screen);
}

/** What there is to say in the room that is left. */
function lastWord({ stop, trouble, reason, report, phase }: TripView, paint: Paint): string {
  if (trouble !== null) return paint.yellow(troubleWord(trouble));
  if (phase === "ended") return paint.dim(harmless(reason ?? ""));
  if (stop !== null) return paint.yellow(`asked to stop: ${harmless(stop)}`);
  if (typeof report.trouble === "string") return paint.yellow(harmless(report.trouble));
  return paint.dim(report.progress === undefined ? harmless(report.error?.message ?? "") : progressWord(report.progress));
}

const STEPS: Readonly<Record<Trouble["step"], string>> = {
  stage: "its inputs cannot be read here", fetch: "its inputs cannot be fetched", collect: "its outputs cannot be read", import: "its outputs cannot be fetched",
};
export const troubleWord = ({ step, kind, message }: Trouble): string => `${STEPS[step]} (${kind}): ${harmless(message)}`;
const progressWord = ([fraction, message]: NonNullable<Report["progress"]>): string => [fraction === null ? "" : `${Math.round(fraction * 100)} %`, harmless(message ?? "")].filter((part) => part !== "").join(" ");
export const agoText = (ms: number): string => (ms < 1_000 ? "just now" : `${showDuration(Math.floor(ms / 1_000) * 1_000).replace(/\.\d+ s$/, " s")} ago`);

export function guestsTable(guests: readonly GuestView[], nowMs: number, screen: Screen): string {
  return renderTable(guests, [
    { head: "guest", cell: ({ guest }) => String(guest), align: "right" },
    { head: "of", cell: ({ origin }) => origin },
    { head: "its job", cell: ({ id }) => harmless(id) },
    { head: "its trip", cell: ({ trip }) => String(trip), align: "right" },
    { head: "topic", cell: ({ topic }) => topic, shrinks: true },
    { head: "where", cell: guestWhere, shrinks: true },
    { head: "since", cell: ({ acceptedAt }) => showAge(acceptedAt, nowMs), align: "right" },
    { head: "", cell: ({ trouble }, paint) => (trouble === null ? "" : paint.yellow(troubleWord(trouble))), shrinks: true },
  ], screen);
}

function guestWhere({ phase, report }: GuestView): string {
  switch (phase) {
    case "fetching": return "its inputs are fetched";
    case "submitted": return report.state === "active" ? `runs${report.instance === undefined ? "" : ` on ${harmless(report.instance)}`}` : "waits for an instance";
    case "collecting": return "its outputs are made ready";
    case "returned": return "sent home";
    case "released": return "done; its payload is being removed";
  }
}

export function clustersTable(routes: readonly RouteView[], screen: Screen): string {
  const rows = renderTable(routes, [
    { head: "cluster", cell: ({ cluster }, paint) => paint.bold(cluster) },
    { head: "state", cell: routeState },
    { head: "slots", cell: ({ pools }) => showCount(pools.reduce((sum, { slots }) => sum + slots, 0)), align: "right" },
    { head: "leaving", cell: ({ staging }) => showCount(staging), align: "right" },
    { head: "there", cell: ({ away }) => showCount(away), align: "right" },
    { head: "oldest", cell: ({ oldestMs, staging, away }) => (staging + away === 0 ? "" : showDuration(oldestMs)), align: "right" },
    { head: "heard", cell: ({ heardAgoMs }) => agoText(heardAgoMs), align: "right" },
    { head: "takes", cell: ({ pools }) => [...new Set(pools.flatMap(({ topics }) => topics))].sort().join(" "), shrinks: true },
  ], screen);
  const backlog = routes.flatMap(({ cluster, backlog: of }) => of.map((row) => ({ cluster, ...row })));
  return backlog.length === 0 ? rows : `${rows}\n${backlogTable(backlog, screen)}`;
}

function routeState({ isDrained, isEmpty, pools }: RouteView, paint: Paint): string {
  if (isDrained) return paint.yellow(isEmpty ? "drained, and empty" : "draining");
  return pools.length === 0 ? paint.yellow("takes nothing now") : paint.green("open");
}

function backlogTable(rows: readonly (RouteView["backlog"][number] & { readonly cluster: string })[], screen: Screen): string {
  return renderTable(rows, [
    { head: "cluster", cell: ({ cluster }) => cluster },
    { head: "topic", cell: ({ topic }) => topic, shrinks: true },
    { head: "instance", cell: ({ instance }) => harmless(instance ?? "") },
    { head: "leaving", cell: ({ leaving }) => showCount(leaving), align: "right" },
    { head: "waiting", cell: ({ waiting }) => showCount(waiting), align: "right" },
    { head: "running", cell: ({ running }) => showCount(running), align: "right" },
    { head: "returning", cell: ({ returning }) => showCount(returning), align: "right" },
    { head: "oldest", cell: ({ oldestMs }) => showDuration(oldestMs), align: "right" },
  ], screen);
}

/** Everything known of one trip, but for what happened on it. */
export function tripFields(trip: TripDetail, nowMs: number, screen: Screen): string {
  const paint = paintOf(screen);
  const { report, stop, reason, endedAt, startedAt } = trip;
  return renderFields([
    ["trip", `${paint.bold(String(trip.trip))}  ${paintWhere(trip, paint)}`],
    ["job", `${harmless(trip.id)}, attempt ${trip.attempt}`],
    ["topic", trip.topic],
    ["cluster", `${trip.cluster}${endedAt === null ? `, heard ${agoText(trip.heardAgoMs)}` : ""}`],
    ["started", `${showInstant(startedAt)}${endedAt === null ? `, ${showAge(startedAt, nowMs)}` : ""}`],
    ["there", reportText(report)],
    ["progress", report.progress === undefined || endedAt !== null ? undefined : `${report.progress[0] === null ? "" : `${barOf(report.progress[0])} `}${progressWord(report.progress)}`],
    ["last error", report.error === undefined ? undefined : harmless(`${report.error.name}: ${report.error.message}`)],
    ["transport", trip.trouble === null ? undefined : paint.yellow(troubleText(trip.trouble, nowMs))],
    ["its transport", typeof report.trouble === "string" ? paint.yellow(harmless(report.trouble)) : undefined],
    ["stop", stop === null ? undefined : `asked for: ${harmless(stop)}`],
    ["inputs", blobsText(trip.inputs)],
    ["outputs", blobsText(trip.outputs)],
    ["ended", endedAt === null ? undefined : `${showInstant(endedAt)}, after ${showDuration(endedAt - startedAt)}`],
    ["reason", reason === null ? undefined : harmless(reason)],
  ], screen);
}

function reportText({ attempt, failures, instance }: Report): string | undefined {
  if (attempt === undefined) return undefined;
  return `attempt ${attempt}${instance === undefined ? "" : ` on ${harmless(instance)}`}${failures === undefined || failures === 0 ? "" : `, ${failures} failed`}`;
}

const troubleText = (trouble: Trouble, nowMs: number): string =>
  `${troubleWord(trouble)}; ${plural(trouble.failures, "try", "tries")}, the last ${showAge(trouble.at, nowMs)}, the next ${showAge(trouble.retryAt, nowMs)}`;

type Blobs = TripDetail["inputs"];

function blobsText(blobs: Blobs): string | undefined {
  if (blobs.length === 0) return undefined;
  return blobs.map(({ name, bytes }) => `${harmless(name)} (${showBytes(bytes)})`).join(", ");
}

const withBlobs = (blobs: Blobs, what: string): string => (blobs.length === 0 ? "" : ` with ${plural(blobs.length, what)} (${showBytes(blobs.reduce((sum, { bytes }) => sum + bytes, 0))})`);

/** What an event of a trip says, in words. */
export function tripSentences(event: TravelEvent, paint: Paint): readonly string[] {
  switch (event.type) {
    case "TripStarted": return [`attempt ${event.attempt} given to cluster ${paint.cyan(event.cluster)}${withBlobs(event.blobs, "input")}`];
    case "InputStaged": return ["its inputs are ready to be fetched"];
    case "TripDispatched": return ["offered"];
    case "TripAccepted": return ["accepted there"];
    case "TripRefused": return [`${paint.yellow("refused")} there: ${harmless(event.message)}`];
    case "TripReported": return reportSentences(event.report, paint);
    case "TripTroubled": {
      const { step, kind, message, failures, retryAt } = event;
      return [`${paint.yellow(STEPS[step])} (${kind}): ${harmless(message)}; try ${failures}, again at ${showTime(retryAt, event.at)}`];
    }
    case "TripStopRequested": return [`asked to stop: ${harmless(event.reason)}`];
    case "TripReturned": return [returnedSentence(event.outcome, paint)];
    case "OutputImported": return ["its outputs are here, and are what their digests say"];
    case "TripEnded": return [`${event.how === "returned" ? paint.green("ended: returned") : paint.yellow(`ended: ${event.how}`)}${event.reason === null ? "" : `: ${harmless(event.reason)}`}`];
    case "LateReturnRefused": return [`a late return (${event.end ?? "not done"}) was ${paint.yellow("refused")}: it changes nothing`];
  }
}

function reportSentences({ state, attempt, instance, failures, error, progress, log = [], trouble }: Extract<TravelEvent, { type: "TripReported" }>["report"], paint: Paint): readonly string[] {
  const said = [
    state === undefined ? "" : state === "active" ? `attempt ${attempt ?? "?"} runs there${instance === undefined ? "" : ` on ${harmless(instance)}`}` : state === "queued" ? "waits there for an instance" : "its inputs are fetched there",
    error === undefined ? "" : `${paint.red("failed")} there: ${harmless(`${error.name}: ${error.message}`)}${failures === undefined ? "" : ` (failure ${failures})`}`,
    progress === undefined ? "" : `${paint.dim("│")} ${progressWord(progress)}`,
    ...log.map((line) => `${paint.dim("│")} ${harmless(line)}`),
    trouble === undefined ? "" : trouble === null ? "transport there works again" : paint.yellow(`transport there: ${harmless(trouble)}`),
  ].filter((line) => line !== "");
  return said.length === 0 ? ["heard of there"] : said;
}

function returnedSentence({ end, blobs, reason, error }: Extract<TravelEvent, { type: "TripReturned" }>["outcome"], paint: Paint): string {
  const why = reason ?? (error === null ? undefined : `${error.name}: ${error.message}`);
  return `came back: ${end === null ? "not done" : paintState(paint, end)}${withBlobs(blobs, "output")}${why === undefined || why === null ? "" : `: ${harmless(why)}`}`;
}

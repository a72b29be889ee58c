/** What a replay of an offload router's history shows. */
import type { PhaseOrAbsent, RouterDifference, RouterSummary } from "../history/describe-router.ts";
import type { AnyFolded } from "../history/fold.ts";
import type { Screen } from "../io.ts";
import { plural, showCount } from "./quantities.ts";
import { betweenOf, change, headOf } from "./replay.ts";
import { renderFields, renderTable } from "./table.ts";

export function routerSummaryText(name: string, folded: AnyFolded, state: RouterSummary, screen: Screen): string {
  const fields = renderFields(headOf(name, folded, state, [
    ["trips", `${showCount(state.trips)} on their way, ${showCount(state.ended)} ended and kept`],
    ["guests", `${plural(state.guests, "job")} of other clusters`],
  ]), screen);
  if (state.routes.length === 0) return fields;
  return `${fields}\n${renderTable(state.routes, [
    { head: "cluster", cell: ({ cluster }) => cluster },
    { head: "", cell: ({ isDrained }, paint) => (isDrained ? paint.yellow("drained") : "") },
    { head: "instances", cell: ({ pools }) => showCount(pools.length), align: "right" },
    { head: "slots", cell: ({ pools }) => showCount(pools.reduce((sum, { slots }) => sum + slots, 0)), align: "right" },
    { head: "not offered", cell: ({ staging }) => showCount(staging), align: "right" },
    { head: "there", cell: ({ away }) => showCount(away), align: "right" },
  ], screen)}`;
}

const TRIPS_SHOWN = 50;

export function routerDifferenceText({ from, to, events, trips }: RouterDifference, screen: Screen): string {
  const head = renderFields([...betweenOf(from, to, events), ["trips", change(from.trips, to.trips)], ["guests", change(from.guests, to.guests)]], screen);
  const moved = trips.filter(({ before, after }) => before !== after);
  if (moved.length === 0) return head;
  const shown = (phase: PhaseOrAbsent, how: string | null): string => (phase === "ended" && how !== null ? how : phase);
  const table = renderTable(moved.slice(0, TRIPS_SHOWN), [
    { head: "trip", cell: ({ trip }) => String(trip), align: "right" },
    { head: "job", cell: ({ id }) => id },
    { head: "cluster", cell: ({ cluster }) => cluster },
    { head: "before", cell: ({ before }) => before },
    { head: "after", cell: ({ after, how }) => shown(after, how) },
  ], screen);
  const rest = moved.length - TRIPS_SHOWN;
  return `${head}\n${table}${rest > 0 ? `… and ${showCount(rest)} more; --json has all\n` : ""}`;
}

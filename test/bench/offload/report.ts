/** The figures of the offload benchmark as Markdown. It knows the goals, and no figure. */
import { type Machine, median, percentile } from "../measure.ts";
import { type Carriage, type Known, MIB, type RoundTrips } from "./cases.ts";

/** One sitting. What was not measured is absent. */
export interface Run {
  readonly startedAt: string;
  readonly machine: Machine;
  /** Share of the processors that others used just before, 0 … 1. */
  readonly othersBusy: number;
  readonly server: string;
  roundTrips?: RoundTrips;
  /** Jobs a second by where they were done, one figure a round. */
  readonly rates: { readonly here: number[]; readonly there: number[] };
  readonly rateJobs: number;
  readonly carriages: Carriage[];
  known?: Known;
}

/** A copy takes no less than this part of the time that our way takes. */
const RATIO_GOAL = 0.8;
/** Of a blob that is there already nothing travels; what is said of it does. */
const KNOWN_BYTES_GOAL = 64 * 1_024;
/** Others used more of the processors than this just before: the figures say so. */
const LOADED = 0.1;

/** Several sittings: each figure is of the last that measured it. */
export function combined(runs: readonly Run[]): Run {
  const last = runs.at(-1);
  if (last === undefined) throw new Error("there is nothing to show");
  const lastOf = <T>(pick: (run: Run) => T | undefined): T | undefined => runs.map(pick).findLast((found) => found !== undefined);
  const roundTrips = lastOf((run) => run.roundTrips);
  const known = lastOf((run) => run.known);
  const { rates, rateJobs } = runs.findLast((run) => run.rates.there.length > 0) ?? last;
  return {
    ...last, othersBusy: Math.max(...runs.map(({ othersBusy }) => othersBusy)), rates, rateJobs,
    carriages: lastOf(({ carriages }) => (carriages.length > 0 ? carriages : undefined)) ?? [], ...(roundTrips === undefined ? {} : { roundTrips }), ...(known === undefined ? {} : { known }),
  };
}

export const toMarkdown = (run: Run): string =>
  [heading(run), latency(run), rate(run), carriage(run), knownBytes(run)].filter((part) => part !== "").join("\n\n");

function heading({ startedAt, machine, othersBusy, server }: Run): string {
  const gigabytes = Math.round(machine.memoryBytes / 2 ** 30);
  const loaded = othersBusy > LOADED ? `**Measured under load:** other programs used ${Math.round(othersBusy * 100)} % of the processors.\n\n` : "";
  return `${loaded}${startedAt.slice(0, 16)}, ${machine.cpu}, ${machine.cores} cores, ${gigabytes} GB; Node ${machine.node}; two servers nats-server ${server} that sync every write (${machine.fileSystem}, fsync ${machine.fsyncMs.toFixed(3)} ms), `
    + "joined by a leaf node; in each cluster one process that hosts queue and router and one that works; all of it and the program that measures on this machine.";
}

function latency({ roundTrips }: Run): string {
  if (roundTrips === undefined) return "";
  const { here, there } = roundTrips;
  const row = (label: string, of: (samples: readonly number[]) => number): readonly string[] => [label, ms(of(here)), ms(of(there)), ms(of(there) - of(here))];
  return table([`${here.length} jobs, one at a time, milliseconds`, "done at home", "offloaded", "more"], [row("p50", (all) => percentile(all, 0.5)), row("p99", (all) => percentile(all, 0.99))]);
}

function rate({ rates, rateJobs }: Run): string {
  if (rates.there.length === 0) return "";
  const [here, there] = [median(rates.here), median(rates.there)];
  return table([`${whole(rateJobs)} small jobs, jobs a second`, "done at home", "offloaded", "ratio"], [["median", whole(here), whole(there), (there / here).toFixed(2)]]);
}

function carriage({ carriages }: Run): string {
  if (carriages.length === 0) return "";
  const rows = carriages.map(({ count, bytes, routerMs, copyMs }) => {
    const speed = (took: number): string => `${whole((count * bytes) / MIB / (took / 1_000))} MiB/s`;
    const ratio = copyMs / routerMs;
    return [`${count} × ${bytes / MIB} MiB`, speed(copyMs), speed(routerMs), ratio.toFixed(2), String(RATIO_GOAL), ratio >= RATIO_GOAL ? "yes" : "**no**"];
  });
  return table(["inputs", "copied", "with jobs", "ratio", "goal", "met"], rows);
}

function knownBytes({ known }: Run): string {
  if (known === undefined) return "";
  const { bytes, without, asNew, asKnown } = known;
  const isMet = asKnown - without <= KNOWN_BYTES_GOAL;
  return table([`a job with ${bytes / MIB} MiB`, "bytes over the link, both ways", "more than without"], [
    ["no input", whole(without), "–"], ["an input that is new there, given back", whole(asNew), whole(asNew - without)],
    [`an input that lies there already${isMet ? "" : " (**goal: no payload**)"}`, whole(asKnown), whole(asKnown - without)],
  ]);
}

const ms = (value: number): string => value.toFixed(1);
const whole = (value: number): string => Math.round(value).toLocaleString("en").replaceAll(",", " ");

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

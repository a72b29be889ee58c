/** Turns outcomes into Markdown. It computes medians and ratios of what was measured, and knows no figure itself. */
import type { Contender } from "./contender.ts";
import { ours } from "./contenders.ts";
import { type Machine, median } from "./measure.ts";
import type { Outcome } from "./runner.ts";
import type { Metric, Scenario, Size } from "./scenarios.ts";

/** All rounds of one contender in one scenario, in order. */
export interface Series {
  readonly scenario: string;
  readonly contender: string;
  readonly outcomes: readonly Outcome[];
  /** Share of the CPU that other processes used just before each round, 0 … 1. */
  readonly othersBusy: readonly number[];
}

export interface Run {
  readonly startedAt: string;
  readonly machine: Machine;
  readonly size: Size;
  readonly rounds: number;
  readonly contenders: readonly (Pick<Contender, "name" | "system" | "durability" | "tuning" | "concurrency"> & { readonly software: string })[];
  readonly series: readonly Series[];
}

export function toMarkdown(run: Run, scenarios: readonly Scenario[]): string {
  const names = run.contenders.map(({ name }) => name);
  const rows = scenarios.flatMap((scenario) => scenario.metrics.map((metric) => ({ scenario, metric })));
  const figures = table(
    ["", ...names],
    [
      ["system", ...run.contenders.map(({ system, software }) => `${system}, ${software}`)],
      ["an acknowledged job survives by", ...run.contenders.map(({ durability }) => durability)],
      ...rows.map(({ scenario, metric }) => [`${metric.label} (${metric.unit})`, ...names.map((name) => cell(seriesOf(run, scenario, name), metric))]),
      ...rateKept(run, rows),
    ],
  );
  return [heading(run), figures, ratios(run, rows), notes(run)].filter((part) => part !== "").join("\n\n");
}

function heading({ machine, size, rounds, startedAt, series }: Run): string {
  const busy = series.flatMap(({ othersBusy }) => othersBusy);
  const [typically, atMost] = [median(busy), Math.max(...busy)].map((share) => `${Math.round(share * 100)} %`);
  const gigabytes = Math.round(machine.memoryBytes / 2 ** 30);
  return [
    `${startedAt}: ${machine.cpu}, ${machine.cores} cores, ${gigabytes} GB; Node ${machine.node}; ${machine.fileSystem}, fsync ${machine.fsyncMs.toFixed(3)} ms; load average at start ${machine.loadAverage.toFixed(2)}.`,
    `${rounds === 1 ? "One round" : `Median of ${rounds} alternating rounds (lowest – highest)`}; ${grouped(size.jobs)} jobs, ${size.inFlight} in flight, offered for ${size.seconds} s at most; no-op handlers; servers, clients and workers share this machine, one system running at a time.`,
    `Before each measurement, with none of these systems running, others used ${typically} of the CPU (median; at most ${atMost}). The quieter, the more the figures mean.`,
    "Server memory is the proportional set size of the server's processes, page caches of their own included; storage is what the system would start from (PostgreSQL: tables and indexes; Redis: a rewritten log or a snapshot, which is compressed).",
  ].join("\n");
}

type Rows = readonly { readonly scenario: Scenario; readonly metric: Metric }[];

/** How much of its drain rate each keeps when a backlog waits behind; no row unless both were measured. */
function rateKept(run: Run, rows: Rows): string[][] {
  const empty = rows.find(({ metric }) => metric.key === "drain");
  const waiting = rows.find(({ metric }) => metric.key === "backlog-drain");
  if (!empty || !waiting) return [];
  const shares = run.contenders.map(({ name }) => {
    const share = median(samples(seriesOf(run, waiting.scenario, name), waiting.metric)) / median(samples(seriesOf(run, empty.scenario, name), empty.metric));
    return Number.isFinite(share) ? share.toFixed(2) : "–";
  });
  return [[`${waiting.metric.label}, as a share of a queue of ${grouped(run.size.jobs)}`, ...shares]];
}

/** Ratios are taken round by round, between measurements that ran minutes apart at most; their median is shown. */
function ratios(run: Run, rows: Rows): string {
  const own = run.contenders.filter(({ name }) => name.startsWith(ours));
  const peers = run.contenders.filter(({ name }) => !name.startsWith(ours));
  return own
    .map(({ name, durability }) => {
      const body = rows.map(({ scenario, metric }) => [
        metric.label,
        ...peers.map((peer) => ratio(samples(seriesOf(run, scenario, name), metric), samples(seriesOf(run, scenario, peer.name), metric), metric)),
      ]);
      const header = ["", ...peers.map((peer) => `to ${peer.name}`)];
      return `${name} (${durability}) in proportion to each peer, above 1 where it is better:\n\n${table(header, [["the peer's durability", ...peers.map((peer) => peer.durability)], ...body])}`;
    })
    .join("\n\n");
}

function ratio(own: readonly number[], theirs: readonly number[], { better }: Metric): string {
  const pairs = own.flatMap((figure, round) => {
    const other = theirs[round];
    return other === undefined ? [] : [better === "higher" ? figure / other : other / figure];
  });
  return pairs.length === 0 ? "–" : `${median(pairs).toFixed(2)}×`;
}

function notes(run: Run): string {
  const tunings = run.contenders.map(({ name, tuning }) => `- ${name}: ${tuning}.`);
  const failures = run.series.flatMap(({ scenario, contender, outcomes }) =>
    outcomes.flatMap((outcome, round) => ("failed" in outcome ? [`- ${contender}, ${scenario}, round ${round + 1}: ${outcome.failed.split("\n")[0]}`] : [])),
  );
  return [`Tuning:\n${tunings.join("\n")}`, failures.length === 0 ? "" : `No result:\n${failures.join("\n")}`].filter((part) => part !== "").join("\n\n");
}

function seriesOf(run: Run, scenario: Scenario, contender: string): Series | undefined {
  return run.series.find((series) => series.scenario === scenario.name && series.contender === contender);
}

/** The figures of every round, or none at all when any round failed: a system that loses jobs sometimes has no speed. */
function samples(series: Series | undefined, metric: Metric): readonly number[] {
  const figures = (series?.outcomes ?? []).map((outcome) => ("figures" in outcome ? outcome.figures[metric.key] : undefined));
  const measured = figures.filter((figure) => typeof figure === "number");
  return measured.length === figures.length ? measured : [];
}

function cell(series: Series | undefined, metric: Metric): string {
  if (series?.outcomes.some((outcome) => "failed" in outcome)) return "no result";
  const figures = samples(series, metric);
  if (figures.length === 0) return "–";
  const middle = shown(median(figures), metric);
  return figures.length === 1 ? middle : `${middle} (${shown(Math.min(...figures), metric)} – ${shown(Math.max(...figures), metric)})`;
}

function shown(figure: number, { unit }: Metric): string {
  return unit === "ms" ? figure.toFixed(2) : grouped(Math.round(figure));
}

function grouped(figure: number): string {
  return figure.toLocaleString("en").replaceAll(",", " ");
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map((_, column) => (column === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

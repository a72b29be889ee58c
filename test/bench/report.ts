/** Turns outcomes into Markdown. It computes medians and ratios of what was measured, and knows no figure itself. */
import { ours } from "./contenders.ts";
import { median } from "./measure.ts";
import type { Described, Part, Run, Series } from "./run.ts";
import { grouped, type Metric, type Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

/** Others used more of the CPU than this just before: the figure is marked. */
const LOADED = 0.1;
const MARK = "†";

export function toMarkdown(run: Run): string {
  const rows = rowsOf(run);
  return [heading(run), systems(run), figures(run, rows), ...ratios(run, rows), failures(run)].filter((part) => part !== "").join("\n\n");
}

type Rows = readonly { readonly scenario: Scenario; readonly metric: Metric }[];

/** What anybody has a figure for, or should have. */
function rowsOf(run: Run): Rows {
  return scenarios(run.size)
    .filter(({ name }) => run.series.some(({ scenario }) => scenario === name))
    .flatMap((scenario) => scenario.metrics.map((metric) => ({ scenario, metric })))
    .filter(({ scenario, metric }) => run.contenders.some(({ name }) => samples(seriesOf(run, scenario, name), metric).length > 0));
}

function heading(run: Run): string {
  const { size, parts, series } = run;
  const shares = series.map(({ othersBusy }) => median(othersBusy));
  const loaded = shares.filter((share) => share > LOADED).length;
  const warning = loaded === 0 ? [] : [
    `**Measured under load, not to be quoted:** ${loaded} of ${shares.length} series, marked ${MARK}, began while other programs used more than ${LOADED * 100} % of the CPU.`,
  ];
  return [
    ...warning,
    ...parts.map(machineOf),
    `${grouped(size.jobs)} jobs at most, offered for ${size.seconds} s at most, ${size.inFlight} in flight; no-op handlers; servers, clients and workers share this machine, one system running at a time.`
      + (size.concurrency === undefined ? "" : ` **Worker concurrency ${size.concurrency} for everybody, not the best of each.**`),
    `Before each measurement, with none of these systems running, others used ${percent(median(shares))} of the CPU (median; at most ${percent(Math.max(...series.flatMap(({ othersBusy }) => othersBusy)))}).`,
  ].join("\n\n");
}

function machineOf({ startedAt, minutes, machine, rounds }: Part): string {
  const gigabytes = Math.round(machine.memoryBytes / 2 ** 30);
  const figures = rounds === 1 ? "one round" : `median of ${rounds} alternating rounds (lowest – highest), one round of the long scenarios`;
  return `${startedAt}, ${Math.ceil(minutes)} minutes: ${machine.cpu}, ${machine.cores} cores, ${gigabytes} GB; Node ${machine.node}; ${machine.fileSystem}, `
    + `fsync ${machine.fsyncMs.toFixed(3)} ms; load average at start ${machine.loadAverage.toFixed(2)}; ${figures}.`;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function systems(run: Run): string {
  const rows = run.contenders.map(({ name, system, software, durability, tuning }) => [name, `${system}, ${software}`, durability, tuning]);
  return `### Systems\n\n${table(["", "system", "an acknowledged job survives by", "tuning"], rows, "---")}`;
}

function figures(run: Run, rows: Rows): string {
  const names = run.contenders.map(({ name }) => name);
  const body = rows.map(({ scenario, metric }) => [`${metric.label} (${metric.unit})`, ...names.map((name) => cell(seriesOf(run, scenario, name), metric))]);
  return `### Figures\n\n${table(["", ...names], [...body, ...rateKept(run, rows)])}`;
}

/** How much of its drain rate each keeps when a backlog waits behind; no row unless both were measured. */
function rateKept(run: Run, rows: Rows): string[][] {
  const empty = rows.find(({ metric }) => metric.key === "drain");
  const waiting = rows.find(({ metric }) => metric.key === "backlog-drain");
  if (!empty || !waiting) return [];
  const shares = run.contenders.map(({ name }) => {
    const share = median(samples(seriesOf(run, waiting.scenario, name), waiting.metric)) / median(samples(seriesOf(run, empty.scenario, name), empty.metric));
    return Number.isFinite(share) ? share.toFixed(2) : "–";
  });
  return [[`${waiting.metric.label}, as a share of "${empty.metric.label}"`, ...shares]];
}

/** One table for each of ours. */
function ratios(run: Run, rows: Rows): string[] {
  const own = run.contenders.filter(({ name }) => name.startsWith(ours));
  const peers = run.contenders.filter(({ name }) => !name.startsWith(ours));
  return peers.length === 0 ? [] : own.map((one) => ratiosOf(run, rows, one, peers));
}

function ratiosOf(run: Run, rows: Rows, { name, durability }: Described, peers: readonly Described[]): string {
  const body = rows.flatMap(({ scenario, metric }) => {
    const ratiosToPeers = peers.map((peer) => ratio(seriesOf(run, scenario, name), seriesOf(run, scenario, peer.name), metric));
    return ratiosToPeers.every((one) => one === "–") ? [] : [[metric.label, ...ratiosToPeers]];
  });
  const header = ["", ...peers.map((peer) => `to ${peer.name}`)];
  return `### ${name} to each peer\n\nAbove 1 where ${name} (${durability}) is better.\n\n${table(header, [["the peer's durability", ...peers.map((peer) => peer.durability)], ...body])}`;
}

/** Taken round by round, between measurements that ran minutes apart at most; their median. Across runs: of the medians. */
function ratio(own: Series | undefined, theirs: Series | undefined, metric: Metric): string {
  const [mine, others] = [samples(own, metric), samples(theirs, metric)];
  const [left, right] = own?.startedAt === theirs?.startedAt ? [mine, others] : [[median(mine)], [median(others)]];
  const pairs = left.flatMap((figure, round) => {
    const other = right[round];
    return other === undefined ? [] : [metric.better === "higher" ? figure / other : other / figure];
  });
  const middle = median(pairs);
  return Number.isFinite(middle) ? `${middle.toFixed(2)}×` : "–";
}

function failures(run: Run): string {
  const lines = run.series.flatMap(({ scenario, contender, outcomes }) =>
    outcomes.flatMap((outcome, round) => ("failed" in outcome ? [`- ${contender}, ${scenario}, round ${round + 1}: ${outcome.failed.split("\n")[0]}`] : [])),
  );
  return lines.length === 0 ? "" : `### No result\n\n${lines.join("\n")}`;
}

function seriesOf(run: Run, scenario: Scenario, contender: string): Series | undefined {
  return run.series.find((series) => series.scenario === scenario.name && series.contender === contender);
}

/** The figures of every round, or none at all when any round failed: a system that loses jobs sometimes has no speed. */
function samples(series: Series | undefined, metric: Metric): readonly number[] {
  const figuresOfRounds = (series?.outcomes ?? []).map((outcome) => ("figures" in outcome ? outcome.figures[metric.key] : undefined));
  const measured = figuresOfRounds.filter((figure) => typeof figure === "number");
  return measured.length === figuresOfRounds.length ? measured : [];
}

function cell(series: Series | undefined, metric: Metric): string {
  if (series?.outcomes.some((outcome) => "failed" in outcome)) return "no result";
  const measured = samples(series, metric);
  if (measured.length === 0) return "–";
  const mark = median(series?.othersBusy ?? []) > LOADED ? MARK : "";
  const middle = `${shown(median(measured), metric)}${mark}`;
  return measured.length === 1 ? middle : `${middle} (${shown(Math.min(...measured), metric)} – ${shown(Math.max(...measured), metric)})`;
}

function shown(figure: number, { unit }: Metric): string {
  return unit === "ms" && figure < 100 ? figure.toFixed(2) : grouped(Math.round(figure));
}

function table(header: readonly string[], rows: readonly (readonly string[])[], others = "---:"): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map((_, column) => (column === 0 ? "---" : others))), ...rows.map(line)].join("\n");
}

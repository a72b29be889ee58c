/** The samples of the topology benchmark as Markdown. It knows the targets, and no figure. */
import { type Machine, percentile } from "../measure.ts";
import { type Busy, ROWS, type Samples } from "./cases.ts";

/** One sitting. */
export interface Part {
  readonly startedAt: string;
  readonly minutes: number;
  readonly machine: Machine;
  /** Share of the processors that others used just before, 0 … 1. */
  readonly othersBusy: number;
  readonly server: string;
}

export interface Run {
  readonly parts: readonly Part[];
  readonly instances: number;
  readonly samples: Samples;
  readonly busy: readonly Busy[];
  /** Jobs a second by how many worker processes. */
  readonly throughput: Readonly<Record<string, readonly number[]>>;
}

/** Runs of the same number of instances, shown as one. @throws {Error} when they are not. */
export function combined(runs: readonly Run[]): Run {
  const [first] = runs;
  if (first === undefined || runs.some(({ instances }) => instances !== first.instances)) throw new Error("these runs are not of the same number of instances");
  return {
    parts: runs.flatMap(({ parts }) => parts), instances: first.instances, samples: merged(runs.map(({ samples }) => samples)),
    busy: runs.flatMap(({ busy }) => busy), throughput: merged(runs.map(({ throughput }) => throughput)),
  };
}

function merged(all: readonly Readonly<Record<string, readonly number[]>>[]): Record<string, number[]> {
  const sum: Record<string, number[]> = {};
  for (const [key, values] of all.flatMap((one) => Object.entries(one))) sum[key] = [...(sum[key] ?? []), ...values];
  return sum;
}

/** Others used more of the processors than this just before: the figures say so. */
const LOADED = 0.1;

interface Row {
  readonly key: string;
  readonly label: string;
  /** Of the 50th and the 99th percentile, milliseconds. */
  readonly target: readonly [p50: number | undefined, p99: number] | undefined;
}

const TABLE: readonly Row[] = [
  { key: ROWS.crashChanging, label: "an instance is killed → CHANGING on all others", target: [2_500, 4_000] },
  { key: ROWS.crashChanged, label: "an instance is killed → gone from every view (CHANGED on all others)", target: [2_700, 4_200] },
  { key: ROWS.failOver, label: "the instance that hosts the queues is killed → jobs are begun again", target: [undefined, 5_000] },
  { key: ROWS.leaveChanging, label: "an instance leaves (SIGTERM) → CHANGING", target: [undefined, 100] },
  { key: ROWS.leaveChanged, label: "an instance leaves → CHANGED", target: [undefined, 300] },
  { key: ROWS.handOver, label: "the instance that hosts leaves → jobs are begun again, by the next one", target: undefined },
  { key: ROWS.joinChanging, label: "an instance has started → CHANGING on all others", target: [undefined, 700] },
  { key: ROWS.joinChanged, label: "an instance has started → CHANGED on all others", target: [undefined, 1_000] },
  { key: ROWS.property, label: "a property is changed → PROPERTIES_CHANGED on all others", target: [undefined, 100] },
  { key: ROWS.hungChanging, label: "an instance hangs (SIGSTOP) → CHANGING on all others", target: [4_500, 6_000] },
  { key: ROWS.hungChanged, label: "an instance hangs → CHANGED on all others", target: [4_700, 6_200] },
  { key: ROWS.hungFailOver, label: "the instance that hosts hangs → jobs are begun again", target: undefined },
  { key: ROWS.leaderKilled, label: "of three servers that which leads the journal is killed → a commit sent then is stored", target: undefined },
];

export function toMarkdown(run: Run): string {
  return [heading(run), times(run), load(run), throughputs(run)].filter((part) => part !== "").join("\n\n");
}

function heading({ parts, instances }: Run): string {
  const { machine, server } = parts[0]!;
  const gigabytes = Math.round(machine.memoryBytes / 2 ** 30);
  const isLoaded = parts.some(({ othersBusy }) => othersBusy > LOADED);
  const sittings = parts.map(({ startedAt, minutes, othersBusy }) => `${startedAt.slice(0, 16)}, ${Math.ceil(minutes)} minutes, others used ${Math.round(othersBusy * 100)} % of the processors just before`);
  return [
    ...(isLoaded ? [`**Measured under load:** other programs used more than ${LOADED * 100} % of the processors; on a machine of its own the times are shorter.\n`] : []),
    `${machine.cpu}, ${machine.cores} cores, ${gigabytes} GB; Node ${machine.node}; nats-server ${server}, one (three for the last row), which syncs every write (${machine.fileSystem}, fsync ${machine.fsyncMs.toFixed(3)} ms); `
      + `${instances} instances and the program that measures, all on this machine. Measured in ${parts.length === 1 ? "one sitting" : `${parts.length} sittings`}:`,
    ...sittings.map((sitting, i) => `${i === 0 ? "\n" : ""}- ${sitting}`),
  ].join("\n");
}

function times({ samples }: Run): string {
  const rows = TABLE.flatMap(({ key, label, target }) => {
    const taken = samples[key] ?? [];
    if (taken.length === 0) return [];
    const [p50, p99] = [percentile(taken, 0.5), percentile(taken, 0.99)];
    return [[label, String(taken.length), shown(p50), shown(p99), shown(Math.max(...taken)), targetOf(target), met(target, p50, p99)]];
  });
  return rows.length === 0 ? "" : table(["milliseconds", "times", "p50", "p99", "longest", "target", "met"], rows);
}

const shown = (ms: number): string => ms.toFixed(0);

const targetOf = (target: Row["target"]): string => (target === undefined ? "–" : `${target[0] === undefined ? "" : `p50 ${target[0]}, `}p99 ${target[1]}`);

function met(target: Row["target"], p50: number, p99: number): string {
  if (target === undefined) return "–";
  return (target[0] === undefined || p50 <= target[0]) && p99 <= target[1] ? "yes" : "**no**";
}

function load({ busy, instances }: Run): string {
  return busy.map(({ programs, seconds, evicted, views }) =>
    `With ${programs} programs that do nothing but count, for ${seconds} s: ${evicted} of ${instances} instances were given up (target: 0), and the view changed ${views} times.`).join("\n\n");
}

function throughputs({ throughput }: Run): string {
  const rows = Object.entries(throughput).map(([workers, rates]) => [String(workers), String(rates.length), Math.round(percentile(rates, 0.5)).toLocaleString("en").replaceAll(",", " ")]);
  return rows.length === 0 ? "" : table(["worker processes", "times", "jobs/s (median)"], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

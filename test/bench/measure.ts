/** Clocks, percentiles, and facts about the machine and its processes. Nothing here knows a contender. */
import { closeSync, fdatasyncSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly fileSystem: string;
  /** Median of 200 appends of 4 KiB, each followed by fdatasync, where the servers keep their files. */
  readonly fsyncMs: number;
  readonly loadAverage: number;
}

/** Nearest-rank percentile, `fraction` 0 … 1. Sorts a copy. NaN for no samples. */
export function percentile(samples: Iterable<number>, fraction: number): number {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}

export function median(samples: Iterable<number>): number {
  const sorted = Float64Array.from(samples).sort();
  const middle = sorted.length / 2;
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)] ?? Number.NaN;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function describeMachine(directory: string): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    fileSystem: fileSystemOf(directory),
    fsyncMs: measureFsync(directory),
    loadAverage: loadavg()[0] ?? Number.NaN,
  };
}

/** Share of all cores in use during `ms`, 0 … 1: what others take, when nothing of ours runs. */
export async function cpuBusy(ms: number): Promise<number> {
  const before = cpuTimes();
  await sleep(ms);
  const after = cpuTimes();
  return 1 - (after.idle - before.idle) / Math.max(1, after.total - before.total);
}

function cpuTimes(): { readonly idle: number; readonly total: number } {
  const times = cpus().map((core) => core.times);
  const sum = (pick: (core: (typeof times)[number]) => number) => times.reduce((total, core) => total + pick(core), 0);
  return { idle: sum((core) => core.idle), total: sum((core) => core.idle + core.user + core.sys + core.nice + core.irq) };
}

function measureFsync(directory: string): number {
  const path = join(directory, "fsync-probe");
  const file = openSync(path, "w");
  const block = Buffer.alloc(4096, 1);
  const samples = Array.from({ length: 200 }, () => {
    const begin = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    return performance.now() - begin;
  });
  closeSync(file);
  rmSync(path);
  return median(samples);
}

/** The type of the mount that holds `directory`: the longest mount point that is a prefix of it. */
function fileSystemOf(directory: string): string {
  const mounts = readText("/proc/mounts").split("\n").map((line) => line.split(" "));
  const holding = mounts.filter(([, point]) => point !== undefined && `${directory}/`.startsWith(point === "/" ? "/" : `${point}/`));
  holding.sort((one, other) => (other[1]?.length ?? 0) - (one[1]?.length ?? 0));
  return holding[0]?.[2] ?? "unknown";
}

/**
 * Memory of these processes and all their descendants, in bytes; NaN where there is no /proc.
 *
 * Proportional set size, not resident size: PostgreSQL's processes share their buffers, and adding
 * their resident sizes would count the same pages many times.
 */
export function memoryOf(roots: readonly number[]): number {
  let total = 0;
  for (const pid of processTree(roots)) {
    const kibibytes = /^Pss:\s+(\d+) kB/m.exec(readText(`/proc/${pid}/smaps_rollup`))?.[1];
    total += Number(kibibytes ?? 0) * 1024;
  }
  return total === 0 ? Number.NaN : total;
}

function processTree(roots: readonly number[]): Set<number> {
  const children = new Map<number, number[]>();
  for (const entry of readNames("/proc").filter((name) => /^\d+$/.test(name))) {
    // The command name may hold spaces and parentheses; the parent is the second field after it.
    const parent = Number(readText(`/proc/${entry}/stat`).split(") ").at(-1)?.split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = new Set<number>();
  const open = [...roots];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    tree.add(pid);
    open.push(...(children.get(pid) ?? []));
  }
  return tree;
}

/** Bytes allocated on disk to the files below `directory` (preallocated space counts as written or not). */
export function allocatedBytes(directory: string): number {
  let total = 0;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const facts = statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
    total += (facts?.blocks ?? 0) * 512;
  }
  return total;
}

/** Processes come and go while we look; what is gone reads as empty. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function readNames(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

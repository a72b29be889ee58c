/** Versions of nats-server, as `major.minor.patch`. */

import { execFile } from "node:child_process";

/** The oldest server that can sync on every write. */
export const FLOOR_VERSION = "2.10.0";

/** Negative when `left` is older than `right`. Text that is no version counts as the oldest. */
export function compareVersions(left: string, right: string): number {
  const a = numbers(left);
  const b = numbers(right);
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether a store written by `stamp` may be opened by `version`: JetStream's files cannot go back a minor version. */
export function canOpenStore(version: string, stamp: string): boolean {
  const [major = 0, minor = 0] = numbers(version);
  const [stampMajor = 0, stampMinor = 0] = numbers(stamp);
  return major > stampMajor || (major === stampMajor && minor >= stampMinor);
}

/** What `nats-server --version` of this file answers; undefined when it is not a server that runs here. */
export function versionOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, ["--version"], { timeout: 10_000 }, (error, stdout) => {
      resolve(error === null ? /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] : undefined);
    });
  });
}

const numbers = (version: string): readonly number[] => (/^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1) ?? []).map(Number);

/** One thing that `longshore doctor` has looked at. */

export interface Finding {
  readonly check: string;
  /** `unknown`: it could not be looked at, and `found` says why. */
  readonly ok: boolean | "unknown";
  readonly found: string;
  /** What to do; empty when nothing is. */
  readonly remedy: string;
}

export const good = (check: string, found: string): Finding => ({ check, ok: true, found, remedy: "" });
export const bad = (check: string, found: string, remedy: string): Finding => ({ check, ok: false, found, remedy });
export const unknown = (check: string, found: string, remedy: string): Finding => ({ check, ok: "unknown", found, remedy });

/** What those who add the jobs of these tests and those who work on them have in common. */
export const TOPIC = "media/flip";
export const INPUT = "original";
export const OUTPUT = "flipped";

export interface Flip {
  /** Stands in the log of executions. */
  readonly key: string;
  /** A file that is waited for before the work is done. */
  readonly gate?: string;
}

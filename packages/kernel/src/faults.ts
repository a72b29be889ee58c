/**
 * The two families of errors that are thrown. The third, rejections, is data (`Decision`).
 *
 * A `Fault` is the world failing: `retry` says what helps. A `Defect` is us being wrong: the actor stops.
 */
export class Fault extends Error {
  readonly code: string;
  readonly retry: "now" | "backoff" | "never";
  /** What to do about it, where the message does not say so already. */
  readonly remedy: string | undefined;
  constructor(code: string, message: string, options: { readonly retry: "now" | "backoff" | "never"; readonly cause?: unknown; readonly remedy?: string }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Fault";
    this.code = code;
    this.retry = options.retry;
    this.remedy = options.remedy;
  }
}

export class Defect extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Defect";
  }
}

/** @throws {Defect} when the condition does not hold. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Defect(message);
}

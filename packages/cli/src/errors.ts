/**
 * What went wrong, as an exit code, a sentence and a remedy.
 *
 * Faults (the world failed) and rejections (the domain said no) arrive with codes of their own; programs compare those
 * codes, so the one table from code to exit code stands here.
 */
import { Defect, Fault } from "@longshore/kernel";

/** The exit codes, all of them. Scripts depend on them: a meaning never changes. */
export const EXIT = {
  done: 0,
  /** The thing asked about failed: a job that did not succeed, an audit with violations, a doctor's finding. */
  failed: 1,
  usage: 2,
  notFound: 3,
  /** NATS, or the host behind it, does not answer. */
  unreachable: 4,
  /** Somebody understood the request and said no. */
  refused: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An end other than success, with everything the user is told about it. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly remedy: string | undefined;
  constructor(exitCode: ExitCode, code: string, message: string, remedy?: string) {
    super(message);
    this.name = "CommandFailure";
    this.exitCode = exitCode;
    this.code = code;
    this.remedy = remedy;
  }
}

export const wrongUsage = (message: string, remedy: string): CommandFailure => new CommandFailure(EXIT.usage, "cli/usage", message, remedy);
export const notFound = (message: string, remedy: string): CommandFailure => new CommandFailure(EXIT.notFound, "cli/not-found", message, remedy);
export const refused = (code: string, message: string, remedy?: string): CommandFailure => new CommandFailure(EXIT.refused, code, message, remedy);
export const failed = (code: string, message: string, remedy?: string): CommandFailure => new CommandFailure(EXIT.failed, code, message, remedy);

/** Codes that do not follow from their prefix or from `retry`. */
const EXIT_BY_CODE: Readonly<Record<string, ExitCode>> = {
  "job/not-found": EXIT.notFound,
  "queue/not-found": EXIT.notFound,
  "trip/unknown": EXIT.notFound,
  "route/unknown": EXIT.notFound,
  "result/gone": EXIT.notFound,
  "history/not-found": EXIT.notFound,
  "nats/unreachable": EXIT.unreachable,
  "nats/unavailable": EXIT.unreachable,
  "nats/closed": EXIT.unreachable,
  "nats/no-stream": EXIT.unreachable,
  "nats/no-jetstream": EXIT.unreachable,
  "host/absent": EXIT.unreachable,
  "host/unavailable": EXIT.unreachable,
  // The library throws these as `Unavailable`, but somebody was there and said no.
  "server/denied": EXIT.refused,
  "nats/denied": EXIT.refused,
  "nats/unauthorized": EXIT.refused,
  "nats/too-old": EXIT.refused,
  "client/too-large": EXIT.refused,
  "nats/no-server": EXIT.failed,
  "nats/start-failed": EXIT.failed,
  "history/chain-broken": EXIT.failed,
  "job/failed": EXIT.failed,
  "name/illegal": EXIT.usage,
  "input/invalid": EXIT.usage,
  "option/invalid": EXIT.usage,
  "feature/not-yet": EXIT.usage,
  "outcome/unknown": EXIT.unreachable,
};

const REMEDY_BY_CODE: Readonly<Record<string, string>> = {
  "job/not-found": "look for it with `longshore jobs --state all`, or in the history with `longshore jobs --state history`",
  "queue/not-found": "see which there are with `longshore queues`",
  "trip/unknown": "`longshore offload --all` lists the trips there are, `longshore job <id>` says what became of a job",
  "route/unknown": "`longshore offload clusters` lists them; a cluster is known once both name each other, --peers",
  "job/ended": "it has its end already: `longshore job <id>` shows it, `longshore retry <id>` runs it again",
  "job/not-ended": "stop it first: `longshore stop <id>`",
  "job/id-reused": "use another --id, or the same input as before",
  "job/not-yours": "speak as its owner or as an operator: --user",
  "queue/backlog-full": "let workers catch up, add some, or raise the bound of the queue",
  "outcome/unknown": "look whether it took effect (`longshore jobs`), or repeat it with an --id of your own, which is safe",
  "result/gone": "look for it in the past: `longshore job <id>`",
  "host/unavailable": "start one with `longshore up`, or `longshore run` with the name of what is missing; `longshore doctor` looks for more",
  "server/denied": "speak as a user with the role for this: --user, and the roles in nats.conf",
  "nats/unauthorized": "give the right --user and LONGSHORE_PASSWORD, or --creds <file>",
  "nats/denied": "speak as a user with the role for this: --user, and the roles in nats.conf",
  "history/chain-broken": "`longshore audit` shows where; restore the journal from a replica or an export",
};

export interface Explained {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly message: string;
  readonly remedy: string | undefined;
}

/** Whatever was thrown, in the words the user gets. */
export function explain(error: unknown): Explained {
  if (error instanceof CommandFailure) return error;
  const { code, message } = named(error);
  if (code === undefined) {
    const remedy = "this is a mistake in longshore itself: run it again with LONGSHORE_DEBUG=1 and report what it prints";
    return { exitCode: EXIT.failed, code: error instanceof Defect ? "cli/defect" : "cli/unexpected", message, remedy };
  }
  const own = error instanceof Fault ? error.remedy : undefined;
  return { exitCode: exitCodeOf(code, error), code, message, remedy: own ?? REMEDY_BY_CODE[code] };
}

function exitCodeOf(code: string, error: unknown): ExitCode {
  const known = EXIT_BY_CODE[code];
  if (known !== undefined) return known;
  if (error instanceof Fault && error.retry !== "never") return EXIT.unreachable;
  // The client's class of that name: whatever the code, the call took no effect because nobody could be reached.
  if (error instanceof Error && error.name === "Unavailable") return EXIT.unreachable;
  return EXIT.refused;
}

/** Faults, rejections as data, and errors of the client that carry a `code` of ours, such as `job/not-found`. */
function named(error: unknown): { readonly code: string | undefined; readonly message: string } {
  if (typeof error !== "object" || error === null) return { code: undefined, message: String(error) };
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const text = typeof message === "string" && message !== "" ? message : String(error);
  return { code: typeof code === "string" && code.includes("/") ? code : undefined, message: text };
}

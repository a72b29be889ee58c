/**
 * What a command is: a row of one table, from which parsing, `--help`, suggestions and `docs/cli.md` are all made.
 *
 * Option names are written in camel case here (`dryRun`) and typed with dashes (`--dry-run`).
 */
import type { Io } from "./io.ts";
import type { Point } from "./values.ts";

/** `duration` and `instant` arrive as milliseconds; `pair` takes the two words after it. */
export type OptionKind = "flag" | "text" | "list" | "integer" | "number" | "duration" | "instant" | "point" | "pair";

export interface OptionSpec {
  readonly kind: OptionKind;
  readonly help: string;
  /** What stands for the value in help, for example `<n>`. */
  readonly value?: string;
  readonly short?: string;
  readonly choices?: readonly string[];
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export interface ArgumentSpec {
  readonly kind: "required" | "optional" | "many";
  readonly help: string;
  /** How it is shown, when not as its name. */
  readonly shown?: string;
}

export type ArgumentSpecs = Readonly<Record<string, ArgumentSpec>>;

type OptionValue<Kind extends OptionKind> = Kind extends "flag"
  ? boolean
  : Kind extends "list"
    ? readonly string[]
    : Kind extends "text"
      ? string | undefined
      : Kind extends "point"
        ? Point | undefined
        : Kind extends "pair"
          ? readonly [Point, Point] | undefined
          : number | undefined;

type ArgumentValue<Kind extends ArgumentSpec["kind"]> = Kind extends "required" ? string : Kind extends "many" ? readonly string[] : string | undefined;

/** What every command takes. */
export interface Shared {
  readonly json: boolean;
  readonly help: boolean;
  /** Where NATS is and who we are; only commands that connect take these. */
  readonly server: string | undefined;
  readonly cluster: string | undefined;
  readonly shard: string | undefined;
  readonly user: string | undefined;
  readonly creds: string | undefined;
}

export interface Context<Options extends OptionSpecs, Arguments extends ArgumentSpecs> {
  readonly options: { readonly [Name in keyof Options]: OptionValue<Options[Name]["kind"]> };
  readonly args: { readonly [Name in keyof Arguments]: ArgumentValue<Arguments[Name]["kind"]> };
  readonly shared: Shared;
  readonly io: Io;
}

export const GROUPS = ["run", "jobs", "queues", "offload", "history", "operate", "later"] as const;
export type Group = (typeof GROUPS)[number];

export interface Example {
  readonly line: string;
  readonly says: string;
}

export interface CommandSpec<Options extends OptionSpecs, Arguments extends ArgumentSpecs> {
  /** One word, or two: `queues suspend`. */
  readonly name: string;
  readonly group: Group;
  /** One line, without a full stop. */
  readonly summary: string;
  /** Paragraphs below the summary. */
  readonly details?: readonly string[];
  readonly args?: Arguments;
  readonly options?: Options;
  readonly examples?: readonly Example[];
  /** Options that a later release brings, as they are typed, without dashes. */
  readonly laterOptions?: readonly string[];
  /** Takes the options that say where NATS is. */
  readonly connects: boolean;
  /** Ends in order when `io.signal` is aborted; any other command is then left where it is. */
  readonly endsInOrder?: true;
  /** Ends by throwing when it does not end well. */
  readonly run: (context: Context<Options, Arguments>) => Promise<void>;
}

/** A row of the table, whatever its options are. */
export interface Command extends Omit<CommandSpec<OptionSpecs, ArgumentSpecs>, "run" | "args" | "options"> {
  readonly args: ArgumentSpecs;
  readonly options: OptionSpecs;
  readonly run: (context: Context<OptionSpecs, ArgumentSpecs>) => Promise<void>;
}

/** Gives a row its types: what `run` gets follows from `args` and `options`. */
export function command<const Options extends OptionSpecs = Record<never, never>, const Arguments extends ArgumentSpecs = Record<never, never>>(
  spec: CommandSpec<Options, Arguments>,
): Command {
  const { args, options, run, ...rest } = spec;
  // The parser makes the context from these very specs.
  const erased = run as unknown as Command["run"];
  return { ...rest, args: args ?? {}, options: options ?? {}, run: erased };
}

export const SHARED_OPTIONS = {
  json: { kind: "flag", help: "one JSON document on stdout; one per line where lines follow" },
  help: { kind: "flag", short: "h", help: "this text" },
} as const;

export const CONNECTION_OPTIONS = {
  server: { kind: "text", value: "<url>", help: "NATS to speak to; else NATS_URL, else the server of `longshore up`" },
  cluster: { kind: "text", value: "<name>", help: "name of the cluster; else LONGSHORE_CLUSTER, else main" },
  shard: { kind: "text", value: "<name>", help: "which JobQueue of the cluster; main when absent" },
  user: { kind: "text", value: "<name>", help: "who to speak as; the password comes from LONGSHORE_PASSWORD" },
  creds: { kind: "text", value: "<file>", help: "credentials file of NATS, instead of user and password" },
} as const;

/** Everything a command takes, in the order of its help. */
export const optionsOf = (of: Command): OptionSpecs => ({ ...of.options, ...(of.connects ? CONNECTION_OPTIONS : {}), ...SHARED_OPTIONS });

/** `dryRun` as it is typed: `--dry-run`. */
export const typed = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Help, made from the table of commands: as text for the screen. */
import { CONNECTION_OPTIONS, type Command, GROUPS, type Group, type OptionSpec, type OptionSpecs, SHARED_OPTIONS, typed } from "./command.ts";
import type { Screen } from "./io.ts";
import { type Paint, paintOf, widthOf } from "./render/paint.ts";

export const GROUP_TITLES: Readonly<Record<Group, string>> = {
  run: "Run it",
  jobs: "Jobs",
  queues: "Queues",
  offload: "Jobs in other clusters",
  history: "History",
  operate: "Operate",
  later: "Not available yet",
};

export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [0, "done"],
  [1, "the thing asked about failed"],
  [2, "wrong usage"],
  [3, "not found"],
  [4, "NATS, or the host behind it, cannot be reached"],
  [5, "refused"],
];

const LINE_CHARS = 100;

/** `longshore add <topic> [json|-] [options]`. */
export function usageOf(command: Command): string {
  const args = Object.entries(command.args).map(([name, { kind, shown = name }]) =>
    kind === "required" ? `<${shown}>` : kind === "optional" ? `[${shown}]` : `[${shown} …]`);
  return ["longshore", command.name, ...args, "[options]"].join(" ");
}

export const placeholder = ({ kind, value }: OptionSpec): string => (kind === "flag" ? "" : ` ${value ?? PLACEHOLDERS[kind]}`);

const PLACEHOLDERS = {
  text: "<text>", list: "<text>", integer: "<n>", number: "<n>", duration: "<duration>", instant: "<time>", point: "<commit|time>", pair: "<a> <b>",
} as const;

export const helpTextOf = ({ help, choices, kind }: OptionSpec): string =>
  help + (choices === undefined || help.includes(choices[0] ?? "") ? "" : `: ${choices.join(", ")}`) + (kind === "list" ? " (may be repeated)" : "");

function optionLines(options: OptionSpecs, paint: Paint): string {
  const rows = Object.entries(options).map(([name, spec]): [string, string] => [
    `${spec.short === undefined ? "" : `-${spec.short}, `}${typed(name)}${placeholder(spec)}`,
    helpTextOf(spec),
  ]);
  return rowLines(rows, paint);
}

function rowLines(rows: readonly (readonly [string, string])[], paint: Paint): string {
  const width = Math.min(32, Math.max(0, ...rows.map(([left]) => left.length)));
  return rows
    .map(([left, right]) => {
      const lines = wrap(right, Math.max(30, LINE_CHARS - width - 4));
      const indent = `\n${" ".repeat(width + 4)}`;
      const first = left.length > width ? `${paint.cyan(left)}${indent}` : `${paint.cyan(left)}${" ".repeat(width - left.length + 2)}`;
      return `  ${first}${lines.join(indent)}\n`;
    })
    .join("");
}

function wrap(text: string, chars: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && widthOf(line) + 1 + widthOf(word) > chars) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** What `longshore <command> --help` prints. */
export function commandHelp(command: Command, commands: readonly Command[], screen: Screen): string {
  const paint = paintOf(screen);
  const title = (text: string): string => `\n${paint.bold(text)}\n`;
  const parts = [`${paint.bold("Usage")}  ${usageOf(command)}\n\n${wrap(`${command.summary}.`, LINE_CHARS).join("\n")}\n`];
  for (const paragraph of command.details ?? []) parts.push(`\n${wrap(paragraph, LINE_CHARS).join("\n")}\n`);
  const args = Object.entries(command.args).map(([name, { help, shown = name }]): [string, string] => [shown, help]);
  if (args.length > 0) parts.push(title("Arguments"), rowLines(args, paint));
  if (Object.keys(command.options).length > 0) parts.push(title("Options"), optionLines(command.options, paint));
  parts.push(title("Everywhere"), optionLines({ ...(command.connects ? CONNECTION_OPTIONS : {}), ...SHARED_OPTIONS }, paint));
  const below = commands.filter(({ name }) => name.startsWith(`${command.name} `));
  if (below.length > 0) parts.push(title("Below it"), rowLines(below.map(({ name, summary }) => [name, summary]), paint));
  if (command.examples !== undefined) parts.push(title("Examples"), rowLines(command.examples.map(({ line, says }) => [line, says]), paint));
  return parts.join("");
}

/** What `longshore help` prints. */
export function overview(commands: readonly Command[], screen: Screen): string {
  const paint = paintOf(screen);
  const parts = [`${paint.bold("longshore")}: durable jobs over NATS JetStream\n\n${paint.bold("Usage")}  longshore <command> [options]\n`];
  for (const group of GROUPS) {
    const rows = commands.filter((command) => command.group === group);
    if (rows.length === 0) continue;
    parts.push(`\n${paint.bold(GROUP_TITLES[group])}\n`);
    if (group === "later") parts.push(`  ${wrap(rows.map(({ name }) => name).join(", "), LINE_CHARS - 2).join("\n  ")}\n`);
    else parts.push(rowLines(rows.map(({ name, summary }) => [name, summary]), paint));
  }
  const codes = EXIT_CODES.map(([code, meaning]) => `${code} ${meaning}`).join(", ");
  parts.push(`\n${paint.bold("Exit codes")}\n${wrap(codes, LINE_CHARS - 2).map((line) => `  ${line}\n`).join("")}`);
  parts.push(`\n\`longshore <command> --help\` says more. Every command takes --json.\n`);
  return parts.join("");
}

/** The same table of commands as Markdown: `docs/cli.md` is its output, and a test compares. */
import { CONNECTION_OPTIONS, type Command, GROUPS, type OptionSpecs, SHARED_OPTIONS, typed } from "./command.ts";
import { EXIT_CODES, GROUP_TITLES, helpTextOf, placeholder, usageOf } from "./help.ts";

const INTRODUCTION = `# The longshore command

<!-- Generated from packages/cli/src/commands by packages/cli/src/print-reference.ts; a test compares. Do not edit. -->

People first, scripts always: data goes to stdout and nothing else does; what is said to people goes to stderr. Every
command takes \`--json\` (one document, or one per line where lines follow) and \`--help\`. \`NO_COLOR\` is honored, and
progress is drawn only on a terminal.

NATS is found at \`--server\`, else \`NATS_URL\`, else at the server that \`longshore up\` runs on this machine.

Durations are written with their unit (\`250ms\`, \`10s\`, \`1h30m\`), instants as \`2026-05-01T17:30\` (local), with a zone
(\`…Z\`), as a time of today (\`17:30\`), or from now (\`+10m\`).
`;

export function referenceOf(commands: readonly Command[]): string {
  const parts = [INTRODUCTION, "\n| exit code | meaning |\n|---|---|\n", ...EXIT_CODES.map(([code, meaning]) => `| ${code} | ${meaning} |\n`)];
  parts.push("\nOptions of every command:\n\n", tableOf(SHARED_OPTIONS), "\nOptions of every command that speaks to NATS:\n\n", tableOf(CONNECTION_OPTIONS));
  for (const group of GROUPS) {
    const rows = commands.filter((command) => command.group === group);
    if (rows.length === 0) continue;
    parts.push(`\n## ${GROUP_TITLES[group]}\n`);
    if (group === "later") parts.push("\nThese belong to later slices. They answer so and exit with 2.\n\n", ...rows.map(({ name, summary }) => `- \`${name}\`: ${summary}\n`));
    else parts.push(...rows.map(sectionOf));
  }
  return parts.join("");
}

function sectionOf(command: Command): string {
  const parts = [`\n### ${command.name}\n\n\`\`\`\n${usageOf(command)}\n\`\`\`\n\n${command.summary}.\n`];
  for (const paragraph of command.details ?? []) parts.push(`\n${paragraph}\n`);
  const args = Object.entries(command.args);
  if (args.length > 0) parts.push("\n", ...args.map(([name, { help, shown = name }]) => `- \`${shown}\`: ${help}\n`));
  if (Object.keys(command.options).length > 0) parts.push("\n", tableOf(command.options));
  if (command.examples !== undefined) parts.push("\n```sh\n", ...command.examples.map(({ line, says }) => `${line}  # ${says}\n`), "```\n");
  return parts.join("");
}

function tableOf(options: OptionSpecs): string {
  const rows = Object.entries(options).map(([name, spec]) => {
    const short = spec.short === undefined ? "" : `\`-${spec.short}\`, `;
    return `| ${short}\`${typed(name)}${placeholder(spec).replaceAll("|", "\\|")}\` | ${helpTextOf(spec).replaceAll("|", "\\|")} |\n`;
  });
  return ["| option | meaning |\n|---|---|\n", ...rows].join("");
}

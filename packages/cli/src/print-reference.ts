/**
 * Prints the Markdown of `docs/cli.md`.
 *
 *   npx tsx --conditions=@longshore/source packages/cli/src/print-reference.ts > docs/cli.md
 */
import { COMMANDS } from "./commands.ts";
import { referenceOf } from "./reference.ts";

process.stdout.write(referenceOf(COMMANDS));

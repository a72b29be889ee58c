/** One run of the command: parse, run, and say how it ended. */
import type { Command } from "./command.ts";
import { EXIT, type ExitCode, explain, failed } from "./errors.ts";
import { commandHelp, overview } from "./help.ts";
import { type Io, NOBODY_READS } from "./io.ts";
import { parse } from "./parse.ts";
import { toJson } from "./render/json.ts";
import { harmless, paintOf } from "./render/paint.ts";
import { VERSION } from "./version.ts";



export async function runProgram(argv: readonly string[], commands: readonly Command[], io: Io): Promise<ExitCode> {
  const isJson = argv.includes("--json");
  try {
    const typed = parse(argv, commands, io.nowMs());
    switch (typed.kind) {
      case "version":
        await io.out(isJson ? `${toJson({ version: VERSION })}\n` : `${VERSION}\n`);
        return EXIT.done;
      case "help":
        await io.out(typed.command === undefined ? overview(commands, io.outScreen) : commandHelp(typed.command, commands, io.outScreen));
        return EXIT.done;
      case "run": {
        const { command, options, args, shared } = typed.invocation;
        // The parser made these from the command's own specs.
        const running = command.run({ options, args, shared, io } as unknown as Parameters<Command["run"]>[0]);
        await (command.endsInOrder === true ? running : Promise.race([running, interrupted(io)]));
        return EXIT.done;
      }
    }
  } catch (error) {
    return report(error, isJson, io);
  }
}

/** Never resolves; rejects when somebody ends the program. */
function interrupted({ signal }: Io): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(failed("cli/interrupted", `interrupted by ${String(signal.reason)}`, "what was on its way may have taken effect"));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

function report(error: unknown, isJson: boolean, io: Io): ExitCode {
  // Whoever reads no further, as `head`, has seen enough.
  if (io.signal.aborted && io.signal.reason === NOBODY_READS) return EXIT.done;
  const { exitCode, code, message, remedy } = explain(error);
  if (isJson) io.err(`${toJson({ error: { code, message, remedy } })}\n`);
  else {
    const paint = paintOf(io.errScreen);
    io.err(`${paint.red("longshore:")} ${harmless(message)}\n${remedy === undefined ? "" : `  ${paint.dim("→")} ${remedy}\n`}`);
  }
  if ((io.env["LONGSHORE_DEBUG"] ?? "") !== "") io.err(`${stackOf(error)}\n`);
  return exitCode;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? String(error.stack) : `${error.stack}\ncaused by: ${stackOf(error.cause)}`;
}

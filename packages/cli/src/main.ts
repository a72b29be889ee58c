#!/usr/bin/env node
/** The `longshore` command. */
import { COMMANDS } from "./commands.ts";
import { collectLessOften } from "./garbage.ts";
import { processIo } from "./io.ts";
import { runProgram } from "./program.ts";

collectLessOften();
const io = processIo();
process.exitCode = await runProgram(process.argv.slice(2), COMMANDS, io);
// Whoever ended it does not wait for what is still on its way.
if (io.signal.aborted) process.exit();

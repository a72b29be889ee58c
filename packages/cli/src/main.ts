#!/usr/bin/env node
/** The `longshore` command. */
import { COMMANDS } from "./commands.ts";
import { processIo } from "./io.ts";
import { runProgram } from "./program.ts";

process.exitCode = await runProgram(process.argv.slice(2), COMMANDS, processIo());

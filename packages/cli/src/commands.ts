/** Every command, in the order of the help. */
import type { Command } from "./command.ts";
import { add } from "./commands/add.ts";
import { bench } from "./commands/bench.ts";
import { doctor } from "./commands/doctor.ts";
import { exportHistory } from "./commands/export.ts";
import { helpFor } from "./commands/help.ts";
import { importHistory } from "./commands/import.ts";
import { instances } from "./commands/instances.ts";
import { later } from "./commands/later.ts";
import { replay } from "./commands/replay.ts";
import { run } from "./commands/run.ts";
import { setup } from "./commands/setup.ts";
import { statistics } from "./commands/statistics.ts";
import { up } from "./commands/up.ts";

export const COMMANDS: readonly Command[] = [up, run, setup, add, statistics, replay, exportHistory, importHistory, instances, doctor, bench, helpFor(() => COMMANDS), ...later];

/** Every command, in the order of the help. */
import type { Command } from "./command.ts";
import { add } from "./commands/add.ts";
import { audit } from "./commands/audit.ts";
import { bench } from "./commands/bench.ts";
import { changeJobs } from "./commands/change-jobs.ts";
import { doctor } from "./commands/doctor.ts";
import { exportHistory } from "./commands/export.ts";
import { helpFor } from "./commands/help.ts";
import { importHistory } from "./commands/import.ts";
import { instances } from "./commands/instances.ts";
import { job } from "./commands/job.ts";
import { jobs } from "./commands/jobs.ts";
import { later } from "./commands/later.ts";
import { offload } from "./commands/offload.ts";
import { queues } from "./commands/queues.ts";
import { replay } from "./commands/replay.ts";
import { run } from "./commands/run.ts";
import { setup } from "./commands/setup.ts";
import { statistics } from "./commands/statistics.ts";
import { topics } from "./commands/topics.ts";
import { topology } from "./commands/topology.ts";
import { topologySet } from "./commands/topology-set.ts";
import { up } from "./commands/up.ts";
import { why } from "./commands/why.ts";

export const COMMANDS: readonly Command[] = [
  up, run, setup,
  add, jobs, job, why, ...changeJobs,
  ...queues, statistics,
  ...offload,
  replay, exportHistory, importHistory, audit,
  topology, topologySet, ...topics, instances, doctor, bench, helpFor(() => COMMANDS),
  ...later,
];

/** A host process of these tests, with options that the command line does not have; it says what happens as JSON lines. */
import { type JobQueueOptions, startJobQueue } from "@longshore/cli";

const EXIT_BY_REASON: Readonly<Record<string, number>> = { closed: 0, fenced: 5 };

const { close, stopped } = await startJobQueue({
  connection: { principal: "host" },
  telemetry: (event, fields) => console.log(JSON.stringify({ event, ...fields })),
  ...(JSON.parse(process.argv[2] ?? "{}") as Partial<JobQueueOptions>),
});
console.log("host.serving");
process.once("SIGTERM", () => void close());
const reason = await stopped;
process.exitCode = EXIT_BY_REASON[reason.kind] ?? 1;
if (reason.kind !== "closed") console.error(JSON.stringify(reason));
process.exit();

/** Tables of the documents that are made from the code. */
import { DEFAULT_RETRIES, DEFAULT_RETRY_DELAY_MS, END_STATES, EVENT_CODES, INPUT_LIMITS, JOB_QUEUE_LIMITS, jobQueue, OUTCOME } from "@longshore/job-queue";
import { decodeKernelEvent, FIRST_ACTOR_CODE, KERNEL_LIMITS, resultsAddress, SCAN_LIMITS, streamsOf, subjectsOf, topologyAddress, workAddress } from "@longshore/kernel";
import { wantedStreams } from "@longshore/nats";

export const tables: Readonly<Record<string, () => string>> = {
  "events": eventsTable,
  "kernel-events": kernelEventsTable,
  "subjects": subjectsTable,
  "outcomes": () => tableOf(["kind", "outcome"], Object.entries(OUTCOME).map(([name, code]) => [String(code), name])),
  "end-states": () => tableOf(["number in `JobEnded`", "state"], END_STATES.map((state, i) => [String(i), `\`${state}\``])),
  "limits": limitsTable,
  "streams": streamsTable,
};

function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The codec names the fields in the order in which they stand on the wire. */
const fieldsOf = (event: object): string => Object.keys(event).filter((field) => field !== "type").map((field) => `\`${field}\``).join(", ");

/** Something every reader of a field can take apart. */
const ANYTHING: readonly unknown[] = Array.from({ length: 8 }, () => []);

function eventsTable(): string {
  const { decode } = jobQueue({ cluster: "main", shard: "main" }).events;
  return tableOf(["code", "event", "fields"], Object.entries(EVENT_CODES).map(([type, code]) =>
    [String(code), `\`${type}\``, fieldsOf(decode([code, ...ANYTHING], 1))]));
}

function kernelEventsTable(): string {
  const rows: string[][] = [];
  for (let code = 0; code < FIRST_ACTOR_CODE; code++) {
    const event = kernelEventWith(code);
    if (event !== undefined) rows.push([String(code), `\`${event.type}\``, fieldsOf(event)]);
  }
  return tableOf(["code", "event", "fields"], rows);
}

function kernelEventWith(code: number): ReturnType<typeof decodeKernelEvent> | undefined {
  try {
    return decodeKernelEvent([code, ...ANYTHING]);
  } catch {
    return undefined;
  }
}

function subjectsTable(): string {
  const subjects = subjectsOf("main");
  const streams = streamsOf("main");
  const stream = (name: string): string => `stream \`${name}\``;
  const rows: readonly (readonly [what: string, grammar: string, example: string, carried: string])[] = [
    ["command", "`cm.<kind>.<actor>.<role>.<principal>`", subjects.command("job-queue", "main", "submit", "me"), "request, answered when it is on disk"],
    ["inbox", "`in.<kind>.<actor>.<role>.<principal>`", subjects.inbox("job-queue", "main", "submit", "me"), stream(streams.inbox)],
    ["journal", "`jr.<kind>.<actor>`", subjects.journal("job-queue", "main"), `${stream(streams.journal)}; written by hosts only`],
    ["query", "`q.<kind>.<actor>.<role>.<principal>`", subjects.query("job-queue", "main", "operate", "me"), "request"],
    ["watch", "`wa.<kind>.<actor>.<principal>`", subjects.watch("job-queue", "main", "me"), "request"],
    ["results", "`re.<principal>.<client>`", subjects.prefix + resultsAddress("me", "c1"), "message to the client"],
    ["hello", "`hi.<principal>.<instance>.<shard>`", subjects.hello("me", "w1", "main"), "request, once a second"],
    ["ping", "`ping.<principal>.<instance>.<shard>`", subjects.ping("me", "w1", "main"), "request of the host to a silent instance"],
    ["work", "`wk.<principal>.<instance>.<shard>`", subjects.prefix + workAddress("me", "w1", "main"), "message to the instance"],
    ["topology", "`tp.<principal>.<instance>`", subjects.prefix + topologyAddress("me", "w1"), "message to the instance"],
    ["heartbeat", "`hb.<principal>.<instance>`", subjects.heartbeat("me", "w1"), "message to all instances, once a second"],
    ["probe", "`pb.<principal>.<instance>`", subjects.probe("me", "w1"), "request of one instance to a silent one"],
    ["answers across", "`ak.<other cluster>.<connection>.<request>`", `${subjects.across("west", "<connection>")}.1`, "answers of another cluster to this one's hosts"],
    ["feed", "`ev.<kind>.<event>.<topic tokens>`", subjects.feed("job-queue", "JobEnded", "media/thumbnail"), "message to whoever listens"],
    ["payload", "`bl.<principal>.<digest>.<piece>`", subjects.blob("me", "<digest>", 0), stream(streams.blobs)],
    ["mark", "`mk.<kind>.<actor>`", subjects.mark("job-queue", "main"), `${stream(streams.marks)}; hosts only`],
    ["snapshot", "`sn.<kind>.<actor>.<id>.<piece>`", subjects.snapshot("job-queue", "main", "<id>", "0"), `${stream(streams.snapshots)}; hosts only`],
    ["wanted configuration", "`$KV.LS_<cluster>_CONFIG.queue.<queue>`, whole", subjects.wanted("queue.media"), `${stream(streams.config)}, the bucket \`LS_main_CONFIG\``],
  ];
  return tableOf(["what", "behind `ls.<cluster>.`", "example", "carried by"], rows.map(([what, grammar, example, carried]) => [what, grammar, `\`${example}\``, carried]));
}

function streamsTable(): string {
  return tableOf(["stream", "holds", "at most"], wantedStreams({ cluster: "main" }).map(({ name, description = "", max_bytes }) =>
    [`\`${name}\``, description.replace("Longshore: ", ""), `${Math.round(max_bytes / 1_024 ** 2)} MiB`]));
}

function limitsTable(): string {
  const rows: readonly (readonly [string, string])[] = [
    ["payload of a job or of a result that travels inside the message; the library stores aside what is beyond 64 KiB", bytes(INPUT_LIMITS.payloadBytesMax)],
    ["nesting of a payload", `${SCAN_LIMITS.depthMax} levels`],
    ["job id given by a user", `${INPUT_LIMITS.idCharsMax} visible ASCII characters`],
    ["topic", `${INPUT_LIMITS.topicCharsMax} characters`],
    ["files that a job has, and files that it leaves", `${INPUT_LIMITS.blobsMax} each, with names of up to ${INPUT_LIMITS.blobNameCharsMax} characters, up to ${bytes(INPUT_LIMITS.blobBytesMax)} each`],
    ["properties of a job", `${INPUT_LIMITS.propertiesMax}, each up to ${count(INPUT_LIMITS.propertyCharsMax)} characters`],
    ["reason of an end; stack of an error", `${count(INPUT_LIMITS.reasonCharsMax)}; ${count(INPUT_LIMITS.stackCharsMax)} characters`],
    ["retries, where neither the job nor its queue says", `${DEFAULT_RETRIES}, ${DEFAULT_RETRY_DELAY_MS / 1_000} s apart`],
    ["jobs waiting, per shard", count(JOB_QUEUE_LIMITS.backlogMax)],
    ["payloads of waiting and ended jobs in memory, per shard", bytes(JOB_QUEUE_LIMITS.payloadBytesMax)],
    ["queues, per shard", count(JOB_QUEUE_LIMITS.queuesMax)],
    ["instances with workers, per shard", count(JOB_QUEUE_LIMITS.instancesMax)],
    ["ended jobs at hand for `result()`", `${count(JOB_QUEUE_LIMITS.endedMax)}, or those of ${JOB_QUEUE_LIMITS.endedKeepMs / 60_000} minutes`],
    ["ids given by users, remembered", `${JOB_QUEUE_LIMITS.keepIdsMs / 86_400_000} days, ${count(JOB_QUEUE_LIMITS.keepIdsMax)} per queue`],
    ["bulk operations at a time", String(JOB_QUEUE_LIMITS.operationsMax)],
    ["commands waiting in a host; beyond it senders are told to come back", count(KERNEL_LIMITS.mailboxCommandsMax)],
    ["one commit", `${bytes(KERNEL_LIMITS.commitBytesMax)}, ${count(KERNEL_LIMITS.commitEventsMax)} events`],
    ["clients (sessions) remembered", count(KERNEL_LIMITS.sessionsMax)],
  ];
  return tableOf(["what", "limit"], rows);
}

const count = (value: number): string => value.toLocaleString("en-US").replaceAll(",", " ");

function bytes(value: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; value >= 1_024 && value % 1_024 === 0 && unit < units.length - 1; unit++) value /= 1_024;
  return `${value} ${units[unit]}`;
}

import { describe, expect, test } from "vitest";
import { type Command, command } from "./command.ts";
import { parse } from "./parse.ts";

const nothing = (): Promise<void> => Promise.resolve();

const commands: readonly Command[] = [
  command({
    name: "add", group: "jobs", summary: "Add", connects: true, run: nothing, laterOptions: ["priority"],
    args: { topic: { kind: "required", help: "the topic" }, input: { kind: "optional", help: "json" } },
    options: {
      id: { kind: "text", help: "id" }, delay: { kind: "duration", help: "delay" }, at: { kind: "instant", help: "at" }, retries: { kind: "integer", help: "n" },
      prop: { kind: "list", help: "property" }, dryRun: { kind: "flag", help: "dry" }, state: { kind: "text", help: "state", choices: ["queued", "active"] },
    },
  }),
  command({ name: "dump", group: "history", summary: "Dump", connects: true, run: nothing, args: { history: { kind: "optional", help: "h" } }, options: { out: { kind: "text", help: "file" } } }),
  command({ name: "queues", group: "queues", summary: "Queues", connects: true, run: nothing, args: { name: { kind: "optional", help: "queue" } } }),
  command({ name: "queues suspend", group: "queues", summary: "Suspend", connects: true, run: nothing, args: { name: { kind: "many", help: "queue" } } }),
  command({ name: "replay", group: "history", summary: "Replay", connects: true, run: nothing, args: { history: { kind: "optional", help: "h" } }, options: { diff: { kind: "pair", help: "two" } } }),
];

const invocation = (...argv: readonly string[]) => {
  const typed = parse(argv, commands, 1_000_000);
  if (typed.kind !== "run") throw new Error(`not a run: ${typed.kind}`);
  return typed.invocation;
};
const refusal = (...argv: readonly string[]): string => {
  try {
    parse(argv, commands, 0);
  } catch (error) {
    const { message, remedy, exitCode } = error as { message: string; remedy: string; exitCode: number };
    expect(exitCode).toBe(2);
    return `${message} → ${remedy}`;
  }
  throw new Error("accepted");
};

describe("a typed command", () => {
  test("gets its arguments and options by name, with their types", () => {
    const { options, args, shared } = invocation("add", "a/b", '{"x":1}', "--delay", "1m30s", "--retries", "-1", "--prop", "a=1", "--prop=b=2", "--dry-run", "--json");
    expect(args).toEqual({ topic: "a/b", input: '{"x":1}' });
    expect(options).toMatchObject({ delay: 90_000, retries: -1, prop: ["a=1", "b=2"], dryRun: true, id: undefined });
    expect(shared).toMatchObject({ json: true, server: undefined });
  });

  test("takes a dash as an argument", () => expect(invocation("add", "a", "-").args["input"]).toBe("-"));
  test("may have options before its name", () => expect(invocation("--server", "nats://x", "queues").shared.server).toBe("nats://x"));
  test("of two words comes before its parent's argument", () => {
    expect(invocation("queues", "suspend", "a", "b")).toMatchObject({ command: { name: "queues suspend" }, args: { name: ["a", "b"] } });
    expect(invocation("queues", "main")).toMatchObject({ command: { name: "queues" }, args: { name: "main" } });
  });
  test("takes the two words behind a pair, wherever the argument stands", () => {
    const expected = { options: { diff: [{ kind: "commit", number: 1 }, { kind: "commit", number: 9 }] }, args: { history: "h" } };
    expect(invocation("replay", "h", "--diff", "1", "9")).toMatchObject(expected);
    expect(invocation("replay", "--diff", "1", "9", "h")).toMatchObject(expected);
    expect(invocation("replay", "--diff=1", "9", "h")).toMatchObject(expected);
  });
  test("asks for help instead of running when told --help, even when the rest is wrong", () => {
    expect(parse(["add", "--help"], commands, 0)).toMatchObject({ kind: "help", command: { name: "add" } });
    expect(parse(["-h"], commands, 0)).toMatchObject({ kind: "help", command: undefined });
    expect(parse([], commands, 0)).toMatchObject({ kind: "help" });
    expect(parse(["--version"], commands, 0)).toMatchObject({ kind: "version" });
  });
});

describe("wrong usage names the right word", () => {
  test.each([
    [["ad", "x"], "there is no command \"ad\" → did you mean `longshore add`?"],
    [["add", "x", "--dely", "1s"], "`longshore add` has no option --dely → did you mean --delay?"],
    [["add", "x", "--dryrun"], "`longshore add` has no option --dryrun → did you mean --dry-run?"],
    [["queues", "--retries", "3"], "`longshore queues` has no option --retries → see `longshore queues --help`"],
    [["add", "x", "--state", "activ"], "--state cannot be \"activ\" → did you mean active? It is one of queued, active"],
    [["add", "x", "--id"], "--id needs a value → --id <value>: id"],
    [["add", "x", "--id", "--dry-run"], "--id needs a value → --id <value>: id"],
    [["add", "x", "--id", "a", "--id", "b"], "--id is given twice → give it once"],
    [["add", "x", "--dry-run=yes"], "--dry-run takes no value → write --dry-run alone"],
    [["add"], "`longshore add` needs <topic>: the topic → see `longshore add --help`"],
    [["dump", "a", "b.ndjson"], "`longshore dump` does not know what to do with \"b.ndjson\" → to write to that file: --out b.ndjson"],
    [["queues", "a", "b"], "`longshore queues` does not know what to do with \"b\" → see `longshore queues --help`"],
    [["add", "x", "--delay", "10"], "--delay \"10\" is not a duration → give it with its unit, for example 10s or 10ms"],
    [["replay", "--diff", "1"], "--diff needs two values → for example --diff 100 200"],
    [["add", "x", "--priority", "3"], "--priority is not available yet: it comes with a later release → see `longshore add --help` for what is"],
    [["add", "x", "--constructor"], "`longshore add` has no option --constructor → see `longshore add --help`"],
  ])("%j", (argv, expected) => expect(refusal(...argv)).toBe(expected));
});

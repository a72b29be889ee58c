import { readFile } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Command, command, type OptionSpec, optionsOf } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { fakeIo } from "./fake-io.ts";
import { nearest } from "./nearest.ts";
import { runProgram } from "./program.ts";
import { referenceOf } from "./reference.ts";
import { tempFolder } from "./testing/temp-folder.ts";

describe("the table of commands", () => {
  test("never gives one option name a value here and none there", () => {
    const kinds = new Map<string, string>();
    for (const command of COMMANDS) {
      for (const [name, { kind }] of Object.entries<OptionSpec>(optionsOf(command))) {
        const takesValue = kind === "flag" ? "no value" : "a value";
        expect(`--${name} takes ${kinds.get(name) ?? takesValue}`).toBe(`--${name} takes ${takesValue}`);
        kinds.set(name, takesValue);
      }
    }
  });

  test("has each name once, and a summary without a full stop", () => {
    expect(new Set(COMMANDS.map(({ name }) => name)).size).toBe(COMMANDS.length);
    for (const { summary } of COMMANDS) expect(summary).not.toMatch(/\.$/);
  });

  test("is what docs/cli.md was made from", async () => {
    const file = await readFile(new URL("../../../docs/cli.md", import.meta.url), "utf8");
    // Write it anew with: npx tsx --conditions=@longshore/source packages/cli/src/print-reference.ts > docs/cli.md
    expect(file).toBe(referenceOf(COMMANDS));
  });
});

describe("the program", () => {
  test.each(COMMANDS.map(({ name }) => [name]))("%s explains itself", async (name) => {
    const io = fakeIo();
    expect(await runProgram([...name.split(" "), "--help"], COMMANDS, io)).toBe(0);
    expect(io.written.out).toContain(`longshore ${name}`);
    expect(io.written.err).toBe("");
  });

  test("ends with 2 and a remedy when it is used wrongly, with nothing on stdout", async () => {
    const io = fakeIo();
    expect(await runProgram(["dcotor"], COMMANDS, io)).toBe(2);
    expect(io.written).toEqual({ out: "", err: expect.stringContaining("did you mean `longshore doctor") });
  });

  test("ends with 2 for a command that a later release brings", async () => {
    const io = fakeIo();
    expect(await runProgram(["schedules", "add", "x", "--json"], COMMANDS, io)).toBe(2);
    expect(JSON.parse(io.written.err)).toMatchObject({ error: { code: "cli/usage", message: expect.stringContaining("not available yet") } });
  });

  test("ends with 4 when nothing says where NATS is", async () => {
    const io = fakeIo({ env: { XDG_STATE_HOME: await tempFolder(onTestFinished) } });
    expect(await runProgram(["setup"], COMMANDS, io)).toBe(4);
    expect(io.written.err).toContain("longshore up");
  });
});

describe("a signal", () => {
  const never = (endsInOrder: boolean): readonly Command[] => [
    command({
      name: "wait", group: "operate", summary: "Wait", connects: false, ...(endsInOrder ? { endsInOrder } : {}),
      run: ({ io }) => new Promise((resolve) => { if (endsInOrder) io.signal.addEventListener("abort", () => resolve()); }),
    }),
  ];
  const end = async (endsInOrder: boolean, reason: string) => {
    const io = fakeIo();
    const running = runProgram(["wait"], never(endsInOrder), io);
    io.stop.abort(reason);
    return { code: await running, err: io.written.err };
  };

  test("ends a command where it is, with 1", async () => expect(await end(false, "SIGINT")).toEqual({ code: 1, err: expect.stringContaining("interrupted by SIGINT") }));
  test("lets a command that ends in order end by itself", async () => expect(await end(true, "SIGINT")).toEqual({ code: 0, err: "" }));
  test("that nobody reads on is no failure", async () => expect(await end(false, "EPIPE")).toEqual({ code: 0, err: "" }));
});

test("the nearest word is found, and none when nothing is near", () => {
  const words = ["suspend", "resume", "remove-all"];
  expect(["suspnd", "resmue", "remove", "xyz"].map((word) => nearest(word, words))).toEqual(["suspend", "resume", "remove-all", undefined]);
});

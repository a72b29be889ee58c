import { expect, test } from "vitest";
import { fakeIo } from "./fake-io.ts";
import { openLog } from "./log.ts";

test("only listed fields reach the log", () => {
  const io = fakeIo();
  openLog(io, { log: "json", logLevel: undefined }).telemetry("append.blocked", { actor: "main", password: "secret", input: "payload" });
  expect(JSON.parse(io.written.err)).toEqual({ level: "warn", time: expect.any(String), event: "append.blocked", actor: "main" });
});

test("a pretty log is one line without control characters of others", () => {
  const io = fakeIo();
  openLog(io, { log: "pretty", logLevel: undefined }).event("info", "worker.started", { topic: "a\u001b[2J", concurrency: 8 });
  expect(io.written.err).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}worker\.started {2}topic=a\\x1b\[2J concurrency=8\n$/);
});

test("off writes nothing, and debug is not shown unless asked for", () => {
  const io = fakeIo();
  openLog(io, { log: "off", logLevel: undefined }).event("error", "x");
  openLog(io, { log: "json", logLevel: undefined }).telemetry("snapshot.made", { number: 1 });
  expect(io.written.err).toBe("");
});

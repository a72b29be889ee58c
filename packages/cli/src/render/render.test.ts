import type { PublicEvent } from "@longshore/job-queue";
import { describe, expect, test } from "vitest";
import { fakeIo } from "../fake-io.ts";
import { toJson } from "./json.ts";
import { harmless } from "./paint.ts";
import { progressOf } from "./progress.ts";
import { showAge, showBytes, showDuration, showInstant, showRate } from "./quantities.ts";
import { renderTable } from "./table.ts";
import { sentences, Timeline } from "./timeline.ts";

describe("a table", () => {
  const columns = [{ head: "id", cell: (row: { id: string; n: number }) => row.id, shrinks: true }, { head: "n", cell: (row: { id: string; n: number }) => String(row.n), align: "right" as const }];
  const rows = [{ id: "a-rather-long-identifier", n: 5 }, { id: "b", n: 1_000 }];
  test("aligns its columns and cuts nothing on a pipe", () => {
    expect(renderTable(rows, columns, { isTerminal: false, isColored: false, columns: 10 })).toBe("ID                           N\na-rather-long-identifier     5\nb                         1000\n");
  });
  test("fits the screen on a terminal", () => {
    expect(renderTable(rows, columns, { isTerminal: true, isColored: false, columns: 18 })).toBe("ID               N\na-rather-lo…     5\nb             1000\n");
  });
});

test("quantities read as people say them", () => {
  expect([0.42, 12, 3_204, 61_000, 250_000, 90_061_000].map(showDuration)).toEqual(["0.42 ms", "12 ms", "3.20 s", "1 m 1 s", "4 m 10 s", "1 d 1 h"]);
  expect([500, 2_048, 200 * 1024 * 1024].map(showBytes)).toEqual(["500 B", "2.0 KiB", "200 MiB"]);
  expect([950, 12_345, 1_520_000].map(showRate)).toEqual(["950/s", "12.3 k/s", "1.52 M/s"]);
  expect([showAge(0, 4_200), showAge(600_000, 0), showAge(0, 0)]).toEqual(["4 s ago", "in 10 m", "just now"]);
});

test("JSON shows bytes as base64 and keeps everything else", () => expect(toJson({ a: new Uint8Array([1]), b: [Buffer.from([2])], c: 1n, d: undefined })).toBe('{"a":{"base64":"AQ=="},"b":[{"base64":"Ag=="}],"c":"1"}'));

test("control characters of others are shown, not obeyed", () => expect(harmless("a\u001b[2Jb\u0007")).toBe("a\\x1b[2Jb\\x07"));

test("progress is drawn on a terminal only", () => {
  const pipe = fakeIo({ nowMs: 1_000 });
  progressOf(pipe, "jobs").at(5, 10);
  const screen = fakeIo({ nowMs: 1_000, screen: { isTerminal: true } });
  progressOf(screen, "jobs").at(5, 10);
  expect([pipe.written.err, screen.written.err]).toEqual(["", expect.stringContaining("50 % 5 jobs")]);
});

test("a timeline says what happened, when, and how long after the line before", () => {
  const at = new Date(2026, 4, 1, 17, 30, 2, 100).getTime();
  const events: PublicEvent[] = [
    { type: "JobAccepted", id: "main.1", topic: "t", queue: "q", commit: 1, at },
    { type: "AttemptStarted", attempt: 1, instance: "i1", incarnation: "x", commit: 2, at: at + 2 },
    { type: "JobProgressed", attempt: 1, fraction: 0.5, message: "half\u001b", commit: 3, at: at + 100 },
    { type: "AttemptFailed", attempt: 1, kind: "failed", retryAt: at + 2_000, error: { name: "TypeError", message: "no" }, commit: 4, at: at + 150 },
    { type: "JobEnded", attempt: 2, state: "given-up", error: { name: "E", message: "m", stack: "E: m\n    at f (x.ts:1:2)" }, commit: 6, at: at + 5_150 },
  ];
  const timeline = new Timeline({ isColored: false }, sentences);
  expect(showInstant(at)).toBe("2026-05-01 17:30:02.100");
  expect(events.map((event) => timeline.lines(event)).join("")).toBe(
    [
      "17:30:02.100             accepted into queue q",
      "17:30:02.102      +2 ms  attempt 1 started on i1 (x)",
      "17:30:02.200     +98 ms  │ 50 % half\\x1b",
      "17:30:02.250     +50 ms  attempt 1 failed: TypeError: no; tried again at 17:30:04.100",
      "17:30:07.250    +5.00 s  given-up: E: m",
      "                         at f (x.ts:1:2)",
      "",
    ].join("\n"),
  );
});

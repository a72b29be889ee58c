/** The stream of a connection in pieces: the same bytes, and long messages whole. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { WholeFrames } from "./whole-frames.ts";

const message = (payload: string, head = "MSG a.b 1"): string => `${head} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`;

/** What comes out when a stream comes in pieces that end at these places. */
function cut(stream: string, ends: readonly number[]): string[] {
  const bytes = Buffer.from(stream);
  const frames = new WholeFrames();
  const passed: string[] = [];
  let from = 0;
  for (const end of [...ends.map((end) => end % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    if (end > from) frames.take(bytes.subarray(from, end), (given) => passed.push(Buffer.from(given).toString()));
    from = end;
  }
  return passed;
}

test("a message that comes in pieces is passed on whole, between what came before and after it", () => {
  const long = message("MSG x 1 5\r\n".repeat(20), "HMSG a.b 1 reply 12");
  expect(cut(`PING\r\n${long}+OK\r\n`, [40, 90])).toEqual(["PING\r\n", long, "+OK\r\n"]);
});

test("what comes whole is passed on as it came", () => {
  const stream = `INFO {}\r\n${message("one")}${message("")}PONG\r\n`;
  expect(cut(stream, [])).toEqual([stream]);
});

test("a message whose first line comes in pieces is passed on as it comes", () => {
  expect(cut(`${message("x".repeat(30))}PING\r\n`, [5, 7, 20])).toEqual(["MSG a", ".b", ` 1 30\r\n${"x".repeat(6)}`, `${"x".repeat(24)}\r\nPING\r\n`]);
});

test("the bytes are the same however they come", () => {
  const part = fc.oneof(fc.constantFrom("PING\r\n", "+OK\r\n", "INFO {\"a\":\"MSG 5\"}\r\n", "-ERR 'x 9'\r\n"), fc.string({ maxLength: 60 }).map((text) => message(text)), fc.string({ maxLength: 20 }).map((text) => message(text, "HMSG s 12 _INBOX.x 4")));
  fc.assert(fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(2_000), { maxLength: 12 }), (parts, ends) => {
    const stream = parts.join("");
    expect(cut(stream, ends).join("")).toBe(Buffer.from(stream).toString());
  }), { numRuns: 500, seed: 1 });
});

import { Fault } from "@longshore/kernel";
import { expect, test } from "vitest";
import { EXIT, explain, notFound, wrongUsage } from "./errors.ts";

const fault = (code: string, retry: Fault["retry"] = "never"): Fault => new Fault(code, "m", { retry });

test.each([
  [wrongUsage("m", "r"), EXIT.usage],
  [notFound("m", "r"), EXIT.notFound],
  [fault("nats/unreachable", "backoff"), EXIT.unreachable],
  [fault("some/new", "backoff"), EXIT.unreachable],
  [fault("nats/denied"), EXIT.refused],
  [fault("some/rejection"), EXIT.refused],
  [Object.assign(new Error("m"), { name: "Unavailable", code: "host/anything" }), EXIT.unreachable],
  [Object.assign(new Error("m"), { name: "Unavailable", code: "server/denied" }), EXIT.refused],
  [{ code: "job/not-found", message: "m" }, EXIT.notFound],
  [Object.assign(new Error("m"), { code: "queue/invalid" }), EXIT.refused],
  [fault("history/chain-broken"), EXIT.failed],
  [Object.assign(new Error("m"), { code: "ENOSPC" }), EXIT.failed],
  [new TypeError("m"), EXIT.failed],
  ["m", EXIT.failed],
])("%o ends with %i", (error, exitCode) => expect(explain(error)).toMatchObject({ exitCode, message: "m" }));

import { Fault } from "@longshore/kernel";
import { describe, expect, it } from "vitest";
import { EXIT, explain } from "../errors.ts";
import { stopFault } from "./start-fault.ts";

describe("a host that stopped by itself", () => {
  it.each([
    [{ kind: "fenced" }, "host/fenced", "stand by"],
    [{ kind: "refused", cause: "no-stream", message: "m" }, "host/no-stream", "longshore setup"],
    [{ kind: "refused", cause: "denied", message: "m" }, "host/denied", "role host"],
    [{ kind: "refused", cause: "too-large", message: "m" }, "host/too-large", "max_payload"],
    [{ kind: "rewound", message: "m" }, "host/rewound", "--accept-rewind"],
    [{ kind: "broken", message: "m" }, "host/broken", "longshore audit"],
    [{ kind: "defect", message: "m" }, "host/defect", "report it"],
  ] as const)("%o says what to do, and ends with 5", (reason, code, remedy) => {
    const fault = stopFault({ kind: "job-queue", actor: "main" }, reason);
    expect(fault).toBeInstanceOf(Fault);
    expect(fault).toMatchObject({ code, remedy: expect.stringContaining(remedy) });
    expect(explain(fault)).toMatchObject({ exitCode: EXIT.refused, code, remedy: fault.remedy });
  });
});

/** Why a host did not start, or stopped, as a fault that says what to do. */
import type { StopReason } from "@longshore/kernel";
import { Fault } from "@longshore/kernel";
import { type ActorName, showActor } from "./placement.ts";

const REMEDIES: Readonly<Record<string, (kind: string) => string>> = {
  "host/fenced": () => "another host has taken over; run this one again to stand by",
  "host/rewound": (kind) => `restore the journal from a replica or a backup, or accept the loss: longshore run ${kind} --accept-rewind "reason"`,
  "host/broken": () => "`longshore audit` shows where; restore the journal from a replica or an export",
  "host/defect": () => "this is a mistake in longshore itself: export the history (`longshore export`) and report it",
  "host/too-large": () => "raise max_payload in the server's configuration",
  "host/no-stream": () => "create the streams: `longshore setup`",
  "host/denied": () => "use a user with the role host (nats.conf)",
};

/** `code` is `host/<why>`: closed, fenced, rewound, broken, defect, too-large, no-stream, denied. */
export function stopFault(name: ActorName, reason: StopReason): Fault {
  const code = `host/${reason.kind === "refused" ? reason.cause : reason.kind}`;
  const message = "message" in reason ? reason.message : `the host of ${showActor(name)} was ${reason.kind}`;
  const remedy = REMEDIES[code]?.(name.kind);
  return new Fault(code, message, { retry: "never", ...(remedy === undefined ? {} : { remedy }) });
}

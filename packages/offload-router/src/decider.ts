/**
 * The decider: one round trip as two state machines that agree through numbered messages.
 *
 *   origin   staging ──▶ offered ──▶ accepted ──▶ importing ──▶ ended
 *               │           │           │             │           ▲
 *               └───────────┴───────────┴─────────────┴───────────┘  refused, handed back, reclaimed, stopped, failed, dropped
 *
 *   worker   fetching ──▶ submitted ──▶ collecting ──▶ returned ──▶ released ──▶ gone
 *               └──────────────────────────┘ ▲
 *                    stopped, or not to be had
 *
 * Who owns a job is always one history. Its queue has given it away as an attempt, and takes an outcome of that attempt only; so
 * whatever a router does, the job runs in one place as far as its queue knows, and ends once. A trip is one attempt in one
 * cluster: another try is another attempt of the queue, and another trip. The attempt number is the epoch.
 *
 * A trip ends once. What comes home after that is refused, recorded, and answered with `release`, because the worker cluster keeps
 * payload and outcome until it is told that nobody needs them. So each accepted guest ends, returns once, and is released once:
 * a trip that is given up sends `cancel`, the guest ends by it, returns, is late, and is released.
 *
 * Messages between routers come once and in order, however long the link is down (the kernel's numbers), so no step repeats
 * itself to be sure. Bytes are not the decider's: whoever moves them says what became of it (`moved`), as often as it likes.
 */
import type { OffloadCommand } from "./commands.ts";
import { guestCommand } from "./decide-guests.ts";
import { routeCommand } from "./decide-routes.ts";
import { tripCommand } from "./decide-trips.ts";
import type { OffloadDecision, Setting } from "./decision.ts";
import type { OffloadState } from "./state.ts";

export function decide(state: OffloadState, command: OffloadCommand, at: number, setting: Setting): OffloadDecision {
  switch (command.type) {
    case "HandOver": case "StopTrip": case "Answer": case "Report": case "Return": case "Reclaim":
      return tripCommand(state, command, at, setting);
    case "Offer": case "Cancel": case "Release": case "ReportGuest": case "EndGuest": case "RefuseGuest": case "ReportRemoved":
      return guestCommand(state, command, at, setting);
    case "ReportMove":
      return command.step === "stage" || command.step === "import" ? tripCommand(state, command, at, setting) : guestCommand(state, command, at, setting);
    case "ChangeRoute": case "LoseRoute": case "ChangeOwn": case "DrainCluster":
      return routeCommand(state, command, at, setting);
  }
}

/** The worker's side: what other clusters offer, and what becomes of it here. */
import { accepted } from "@longshore/kernel";
import type { CommandOf, OffloadDecision, Setting } from "./decision.ts";
import { retryDelayMs } from "./decision.ts";
import type { OffloadEvent } from "./events.ts";
import { newsOf } from "./reports.ts";
import type { Guest, OffloadState } from "./state.ts";
import { offerKey, waitsForRemoval } from "./state.ts";
import type { TripOutcome } from "./vocabulary.ts";

type GuestCommand = CommandOf<"Offer" | "Cancel" | "Release" | "ReportGuest" | "EndGuest" | "RefuseGuest" | "ReportMove" | "ReportRemoved">;

/** Answer of a queue that has the job in another shard. */
const MOVED = "queue/moved";

export function guestCommand(state: OffloadState, command: GuestCommand, at: number, setting: Setting): OffloadDecision {
  switch (command.type) {
    case "Offer": return offer(state, command, setting);
    case "Cancel": return cancel(state, command);
    case "Release": return release(state, command, at, setting);
    case "ReportRemoved": {
      const digests = command.digests.filter((digest) => state.removing.has(digest));
      return digests.length === 0 ? accepted() : accepted({ type: "PayloadRemoved", digests });
    }
    case "ReportMove": return moved(state, command, at, setting);
    case "ReportGuest": {
      const guest = submitted(state, command.guest);
      const report = guest === undefined ? undefined : newsOf(guest.report, command.report);
      return report === undefined ? accepted() : accepted({ type: "GuestReported", guest: command.guest, report });
    }
    case "EndGuest": {
      const guest = submitted(state, command.guest);
      return guest === undefined ? accepted() : accepted(...endsWith(guest, command.outcome));
    }
    case "RefuseGuest": return refuse(state, command);
  }
}

function submitted(state: OffloadState, number: number): Guest | undefined {
  const guest = state.guests.get(number);
  return guest?.phase === "submitted" ? guest : undefined;
}

/** Without outputs there is nothing to collect. */
function endsWith({ guest }: Guest, outcome: TripOutcome): readonly OffloadEvent[] {
  const ended: OffloadEvent = { type: "GuestEnded", guest, outcome };
  return outcome.blobs.length > 0 ? [ended] : [ended, { type: "GuestReturned", guest, outcome }];
}

const without = (end: TripOutcome["end"], reason: string): TripOutcome => ({ end, result: null, blobs: [], reason, error: null });

function offer(state: OffloadState, command: CommandOf<"Offer">, { limits }: Setting): OffloadDecision {
  const { origin, trip, id, topic, input, blobs, options } = command;
  if (state.guestOf(origin, trip) !== undefined || state.settled.has(offerKey(origin, trip))) return accepted();
  const refusal = whyNot(state, topic, limits.guestsMax);
  if (refusal !== undefined) return accepted({ type: "OfferRefused", origin, trip, ...refusal });
  const guest = state.nextGuest;
  const taken: OffloadEvent = { type: "GuestAccepted", guest, origin, trip, id, topic, input, blobs, options };
  return blobs.length > 0 ? accepted(taken) : accepted<OffloadEvent>(taken, { type: "InputVerified", guest });
}

function whyNot(state: OffloadState, topic: string, guestsMax: number): { readonly code: string; readonly message: string } | undefined {
  if (!state.isWorkedOn(topic)) return { code: "offload/topic-disabled", message: `nobody here works on topic "${topic}"` };
  return state.guests.size < guestsMax ? undefined : { code: "offload/full", message: `${guestsMax} jobs of other clusters are here, and no more are taken` };
}

/** What is not in a queue yet ends at once; what is in one is stopped there, and its end comes from there. */
function cancel(state: OffloadState, { origin, trip, reason }: CommandOf<"Cancel">): OffloadDecision {
  const guest = state.guestOf(origin, trip);
  if (guest === undefined || guest.stop !== null || (guest.phase !== "fetching" && guest.phase !== "submitted")) return accepted();
  const requested: OffloadEvent = { type: "GuestStopRequested", guest: guest.guest, reason };
  return guest.phase === "submitted" ? accepted(requested) : accepted(requested, ...endsWith(guest, without("stopped", reason)));
}

/** The origin has what it wanted, or wants nothing: what was brought here may go, that of a failure after a while. */
function release(state: OffloadState, { origin, trip }: CommandOf<"Release">, at: number, setting: Setting): OffloadDecision {
  const guest = state.guestOf(origin, trip);
  if (guest?.phase !== "returned") return accepted();
  const isKept = setting.limits.failedKeepMs > 0 && guest.outcome?.end !== "succeeded" && guest.digests.length > 0;
  const released: OffloadEvent = { type: "GuestReleased", guest: guest.guest, removeAt: isKept ? at + setting.limits.failedKeepMs : at };
  return isKept ? accepted(released) : accepted(released, letGo(state, guest, setting));
}

/** Blobs that another guest needs stay. */
export function letGo(state: OffloadState, guest: Guest, { removesPayloads }: Setting): OffloadEvent {
  const digests = removesPayloads ? guest.digests.filter((digest) => state.needed.get(digest) === 1) : [];
  return { type: "PayloadReleased", guest: guest.guest, digests };
}

function refuse(state: OffloadState, { guest: number, code, message, shard }: CommandOf<"RefuseGuest">): OffloadDecision {
  const guest = submitted(state, number);
  if (guest === undefined) return accepted();
  // What was called back is in no queue now: it is not put into another.
  if (guest.stop !== null) return accepted(...endsWith(guest, without("stopped", guest.stop.reason)));
  if (code === MOVED && shard !== undefined && shard !== guest.shard) return accepted({ type: "GuestMoved", guest: number, shard });
  return accepted(...endsWith(guest, without(null, `${code}: ${message}`)));
}

/** Whoever moves bytes has brought and verified all inputs, or found all outputs, or could not. */
function moved(state: OffloadState, { step, number, failure }: CommandOf<"ReportMove">, at: number, { limits }: Setting): OffloadDecision {
  const guest = state.guests.get(number);
  if (guest === undefined || guest.phase !== (step === "fetch" ? "fetching" : "collecting")) return accepted();
  // What is about to be removed is not there, whatever the mover has seen: it looks again afterwards.
  if (waitsForRemoval(state, guest)) return accepted();
  if (failure === undefined) {
    return step === "fetch" ? accepted({ type: "InputVerified", guest: number }) : accepted({ type: "OutputStaged", guest: number }, { type: "GuestReturned", guest: number, outcome: guest.outcome! });
  }
  const { kind, message } = failure;
  const failures = (guest.trouble?.failures ?? 0) + 1;
  const troubled: OffloadEvent = { type: "GuestTroubled", guest: number, step, kind, message, failures, retryAt: at + retryDelayMs(limits, failures) };
  if (kind === "unreachable" || failures < limits.triesMax) return accepted(troubled);
  const reason = `offload/${step === "fetch" ? "input" : "output"}-${kind}: ${message}`;
  // Never silently a success: an output that is not there is an error of the job, whatever its handler has said.
  const outcome = without("error", reason);
  return accepted(troubled, ...(step === "fetch" ? endsWith(guest, outcome) : [{ type: "GuestReturned", guest: number, outcome } as const]));
}

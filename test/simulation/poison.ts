/** Messages that no honest client sends, and a decider that some of them break. */
import type { JobQueueActor } from "@longshore/job-queue";
import { encode } from "@longshore/kernel";

const BREAKS_DECIDE = "breaks-decide";
const BREAKS_FOLD = "breaks-fold";

const POISONS: readonly (() => Uint8Array)[] = [
  () => new Uint8Array([0xdd, 0x01, 0xff, 0xff, 0xff]),
  () => new Uint8Array([0xc1]),
  () => encode({ submit: [[null, "mail/send", "no bytes", null]] }),
  () => encode({ submit: [{ topic: "no topic!", input: 1 }, 7, null] }),
  () => encode({ outcome: [[1, 1, 0, new Uint8Array([0xc0])], [2, 1, 99], ["x"]] }),
  () => encode({ join: [{ instance: "w1", incarnation: "forged", processors: 1, pools: [] }], nonsense: [1] }),
  () => encode({ session: "zz-short", first: -1, submit: [[null, "mail/send", new Uint8Array([0xc0]), null]] }),
  () => encode({ stopAll: [{}], suspend: [{ queue: "main" }], from: "far", first: 5 }),
  () => encode({ submit: [[BREAKS_DECIDE, "mail/send", new Uint8Array([0xc0]), null]] }),
  () => encode({ submit: [[BREAKS_FOLD, "mail/send", new Uint8Array([0xc0]), null]] }),
];

/** Those that break a fragile actor, and nothing else. */
export const FRAGILE: readonly number[] = [8, 9];

/** A decider with two bugs: a command that it throws at, and one whose event its fold throws at. */
export function fragile(actor: JobQueueActor): JobQueueActor {
  return {
    ...actor,
    decide: (state, command, at) => {
      if (command.type === "SubmitJob" && command.id.includes(BREAKS_DECIDE)) throw new Error("the decider has a bug");
      return actor.decide(state, command, at);
    },
    evolve: (state, event, at) => {
      if (event.type === "JobAccepted" && event.id.includes(BREAKS_FOLD)) throw new Error("the fold has a bug");
      actor.evolve(state, event, at);
    },
  };
}

export const poisonOf = (what: number): Uint8Array => POISONS[what % POISONS.length]!();

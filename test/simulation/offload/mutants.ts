/** Bugs planted into routers. Each breaks one rule of the saga, and the simulation must notice every one of them. */
import { HANDED_BACK, jobById, OUTCOME } from "@longshore/job-queue";
import type { OffloadEvent, OffloadRouterActor, OffloadState } from "@longshore/offload-router";
import type { Mutation } from "./cluster.ts";

export interface Mutant {
  readonly name: string;
  readonly breaks: string;
  readonly mutation: Mutation;
}

type Change = (actor: OffloadRouterActor, cluster: string) => Partial<OffloadRouterActor>;

const mutant = (name: string, breaks: string, change: Change): Mutant => ({ name, breaks, mutation: { router: (actor, cluster) => ({ ...actor, ...change(actor, cluster) }) } });

/** Changes what a command records. */
const deciding = (change: (events: readonly OffloadEvent[], state: OffloadState) => readonly OffloadEvent[]): Change => (actor) => ({
  decide: (state, command, at) => {
    const decision = actor.decide(state, command, at);
    return decision.kind === "accepted" ? { ...decision, events: change(decision.events, state) } : decision;
  },
});

const after = (type: OffloadEvent["type"], more: (event: never) => readonly OffloadEvent[]): Change =>
  deciding((events) => events.flatMap((event) => (event.type === type ? [event, ...more(event as never)] : [event])));

export const MUTANTS: readonly Mutant[] = [
  mutant("late-return-ignored", "a late return is answered, so that its payload goes", deciding((events) => events.filter(({ type }) => type !== "LateReturnRefused"))),
  mutant("shown-before-import", "outputs are imported before success is visible", deciding((events) => {
    const returned = events.find((event) => event.type === "TripReturned");
    return events.length === 1 && returned?.type === "TripReturned" ? [returned, { type: "TripEnded", trip: returned.trip, how: "returned", reason: null }] : events;
  })),
  mutant("verified-unseen", "inputs are verified before the consumer starts", deciding((events) => {
    const taken = events.find((event) => event.type === "GuestAccepted");
    return events.length === 1 && taken?.type === "GuestAccepted" ? [taken, { type: "InputVerified", guest: taken.guest }] : events;
  })),
  mutant("removes-what-others-need", "a blob stays as long as any guest needs it", deciding((events, state) =>
    events.map((event) => (event.type === "PayloadReleased" ? { ...event, digests: state.guests.get(event.guest)?.digests ?? [] } : event)))),
  mutant("released-before-home", "payload is kept until the origin has it", after("GuestReturned", ({ guest }: { guest: number }) =>
    [{ type: "GuestReleased", guest, removeAt: 0 }])),
  mutant("removal-raced", "what is being removed is not relied on", (actor) => ({
    decide: (state, command, at) => {
      const guest = command.type === "ReportMove" && command.step === "fetch" && command.failure === undefined ? state.guests.get(command.number) : undefined;
      return guest?.phase === "fetching" ? { kind: "accepted", events: [{ type: "InputVerified", guest: guest.guest }] } : actor.decide(state, command, at);
    },
    query: (state, question, sender, at) => {
      if (question["ask"] !== "work" || state.removing.size === 0) return actor.query(state, question, sender, at);
      const fetches = [...state.guests.values()].filter(({ phase }) => phase === "fetching");
      const moves = actor.query(state, question, sender, at) as readonly unknown[];
      return [...moves, ...fetches.map(({ guest, origin, blobs }) => ({ step: "fetch", number: guest, cluster: origin, blobs, digests: [] }))];
    },
  })),
  mutant("blob-forgotten", "whatever was brought is removed", deciding((events) =>
    events.map((event) => (event.type === "PayloadReleased" ? { ...event, digests: event.digests.slice(1) } : event)))),
  mutant("success-made-up", "the queue is told how it ended", (actor) => ({
    react: (state, event, reactions) => actor.react(state, event, {
      tell: (address, item) => reactions.tell(address, item),
      send: (to, body, how) => {
        const [verb, item] = body as [string, unknown];
        const words = verb === "outcome" && Array.isArray(item) && item[3] === "error" ? [...item.slice(0, 3), "succeeded", null, null, null] : item;
        reactions.send(to, [verb, words], how);
      },
    }),
  })),
  ...["return", "outcome", "offer", "release"].map((must) => mutant(`${must}-may-be-left-out`, `every ${must} arrives, however much is owed`, (actor) => ({
    react: (state, event, reactions) => actor.react(state, event, {
      tell: (address, item) => reactions.tell(address, item),
      send: (to, body, how) => reactions.send(to, body, (body as readonly unknown[])[0] === must ? { mayDrop: true } : how),
    }),
  }))),
  mutant("late-return-accepted", "what comes home after its trip is over changes nothing", (actor, cluster) => ({
    react: (state, event, reactions) => {
      actor.react(state, event, reactions);
      const trip = event.type === "LateReturnRefused" && event.end === "succeeded" ? state.ended.get(event.trip) : undefined;
      if (trip !== undefined) reactions.send({ cluster, kind: "job-queue", actor: trip.shard }, ["outcome", [trip.job, trip.attempt + 1, OUTCOME.ended, "succeeded", null, null, null]]);
    },
  })),
  {
    name: "gives-back-what-runs", breaks: "a guest that runs is finished where it is",
    mutation: {
      queue: (actor) => ({
        ...actor,
        decide: (state, command, at) => {
          const job = command.type === "HandBackJob" ? jobById(state, command.id) : undefined;
          if (job?.isActive !== true) return actor.decide(state, command, at);
          return { kind: "accepted", events: [{ type: "JobEnded", job: job.number, state: "dropped", attempt: job.attempt, result: undefined, reason: HANDED_BACK, error: undefined }] };
        },
      }),
    },
  },
  mutant("guest-not-named", "whoever sweeps payloads away is told which of them guests need", (actor) => ({
    query: (state, question, sender, at) => (question["ask"] === "named" ? (question["blobs"] as readonly unknown[]).map(() => false) : actor.query(state, question, sender, at)),
  })),
  mutant("snapshot-reorders", "a snapshot has the order in which trips were dispatched", (actor) => ({
    restore: (chunks) => {
      const state = actor.restore(chunks);
      for (const [cluster, trips] of state.away) state.away.set(cluster, new Set([...trips].reverse()));
      return state;
    },
  })),
  mutant("snapshot-forgets", "a snapshot has all that the journal says", (actor) => ({
    restore: (chunks) => {
      const state = actor.restore(chunks);
      state.settled.clear();
      return state;
    },
  })),
];

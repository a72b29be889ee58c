/** What a host is given, what it tells, and what lives beside it. */
import type { Sender } from "./actor.ts";
import type { KernelState } from "./kernel-state.ts";
import type { KernelLimits } from "./limits.ts";
import type { Clock, Hash, HighWaterMarks, Inbox, Journal, ServerTime, Snapshots, Telemetry, Wire } from "./ports.ts";

export interface HostPorts {
  readonly journal: Journal;
  readonly inboxes: readonly Inbox[];
  readonly wire: Wire;
  readonly clock: Clock;
  readonly serverTime: ServerTime;
  readonly marks: HighWaterMarks;
  readonly snapshots: Snapshots;
  readonly hash: Hash;
  readonly telemetry: Telemetry;
}

/** Why a host stopped. `fenced`: another host has taken over. The rest need a person. */
export type StopReason =
  | { readonly kind: "closed" | "fenced" }
  | { readonly kind: "rewound"; readonly message: string }
  | { readonly kind: "broken"; readonly message: string }
  | { readonly kind: "refused"; readonly cause: "too-large" | "no-stream" | "denied"; readonly message: string }
  | { readonly kind: "defect"; readonly message: string };

/** What a part that lives beside an actor's host may see and do. Valid while the host serves. */
export interface HostContext<State> {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly cluster: string;
  readonly epoch: number;
  readonly state: State;
  readonly kernel: KernelState;
  /** Server time. */
  now(): number;
  /** Gives the actor a command of the host's own; `done` gets its answer message once stored. */
  command(verb: string, item: unknown, sender: Sender, done?: (answer: Record<string, unknown>) => void): void;
  /** Tells an address something, with everything the state shows so far being stored first. */
  tell(address: string, item: unknown): void;
  /** Runs when everything the state shows so far is stored. */
  whenStored(run: () => void): void;
  /** How many items an address was told in this epoch; what a receiver must have seen. */
  toldCount(address: string): number;
  forget(address: string): void;
  /** Milliseconds since the last append that was stored was sent. */
  sinceStoredMs(): number;
  /** Writes a commit even if there is nothing to say: proof that this host still holds the history. */
  touch(): void;
}

/** A part of the host that is no part of the actor: presence, waiting results. It keeps no truth. */
export interface Attendant<State, Event> {
  /** The first commit is about to be made: what is commanded now is decided in it, before anything is settled. */
  opening?(context: HostContext<State>): void;
  /** The history is open and direct commands are served. */
  serving(context: HostContext<State>): void;
  /** A commit is about to be made: what is commanded now is decided in it, behind what waits and before anything is settled. */
  committing?(): void;
  /** An event was folded; its commit is not stored yet. */
  event?(event: Event, state: State): void;
  stopped(): void;
}

export interface HostOptions<State, Event> {
  readonly cluster: string;
  /** Name of the actor among its kind, for example the shard `main`. */
  readonly actor: string;
  readonly instance: string;
  /** Principal under which this host speaks to other actors. */
  readonly principal: string;
  /** Unique for this life of the process. */
  readonly incarnation: string;
  readonly software: string;
  readonly limits?: Partial<KernelLimits>;
  readonly attendants?: readonly Attendant<State, Event>[];
  /** An operator has looked at a rewound journal and accepts it as it is. */
  readonly acceptRewind?: string;
  /** The history is to be opened although another host may write it: that one is asked to hold for a moment, and fenced. */
  readonly takeOver?: boolean;
  readonly onServing?: () => void;
  /** A commit was stored. Called on the hot path: do next to nothing. */
  readonly onStored?: () => void;
  readonly onStopped?: (reason: StopReason) => void;
}

/** Why a commit was refused for good, and what helps. */
export const STOP_MESSAGES: Readonly<Record<Extract<StopReason, { readonly kind: "refused" }>["cause"], string>> = {
  "too-large": "the server refused a commit as too large: its max_payload is smaller than this host's limits; raise it",
  "no-stream": "the journal's stream is not there: run `longshore setup`",
  denied: "the server does not allow this user to write the journal: use the host role of nats.conf",
};

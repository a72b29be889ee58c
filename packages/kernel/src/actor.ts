/**
 * What an actor is: a pure decider and the reactions to its events.
 *
 * Deterministic by construction: no clock, no chance, no I/O. Time enters as `at`, ids enter in commands, and the same
 * events give the same state to the byte. `evolve` works in place: the host owns the state and nobody else holds it.
 */

/**
 * What `decide` answers: events to record, or the reason it will not. Accepted with no events means "already so". Events of
 * a rejection record that somebody was refused, where that is a fact worth keeping.
 */
export type Decision<Event, Rejection> =
  | { readonly kind: "accepted"; readonly events: readonly Event[]; readonly answer?: unknown }
  | { readonly kind: "rejected"; readonly rejection: Rejection; readonly events?: readonly Event[] };

/** Takes one event into the history; false when the commit has no room for another. */
export type Emit<Event> = (event: Event) => boolean;

/** The address of an actor of this or another cluster. */
export interface ActorAddress {
  readonly cluster: string;
  readonly kind: string;
  readonly actor: string;
}

/** Where `react` leaves what must follow from an event. Nothing of it leaves the host before the commit is stored. */
export interface Reactions {
  /** Nobody hears what is told, because the events are only read again: making it may be left out. */
  readonly isUnheard?: boolean;
  /**
   * A message to somebody who is listening now, lost if nobody is. Items for one address travel together.
   * `address` is the subject without its `ls.<cluster>.` prefix, for example `wk.alice.i1.main`.
   */
  tell(address: string, item: unknown): void;
  /**
   * A message another actor must get exactly once, numbered per receiver and kept until it is acknowledged. Whoever sends what must
   * arrive bounds it; what is said as often as somebody likes is `Droppable`.
   */
  send(receiver: ActorAddress, body: unknown, how?: Droppable): void;
}

/**
 * The receiver can do without this message: it is left out while the receiver is owed `OUTBOX_LIMITS` already. Taken in, it
 * arrives like any other, once and in order.
 */
export interface Droppable {
  readonly mayDrop: true;
  /** What it is the newest word of. That is kept instead of an older one left out, and sent when there is room again. */
  readonly levelOf?: string;
}

/** A reason why a command or a message is not understood, naming the field and the remedy. */
export interface Malformed {
  readonly code: string;
  readonly field: string;
  readonly remedy: string;
}

/** Who says something: both come from the subject, never from the message. */
export interface Sender {
  readonly role: Role;
  readonly principal: string;
  /** The message was durable before it came to be decided: it waited in the inbox, and nobody waits for its answer. */
  readonly stored?: true;
}

export type Role = "submit" | "outcome" | "operate" | "actor" | "peer" | "hello";

/** What `parse` answers. */
export type Parsed<Command> =
  | { readonly kind: "command"; readonly command: Command }
  | { readonly kind: "malformed"; readonly malformed: Malformed };

/** Every rejection is data with a code of its own; programs compare codes, never messages. */
export interface RejectionShape {
  readonly code: string;
  readonly message: string;
}

/** Turns events into arrays for the journal and back; old formats are lifted on read, history is never rewritten. */
export interface EventCodec<Event> {
  /** `[code, …fields]`; codes from 16 on belong to actors, those below to the kernel. */
  encode(event: Event): readonly unknown[];
  /** @throws {Defect} when the code is unknown. */
  decode(wire: readonly unknown[], format: number): Event;
}

/** A state machine with no I/O: what may happen, what it means, and what follows. */
export interface Actor<State, Command, Event, Rejection extends RejectionShape> {
  readonly kind: string;
  /** Grows whenever `evolve` or the shape of the state changes; snapshots of another schema are ignored. */
  readonly schema: number;
  readonly events: EventCodec<Event>;
  /** Instances speak to it themselves, in the role hello. Otherwise that role is its host's own, and no message from outside has it. */
  readonly hearsInstances?: boolean;

  initial(): State;
  /** One command on the state that earlier ones left. Emits a bounded number of events. */
  decide(state: State, command: Command, at: number): Decision<Event, Rejection>;
  /** What follows by itself: claims into free slots, due timers, expiries, the next slice of an operation. */
  settle(state: State, at: number, emit: Emit<Event>): void;
  /** Folds one event in place. Total: a recorded fact cannot be refused, an impossible one is a `Defect`. */
  evolve(state: State, event: Event, at: number): void;
  /** Called directly after `evolve` of its event, on exactly that state. */
  react(state: State, event: Event, reactions: Reactions): void;
  /** When `settle` has something to do next, in milliseconds of `at`; undefined when nothing is due. */
  due(state: State): number | undefined;

  /**
   * Reads one item of a message. `verb` is the key it stood under (`submit`, `stop`, …). `fallbackId` makes an id that is
   * unique, and for an inbox message the same whoever reads it: for an actor that needs one where the sender gave none.
   */
  parse(verb: string, item: unknown, sender: Sender, fallbackId: () => string): Parsed<Command>;
  /**
   * What one item of a message names, as its sender knows it: a refusal of what waited in the inbox is kept under it.
   * Undefined when it names nothing; never throws, whatever the item is.
   */
  nameOf?(verb: string, item: unknown): string | undefined;
  /** Answers a question from the state, without changing it. */
  query(state: State, question: Readonly<Record<string, unknown>>, sender: Sender, at: number): unknown;

  /** The whole state as plain values in one canonical order, in chunks that fit a message. */
  snapshot(state: State): Iterable<unknown>;
  /** The inverse of `snapshot`. */
  restore(chunks: Iterable<unknown>): State;
}

/** Shorthand for the commonest decisions. */
export const accepted = <Event>(...events: readonly Event[]): Decision<Event, never> => ({ kind: "accepted", events });
export const rejected = <Rejection>(rejection: Rejection): Decision<never, Rejection> => ({ kind: "rejected", rejection });

/** What may be said to a topology and to its listeners, and the bounds of it. */
import { type Clock, Fault } from "@longshore/kernel";
import type { MemberRecord } from "../vocabulary.ts";
import type { TopologyHandler } from "./call-handler.ts";
import type { DoubtGraces } from "./doubts.ts";
import type { TopologyEvent } from "./event.ts";

export interface TopologyOptions {
  /** This instance, as it announces itself. */
  readonly self: MemberRecord;
  /** It only looks on: it belongs to no view and acknowledges none, and `self` stands in until a view is known. By default false. */
  readonly isObserver?: boolean;
  /** Name of its cluster. */
  readonly cluster: string;
  readonly clock: Clock;
  /** How long CHANGED waits after the first change, milliseconds, to tell several as one; 0, the default, … 3,600,000. CHANGING never waits. */
  readonly minEventDelayMs?: number;
  /** How long each local doubt may last before the view is not current. */
  readonly graces?: Partial<DoubtGraces>;
  /** Events that wait for one listener before changes are folded; 1 … 100,000, by default 64. */
  readonly queuedMax?: number;
  /** Listeners bound or not yet returned; 1 … 100,000, by default 1,000. */
  readonly listenersMax?: number;
  /** A proposal is to be acknowledged now. Told once; send it until the history has it or `owedAck` says otherwise. Must not throw. */
  readonly onAckOwed: (number: number) => void;
  /** A listener threw. Must not throw. */
  readonly onFault: (cause: unknown, event: TopologyEvent) => void;
}

export type TopologySettings = Required<TopologyOptions>;

export interface ListenOptions {
  /** By default true: no instance hears CHANGED before this listener has returned from CHANGING. False for those who only watch. */
  readonly barrier?: boolean;
}

const NO_GRACES: Partial<DoubtGraces> = {};
const DEFAULTS = { isObserver: false, minEventDelayMs: 0, graces: NO_GRACES, queuedMax: 64, listenersMax: 1_000 };
const REQUIRED = ["self", "cluster", "clock", "onAckOwed", "onFault"];

/** @throws {Fault} `topology/invalid-option`. */
export function settingsOf(options: TopologyOptions): TopologySettings {
  refuseUnknown("Topology", options, [...REQUIRED, ...Object.keys(DEFAULTS)]);
  for (const name of REQUIRED) if (!Object.hasOwn(options, name)) refuse(`Topology: \`${name}\` is missing`);
  const settings = { ...DEFAULTS, ...options };
  refuseUnknown("Topology: `graces`", settings.graces, ["disconnected", "behind", "unrenewed"]);
  for (const [name, ms] of Object.entries(settings.graces)) requireInteger(`graces.${name}`, ms, 0, 3_600_000);
  requireInteger("minEventDelayMs", settings.minEventDelayMs, 0, 3_600_000);
  requireInteger("queuedMax", settings.queuedMax, 1, 100_000);
  requireInteger("listenersMax", settings.listenersMax, 1, 100_000);
  return settings;
}

/** @throws {Fault} `topology/invalid-option`. */
export function listenOptionsOf(handler: TopologyHandler, options: ListenOptions): { readonly isBarrier: boolean } {
  if (typeof handler !== "function") refuse("listen: the handler must be a function of an event");
  refuseUnknown("listen", options, ["barrier"]);
  const { barrier = true } = options;
  if (typeof barrier !== "boolean") refuse("listen: `barrier` must be true or false");
  return { isBarrier: barrier };
}

function refuseUnknown(where: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) refuse(`${where} has no option \`${unknown}\`; there are ${known.join(", ")}`);
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) refuse(`Topology: \`${name}\` must be a whole number from ${least} to ${most}, not ${value}`);
}

function refuse(message: string): never {
  throw new Fault("topology/invalid-option", message, { retry: "never" });
}

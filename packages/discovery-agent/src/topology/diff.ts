/** Who came, who went and who stayed between two views; an instance is known by its id alone. */
import { invariant } from "@longshore/kernel";
import { isSameProperties } from "./compare.ts";
import type { TopologyEvent } from "./event.ts";
import type { Instance, InstanceFilter, TopologyView } from "./view.ts";

/** Of an instance on both sides: the object of the old or of the new one. */
export type Side = "old" | "new";

export interface InstancesDiff {
  /** Everybody of either side that the filters accept, those gone last. */
  all(side: Side, ...filters: readonly InstanceFilter[]): readonly Instance[];
  added(...filters: readonly InstanceFilter[]): readonly Instance[];
  removed(...filters: readonly InstanceFilter[]): readonly Instance[];
  retained(side: Side, ...filters: readonly InstanceFilter[]): readonly Instance[];
  /** Those that stayed and whose properties differ, as they are now. */
  propertiesChanged(...filters: readonly InstanceFilter[]): readonly Instance[];
  /** Those that stayed and whose properties do not differ, as they are now. */
  propertiesKept(...filters: readonly InstanceFilter[]): readonly Instance[];
}

/** The difference of two views; none at all counts as an empty one. */
export const diffTopology = (before: TopologyView | undefined, after: TopologyView | undefined): InstancesDiff =>
  diffInstances(before?.instances ?? [], after?.instances ?? []);

/** The difference an event tells of: with CHANGING everybody is gone, since nobody is known to be there. */
export const diffEvent = ({ oldView, newView }: TopologyEvent): InstancesDiff => diffTopology(oldView, newView);

/** @throws {Defect} when one side has an id twice. */
export function diffInstances(before: readonly Instance[], after: readonly Instance[]): InstancesDiff {
  const old = byId(before);
  const current = byId(after);
  const added = after.filter(({ instance }) => !old.has(instance));
  const removed = before.filter(({ instance }) => !current.has(instance));
  const stayed = (side: Side): readonly Instance[] =>
    side === "new" ? after.filter(({ instance }) => old.has(instance)) : before.filter(({ instance }) => current.has(instance));
  const hasChanged = (instance: Instance): boolean => !isSameProperties(old.get(instance.instance)!.properties, instance.properties);
  return Object.freeze({
    all: (side: Side, ...filters: readonly InstanceFilter[]) => accepted([...stayed(side), ...added, ...removed], filters),
    added: (...filters: readonly InstanceFilter[]) => accepted(added, filters),
    removed: (...filters: readonly InstanceFilter[]) => accepted(removed, filters),
    retained: (side: Side, ...filters: readonly InstanceFilter[]) => accepted(stayed(side), filters),
    propertiesChanged: (...filters: readonly InstanceFilter[]) => accepted(stayed("new").filter(hasChanged), filters),
    propertiesKept: (...filters: readonly InstanceFilter[]) => accepted(stayed("new").filter((instance) => !hasChanged(instance)), filters),
  });
}

function byId(instances: readonly Instance[]): ReadonlyMap<string, Instance> {
  const known = new Map(instances.map((instance) => [instance.instance, instance]));
  invariant(known.size === instances.length, "an instance stands twice on one side of a difference");
  return known;
}

const accepted = (instances: readonly Instance[], filters: readonly InstanceFilter[]): readonly Instance[] =>
  Object.freeze(instances.filter((instance) => filters.every((filter) => filter(instance))));

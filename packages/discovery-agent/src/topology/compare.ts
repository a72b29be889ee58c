/** How two views differ. */
import { Fault } from "@longshore/kernel";
import type { Instance, TopologyView } from "./view.ts";

export type TopologyDifference = "CHANGED" | "PROPERTIES_CHANGED";

/**
 * What lies between two views: a change of who is there (number of the local cluster, instances, incarnations, clusters,
 * leaders), else of what they say of themselves, else nothing.
 *
 * @throws {Fault} `topology/invalid-argument` when a view is missing.
 */
export function compareTopology(before: TopologyView, after: TopologyView): TopologyDifference | undefined {
  if (before === undefined || after === undefined) {
    throw new Fault("topology/invalid-argument", "compareTopology: two views are needed; before the first one there is nothing to compare", { retry: "never" });
  }
  if (before.localCluster.number !== after.localCluster.number || before.instances.length !== after.instances.length) return "CHANGED";
  const known = new Map(before.instances.map((instance) => [instance.instance, instance]));
  let difference: TopologyDifference | undefined;
  for (const instance of after.instances) {
    const counterpart = known.get(instance.instance);
    if (counterpart === undefined || !isInSamePlace(counterpart, instance)) return "CHANGED";
    if (!saysSame(counterpart, instance)) difference = "PROPERTIES_CHANGED";
  }
  return difference;
}

/** They are equally current, and nothing lies between them. */
export const isSameTopology = (a: TopologyView, b: TopologyView): boolean => a.isCurrent === b.isCurrent && compareTopology(a, b) === undefined;

/** An incarnation is never used again, so a restart is seen wherever it happens. */
const isInSamePlace = (a: Instance, b: Instance): boolean => a.incarnation === b.incarnation && a.clusterId === b.clusterId && a.isLeader === b.isLeader;

/** Compared by what is said, not by `propertiesVersion`: to say a thing and take it back makes no difference. */
const saysSame = (a: Instance, b: Instance): boolean =>
  isSameProperties(a.properties, b.properties) && isSameList(a.topics, b.topics) && isSameList(a.kinds, b.kinds) && isSameList(a.endpoints, b.endpoints) &&
  a.slots === b.slots && a.software === b.software && a.leaderPriority === b.leaderPriority && a.isReady === b.isReady;

/** The same names with the same values. */
export function isSameProperties(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((item, place) => item === b[place]);

/** Filters of instances by name, for `findInstances` and for the lists of a difference. */
import type { InstanceFilter } from "./view.ts";

export const isLocal: InstanceFilter = (instance) => instance.isLocal;
export const isLeader: InstanceFilter = (instance) => instance.isLeader;
export const inCluster = (clusterId: string): InstanceFilter => (instance) => instance.clusterId === clusterId;
/** It says this of itself; without a value, anything under this name. */
export const hasProperty = (name: string, value?: string): InstanceFilter => ({ properties }) =>
  Object.hasOwn(properties, name) && (value === undefined || properties[name] === value);
export const not = (filter: InstanceFilter): InstanceFilter => (instance) => !filter(instance);
/** Every one of them accepts; with none, everything is accepted. */
export const allOf = (...filters: readonly InstanceFilter[]): InstanceFilter => (instance) => filters.every((filter) => filter(instance));

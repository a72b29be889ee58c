/**
 * Properties of an instance: what it announces, and what was set from outside while it lives.
 *
 * What is set lies over what is announced, name by name, so that a renewal of the announcement takes nothing back. It goes with the
 * incarnation: properties say how an instance is now, and are no place to keep anything.
 */
import type { Announcement } from "./events.ts";
import { INPUT_LIMITS } from "./limits.ts";

export type Properties = Readonly<Record<string, string>>;
/** By name; null takes a property away. */
export type PropertyChanges = Readonly<Record<string, string | null>>;

export const sortedByName = <Value>(map: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Sorted by name. */
export function laidOver(announced: Properties, set: PropertyChanges): Properties {
  const kept = Object.entries({ ...announced, ...set }).filter((entry): entry is [string, string] => entry[1] !== null);
  return sortedByName(Object.fromEntries(kept));
}

export const isSameSet = (a: PropertyChanges | undefined, b: PropertyChanges | undefined): boolean => textOf(a) === textOf(b);
const textOf = (set: PropertyChanges | undefined): string => JSON.stringify(Object.entries(sortedByName(set ?? {})));

/** Characters of all texts of an announcement. */
export const charsOf = ({ properties, topics, endpoints }: Announcement): number =>
  [...Object.entries(properties).flat(), ...topics, ...endpoints].reduce((sum, part) => sum + part.length, 0);

export function whyTooLong(announcement: Announcement): string | undefined {
  const chars = charsOf(announcement);
  if (chars <= INPUT_LIMITS.announcementCharsMax) return undefined;
  return `has ${chars} characters, and at most ${INPUT_LIMITS.announcementCharsMax} may be: topology is no place for data`;
}

/** Why an instance cannot have what is being set; undefined when it can. */
export function whyTooMany(announcement: Announcement, set: PropertyChanges): string | undefined {
  const count = Math.max(Object.keys(announcement.properties).length, Object.keys(set).length);
  if (count > INPUT_LIMITS.propertiesMax) return `an instance has at most ${INPUT_LIMITS.propertiesMax} properties, and as many names that are set or taken away while it lives: use fewer names`;
  const tooLong = whyTooLong(announcement);
  return tooLong === undefined ? undefined : `its announcement ${tooLong}`;
}

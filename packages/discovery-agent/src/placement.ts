/**
 * Which member hosts an actor: rendezvous hashing over the members of a view that can.
 *
 * Every member has a score for every actor, and the highest hosts it. When a member joins or leaves, only the actors move whose
 * highest score that changes; a restart changes nothing, because scores are of instances, not of incarnations. Two who know
 * different views may both believe that they are meant: the guard of the actor's journal decides, not this.
 */
import type { MemberRecord } from "./vocabulary.ts";

/** Members that can host the actor, the one that is to host it first, then who would after it. */
export function hostsFor(members: readonly MemberRecord[], kind: string, actor: string): readonly MemberRecord[] {
  const scoreOf = new Map(members.map(({ instance }) => [instance, score(`${kind}.${actor}`, instance)]));
  return members
    .filter(({ kinds }) => kinds.includes(kind))
    .toSorted((a, b) => scoreOf.get(b.instance)! - scoreOf.get(a.instance)! || (a.instance < b.instance ? -1 : 1));
}

/** 32 bits in which one changed character changes half: FNV-1a, and the last mixing steps of MurmurHash3. */
function score(actor: string, instance: string): number {
  let hash = 0x811c9dc5;
  for (const char of `${actor}\n${instance}`) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

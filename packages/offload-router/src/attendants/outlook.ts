/** What a router is told of the topology, by whoever follows it in the same process. */
import type { RoutePool } from "../vocabulary.ts";

export interface Outlook {
  /** The other clusters that take jobs, each with what its instances take. One that is missing takes none (any more). */
  readonly routes: readonly { readonly cluster: string; readonly pools: readonly RoutePool[] }[];
  /** Topics this cluster works on for others, and the shards of its queues. */
  readonly own: { readonly topics: readonly string[]; readonly shards: readonly string[] };
}

export interface OutlookSource {
  /** Undefined while it cannot be relied on: before the first view, and while one changes. */
  current(): Outlook | undefined;
  /** Calls back when another answer of `current` is possible. Returns a way to stop. */
  onChange(changed: () => void): () => void;
}

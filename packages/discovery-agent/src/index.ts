/** DiscoveryAgent's public surface. */

export type { AnnouncedMember, ClusterView, MemberRecord, RemoteClusterView } from "./vocabulary.ts";
export { addressOf, leaderOf } from "./vocabulary.ts";

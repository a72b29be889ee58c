/** What programs may start by themselves: the services of `longshore run`. */
export { collectLessOften } from "./garbage.ts";
export type { InstanceOptions, InstanceService, TopologyWatcher } from "./services/instance/instance.ts";
export { startInstance } from "./services/instance/instance.ts";
export type { JobQueueOptions, JobQueueService } from "./services/job-queue.ts";
export { startJobQueue } from "./services/job-queue.ts";
export type { OffloadRouterOptions, OffloadRouterService, RouterHost } from "./services/offload-router.ts";
export { placeOffloadRouter, startOffloadRouter } from "./services/offload-router.ts";
export type { OpenPlacement } from "./services/open-placement.ts";
export { openPlacement } from "./services/open-placement.ts";
export type { ShardHosts, ShardsOptions } from "./services/shards.ts";
export { startShards } from "./services/shards.ts";

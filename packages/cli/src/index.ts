/** What programs may start by themselves: the services of `longshore run`. */
export type { JobQueueOptions, JobQueueService } from "./services/job-queue.ts";
export { startJobQueue } from "./services/job-queue.ts";

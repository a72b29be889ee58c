/** Jobs that are in another cluster: what the router of this one knows of them. */
import type { JobInfo, Longshore, TripDetail } from "longshore";

/** Undefined when the job is here, or nobody says where it is. */
export async function tripOfAway(ls: Longshore, { id, state, instance = "" }: Pick<JobInfo, "id" | "state" | "instance">): Promise<TripDetail | undefined> {
  if (state !== "active" || !instance.startsWith("@")) return undefined;
  return ls.offload.show(id).catch(() => undefined);
}

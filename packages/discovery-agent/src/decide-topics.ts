/** Decisions about which topics an instance works on. */
import type { DiscoveryCommand } from "./commands.ts";
import type { DiscoveryDecision } from "./decision.ts";
import { no } from "./decision.ts";
import { topicState } from "./enablement.ts";
import type { DiscoveryLimits } from "./limits.ts";
import type { DiscoveryState } from "./state.ts";

type ChangeTopics = Extract<DiscoveryCommand, { type: "ChangeTopics" }>;

/**
 * Enabling takes topics off the disabled list, disabling puts them there; exclusive ones replace those before. Lists
 * belong to the instance, so a change for one that is away is kept, and the answer says so.
 */
export function decideTopics(state: DiscoveryState, command: ChangeTopics, limits: DiscoveryLimits): DiscoveryDecision {
  const { instance, enable, disable, principal: by } = command;
  const name = state.names.get(instance);
  if (name === undefined) return unknown(state, instance);
  const exclusive = command.exclusive === undefined ? name.exclusive : (command.exclusive ?? undefined);
  const disabled = [...new Set([...name.disabled.filter((topic) => !enable.includes(topic)), ...disable])].sort();
  if (disabled.length > limits.topicListMax || (exclusive?.length ?? 0) > limits.topicListMax) {
    return no("topics/too-many", `an instance has at most ${limits.topicListMax} disabled and exclusive topics: use a/* to name many`);
  }
  const living = state.living.get(instance);
  const topics = living?.record.topics ?? [];
  const answer = { isHere: living !== undefined, topics: Object.fromEntries(topics.map((topic) => [topic, topicState(topic, { exclusive, disabled })])) };
  const isSame = JSON.stringify([exclusive, disabled]) === JSON.stringify([name.exclusive, name.disabled]);
  if (isSame) return { kind: "accepted", events: [], answer };
  return { kind: "accepted", events: [{ type: "TopicEnablementChanged", instance, exclusive, disabled, by }], answer };
}

/** A cluster speaks for itself only, so nobody here may say what an instance of another works on. */
function unknown(state: DiscoveryState, instance: string): DiscoveryDecision {
  const home = state.remoteClusters().find(({ members }) => members.some((member) => member.instance === instance));
  if (home === undefined) return no("instance/unknown", `instance "${instance}" was never announced here: check its id`);
  return no("instance/elsewhere", `instance "${instance}" is of cluster "${home.cluster}": what it works on is said there, to a server of that cluster (--server, --cluster ${home.cluster})`);
}

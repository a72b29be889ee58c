/** The instance that a service command is: started beside whatever it runs, ended after it. */

import type { Log } from "./log.ts";
import { type InstanceOptions, type InstanceService, startInstance } from "./services/instance/instance.ts";
import type { Closing } from "./stopping.ts";

/** Distinct troubles with NATS that are logged; the same one comes every second. */
const FAULTS_MAX = 50;

/** @throws {Fault} `instance/duplicate` when a living process has the same name. */
export async function runInstance({ connection, ...options }: Omit<InstanceOptions, "telemetry">, log: Log, closing: Closing): Promise<InstanceService> {
  const said = new Set<string>();
  const onFault: InstanceOptions["connection"]["onFault"] = ({ code, message }) => {
    if (said.has(message) || said.size >= FAULTS_MAX) return;
    said.add(message);
    log.event("warn", "nats.fault", { code, reason: message });
  };
  const service = await startInstance({ ...options, connection: { ...connection, onFault }, telemetry: log.telemetry });
  closing.add("instance", () => service.close());
  const { instance, incarnation } = service;
  // Whatever connects from this process, or from one it starts, belongs to this instance.
  process.env["LONGSHORE_INSTANCE"] = instance;
  log.event("info", "instance.started", { instance, incarnation, cluster: options.cluster, topics: options.topics });
  service.listen(({ type, oldView, newView }) => {
    if (type === "TOPOLOGY_CHANGING") return log.event("info", "topology.changing", { number: oldView?.localCluster.number });
    if (newView === undefined) return;
    if (type === "PROPERTIES_CHANGED") return log.event("debug", "topology.properties", { number: newView.localCluster.number });
    const { number, leader, instances } = newView.localCluster;
    log.event("info", "topology.view", { number, leader: leader.instance, instances: instances.map((member) => member.instance) });
  }, { barrier: false });
  return service;
}

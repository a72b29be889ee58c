/** P9, between two histories that have come to rest: whatever one owed the other has had its effect there, and nothing else has. */
import type { KernelState } from "@longshore/kernel";
import type { Findings } from "./report.ts";

export interface LinkEnds {
  readonly sender: KernelState;
  /** The receiver's address, as the sender's outbox knows it: `<cluster>.<kind>.<actor>`. */
  readonly to: string;
  readonly receiver: KernelState;
  /** The sender, as the receiver knows it: `<principal>/<cluster>.<kind>.<actor>`, with `peer ` in front from another cluster. */
  readonly from: string;
}

export function checkLink({ sender, to, receiver, from }: LinkEnds, findings: Findings): void {
  const outbox = sender.outbox.get(to);
  const owed = (outbox?.next ?? 1) - 1;
  const received = receiver.received.get(from) ?? 0;
  const broken = receiver.brokenLinks.get(from);
  if (broken !== undefined) findings.add("P9", `the link from ${from} is broken: message ${broken.got} came where ${broken.expected} was expected`);
  if (received !== owed) findings.add("P9", `of ${owed} messages from ${from}, ${received} have had their effect at ${to}`);
  if (outbox !== undefined && outbox.acked > received) findings.add("P9", `messages to ${to} up to ${outbox.acked} count as delivered, and ${received} have had their effect there`);
}

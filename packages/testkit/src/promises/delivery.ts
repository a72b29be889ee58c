/** P9, in one history: each inbox message is accounted for once and in order, and messages of a link come one by one. */
import type { Commit, InboxPosition, KernelEvent, KernelState } from "@longshore/kernel";
import type { Findings } from "./report.ts";

export class DeliveryCheck {
  private readonly findings: Findings;
  private readonly inbox: Map<string, InboxPosition>;
  /** Positions as they were before the commit at hand, and as it leaves them. */
  private readonly before = new Map<string, InboxPosition>();
  private readonly received: Map<string, number>;
  private readonly broken: Set<string>;
  private readonly acked: Map<string, number>;
  private lastKey = "";

  constructor(findings: Findings, start?: KernelState) {
    this.findings = findings;
    this.inbox = new Map(start?.inbox);
    this.received = new Map(start?.received);
    this.broken = new Set(start?.brokenLinks.keys());
    this.acked = new Map([...(start?.outbox ?? [])].map(([receiver, { acked }]) => [receiver, acked]));
  }

  commit(commit: Commit): void {
    this.before.clear();
    this.lastKey = "";
    for (const position of commit.inbox) this.position(position);
    for (const [receiver, number] of commit.outboxAcked) {
      const acked = this.acked.get(receiver) ?? 0;
      if (number <= acked) this.findings.add("P9", `message ${number} to ${receiver} is acknowledged after ${acked}`);
      this.acked.set(receiver, number);
    }
  }

  event(event: KernelEvent): void {
    switch (event.type) {
      case "MessageReceived": return this.message(event.sender, event.number);
      case "LinkBroken":
        if (event.got <= event.expected) this.findings.add("P9", `the link from ${event.sender} is broken by message ${event.got} where ${event.expected} was expected`);
        this.broken.add(event.sender);
        return;
      case "CommandAnswered": case "CommandRejected": case "CommandParked":
        if (event.source.kind === "inbox") this.fromInbox(event.source);
        return;
      case "Opened": case "SessionAdvanced": case "TimeStepped": case "RewindAccepted":
        return;
    }
  }

  private position(position: InboxPosition): void {
    const known = this.inbox.get(position.stream);
    if (known !== undefined) this.before.set(position.stream, known);
    this.inbox.set(position.stream, position);
    if (known?.created !== position.created) return; // Another stream: it starts again.
    const isForward = position.sequence > known.sequence || (position.sequence === known.sequence && position.index > known.index);
    if (!isForward) this.findings.add("P9", `inbox ${position.stream} is accounted for up to ${place(position)} after ${place(known)}: what lies between is applied again`);
  }

  /** What a command of the inbox left must lie in what this commit accounts for, and be left once. */
  private fromInbox({ stream, sequence, index }: { readonly stream: string; readonly sequence: number; readonly index: number }): void {
    const key = `${stream} ${sequence} ${index}`;
    if (key === this.lastKey) this.findings.add("P9", `item ${index} of inbox message ${sequence} leaves two outcomes`);
    this.lastKey = key;
    const before = this.before.get(stream);
    const after = this.inbox.get(stream);
    if (before !== undefined && before.created === after?.created && isCovered(before, sequence, index)) {
      this.findings.add("P9", `item ${index} of inbox message ${sequence} is applied again: ${place(before)} was accounted for`);
    }
    if (after === undefined || !isCovered(after, sequence, index)) {
      this.findings.add("P9", `item ${index} of inbox message ${sequence} is applied, and the commit accounts for ${after === undefined ? "nothing" : place(after)}`);
    }
  }

  private message(sender: string, number: number): void {
    const last = this.received.get(sender) ?? 0;
    if (number !== last + 1) this.findings.add("P9", `message ${number} of ${sender} is applied after message ${last}`);
    if (this.broken.has(sender)) this.findings.add("P9", `message ${number} of ${sender} is applied although its link is broken`);
    this.received.set(sender, number);
  }
}

const place = ({ sequence, index }: InboxPosition): string => (index === 0 ? `message ${sequence}` : `message ${sequence} and ${index} items`);

const isCovered = (position: InboxPosition, sequence: number, index: number): boolean =>
  sequence <= position.sequence || (sequence === position.sequence + 1 && index < position.index);

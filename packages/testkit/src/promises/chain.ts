/** P7: one writer per history. Epochs and numbers only grow, the chain holds, nothing of an older epoch follows a newer one. */
import type { Commit, Hash } from "@longshore/kernel";
import { sameBytes } from "@longshore/kernel";
import type { Findings } from "./report.ts";

const OPENED = 0;

/** Where a history is taken up: after a snapshot, or at its very start. */
export interface ChainStart {
  readonly number: number;
  readonly epoch: number;
  readonly at: number;
  readonly hash: Uint8Array;
  readonly version: number;
}

export class ChainCheck {
  private readonly findings: Findings;
  private readonly hash: Hash;
  private number = 0;
  private epoch = 0;
  private at = 0;
  private version = 0;
  private previous: Uint8Array = new Uint8Array(0);
  private host = "";

  constructor(findings: Findings, hash: Hash, start?: ChainStart) {
    this.findings = findings;
    this.hash = hash;
    if (start === undefined) return;
    ({ number: this.number, epoch: this.epoch, at: this.at, version: this.version, hash: this.previous } = start);
  }

  commit(commit: Commit, bytes: Uint8Array, version: number): void {
    const { findings } = this;
    if (commit.number !== this.number + 1) findings.add("P7", `commit ${commit.number} follows commit ${this.number}`);
    if (!sameBytes(commit.previous, this.previous)) findings.add("P7", `commit ${commit.number} names another commit before it than commit ${this.number}`);
    if (version <= this.version) findings.add("P7", `version ${version} does not lie behind version ${this.version}`);
    if (commit.at < this.at) findings.add("P7", `commit ${commit.number} was written ${this.at - commit.at} ms before the one it follows`);
    this.writer(commit);
    this.number = commit.number;
    this.epoch = commit.epoch;
    this.at = commit.at;
    this.version = version;
    this.host = commit.host;
    this.previous = this.hash(bytes);
  }

  private writer(commit: Commit): void {
    const { findings } = this;
    const opens = commit.events[0]?.[0] === OPENED;
    if (commit.epoch < this.epoch) findings.add("P7", `commit ${commit.number} is of epoch ${commit.epoch}, after epoch ${this.epoch} had begun`);
    else if (opens && commit.epoch !== this.epoch + 1) findings.add("P7", `epoch ${commit.epoch} is opened after epoch ${this.epoch}`);
    else if (!opens && commit.epoch !== this.epoch) findings.add("P7", `epoch ${commit.epoch} begins without having been opened`);
    else if (!opens && this.host !== "" && commit.host !== this.host) findings.add("P7", `epoch ${commit.epoch} has two writers, ${this.host} and ${commit.host}`);
  }
}

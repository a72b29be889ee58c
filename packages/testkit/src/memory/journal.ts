/** The journal in memory: encoded bytes on one subject of a stream, with the guard and with gaps between versions. */
import type { AppendAnswer, Journal, LastAnswer, ReadAnswer, StoredCommit, Version } from "@longshore/kernel";
import type { Defer } from "./defer.ts";
import type { MemoryStream, StreamMessage } from "./stream.ts";

const toCommit = (message: StreamMessage): StoredCommit => ({ version: message.sequence, bytes: message.data.slice() });

export class MemoryJournal implements Journal {
  readonly stream: MemoryStream;
  readonly subject: string;
  private readonly defer: Defer;
  private readonly isMine: (subject: string) => boolean;

  constructor(stream: MemoryStream, subject: string, defer: Defer) {
    this.stream = stream;
    this.subject = subject;
    this.defer = defer;
    this.isMine = (other) => other === subject;
  }

  append(bytes: Uint8Array, expected: Version, done: (answer: AppendAnswer) => void): void {
    const copy = bytes.slice();
    this.defer(() => {
      const answer = this.appendNow(copy, expected);
      this.defer(() => done(answer));
    });
  }

  last(done: (answer: LastAnswer) => void): void {
    this.defer(() => {
      const commit = this.lastNow();
      this.defer(() => done({ kind: "last", commit }));
    });
  }

  read(after: Version, onCommit: (commit: StoredCommit) => void, done: (answer: ReadAnswer) => void): void {
    this.defer(() => {
      const commits = this.stream.read(after, this.isMine);
      const last = this.stream.lastSequence(this.subject);
      this.defer(() => {
        for (const message of commits) onCommit(toCommit(message));
        done({ kind: "end", last });
      });
    });
  }

  get(version: Version, done: (commit: StoredCommit | undefined) => void): void {
    this.defer(() => {
      const message = this.stream.read(version - 1, this.isMine, 1)[0];
      this.defer(() => done(message?.sequence === version ? toCommit(message) : undefined));
    });
  }

  purge(below: Version, done: (ok: boolean) => void): void {
    this.defer(() => {
      this.purgeNow(below);
      this.defer(() => done(true));
    });
  }

  size(done: (size: { readonly bytes: number; readonly commits: number; readonly first: Version }) => void): void {
    this.defer(() => {
      const commits = this.commits();
      const bytes = commits.reduce((sum, commit) => sum + commit.bytes.length, 0);
      this.defer(() => done({ bytes, commits: commits.length, first: commits[0]?.version ?? 0 }));
    });
  }

  appendNow(bytes: Uint8Array, expected: Version): AppendAnswer {
    const answer = this.stream.store(this.subject, bytes, { expected });
    if (answer.kind === "stored") return { kind: "stored", version: answer.sequence };
    return answer.cause === "too-large" ? { kind: "stop", cause: "too-large" } : { kind: "doubt", cause: answer.cause };
  }

  lastNow(): StoredCommit | undefined {
    const message = this.stream.lastMessage(this.subject);
    return message === undefined ? undefined : toCommit(message);
  }

  /** The last commit is never purged: it carries the guard. */
  purgeNow(below: Version): void {
    this.stream.purge(Math.min(below, this.stream.lastSequence(this.subject)) - 1, this.isMine);
  }

  /** Everything held now, for checkers. */
  commits(): StoredCommit[] {
    return this.stream.read(0, this.isMine).map(toCommit);
  }
}

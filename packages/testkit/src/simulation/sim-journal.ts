/** Journal and inbox of a process in the simulated world: over its connection, in any weather. */
import type { AppendAnswer, Inbox, InboxAnswer, Journal, LastAnswer, ReadAnswer, StoredCommit, Version } from "@longshore/kernel";
import { sameBytes } from "@longshore/kernel";
import type { MemoryStream, StreamMessage } from "../memory/stream.ts";
import { matcher } from "../memory/subject-match.ts";
import type { Link, SimServer } from "./sim-server.ts";

const TIMEOUT_MS = 5_000;
/** What a server needs to sync a message to disk. */
const SYNC_MS = 0.5;

const toCommit = (message: StreamMessage): StoredCommit => ({ version: message.sequence, bytes: message.data });

export class SimJournal implements Journal {
  private readonly link: Link;
  private readonly server: SimServer;
  private readonly stream: MemoryStream;
  private readonly subject: string;
  private readonly isMine: (subject: string) => boolean;
  /** What was appended last, while nobody has said whether it is stored. */
  private doubted: Uint8Array | undefined;

  constructor(link: Link, stream: MemoryStream, subject: string) {
    this.link = link;
    this.server = link.server;
    this.stream = stream;
    this.subject = subject;
    this.isMine = (other) => other === subject;
  }

  append(bytes: Uint8Array, expected: Version, done: (answer: AppendAnswer) => void): void {
    const { server, link } = this;
    const copy = bytes.slice();
    this.doubted = undefined;
    const finish = this.once<AppendAnswer>({ kind: "doubt", cause: "timeout" }, (answer) => {
      if (answer.kind === "doubt") this.doubted = copy;
      done(answer);
    });
    const arrive = (): void => {
      if (server.weather.noStreams) return;
      const answer = this.appendNow(copy, expected);
      if (answer.kind === "stored" && server.loses("the answer to an append is lost")) return;
      server.down(link, "ack", () => finish(answer), SYNC_MS);
    };
    const lateMs = server.lateness();
    if (lateMs === 0) return server.up(link, "append", arrive);
    // It left the process; nothing that happens to the process stops it.
    server.clock.after(lateMs, () => {
      if (server.weather.outage) return;
      server.trace.add(server.clock.monotonicMs(), "late append", link.process.name);
      if (link.isDead) server.marks.hit("an append of a dead host arrives late");
      else server.marks.hit("an append arrives late");
      arrive();
    });
  }

  last(done: (answer: LastAnswer) => void): void {
    this.ask<LastAnswer>("look", { kind: "unavailable" }, () => {
      const message = this.server.deposedAt(this.stream) === undefined ? this.stream.lastMessage(this.subject) : this.visible(0).at(-1);
      return { kind: "last", commit: message === undefined ? undefined : toCommit(message) };
    }, (answer) => {
      if (answer.kind === "last" && this.doubted !== undefined) this.settle(answer.commit, this.doubted);
      done(answer);
    });
  }

  read(after: Version, onCommit: (commit: StoredCommit) => void, done: (answer: ReadAnswer) => void): void {
    this.ask("read", undefined, () => {
      const commits = this.visible(after);
      const upTo = this.server.deposedAt(this.stream) ?? Infinity;
      const last = commits.at(-1)?.sequence ?? Math.min(upTo, this.stream.lastSequence(this.subject), after);
      return { commits, last };
    }, (found) => {
      if (found === undefined) return done({ kind: "unavailable" });
      for (const message of found.commits) onCommit(toCommit(message));
      done({ kind: "end", last: found.last });
    });
  }

  get(version: Version, done: (commit: StoredCommit | undefined) => void): void {
    this.ask("get", undefined, () => {
      const message = this.visible(version - 1)[0];
      return message?.sequence !== version ? undefined : toCommit(message);
    }, done);
  }

  purge(below: Version, done: (ok: boolean) => void): void {
    this.ask("purge", false, () => {
      this.server.marks.hit("a journal is purged");
      this.stream.purge(Math.min(below, this.stream.lastSequence(this.subject)) - 1, this.isMine);
      return true;
    }, done);
  }

  size(done: (size: { readonly bytes: number; readonly commits: number; readonly first: Version } | undefined) => void): void {
    this.ask("size", undefined, () => {
      const all = this.stream.read(0, this.isMine);
      return { bytes: all.reduce((sum, message) => sum + message.data.length, 0), commits: all.length, first: all[0]?.sequence ?? 0 };
    }, done);
  }

  /** What the look at the last commit says of an append in doubt. */
  private settle(last: StoredCommit | undefined, doubted: Uint8Array): void {
    this.doubted = undefined;
    const isStored = last !== undefined && sameBytes(last.bytes, doubted);
    this.server.marks.hit(isStored ? "an append in doubt turns out to be stored" : "an append in doubt turns out not to be the last");
  }

  private appendNow(bytes: Uint8Array, expected: Version): AppendAnswer {
    const answer = this.stream.store(this.subject, bytes, { expected });
    if (answer.kind === "stored") return { kind: "stored", version: answer.sequence };
    this.server.marks.hit(answer.cause === "conflict" ? "an append meets another's commit" : `an append is refused: ${answer.cause}`);
    return answer.cause === "too-large" ? { kind: "stop", cause: "too-large" } : { kind: "doubt", cause: answer.cause };
  }

  /** What the server that answers knows: a deposed leader has stopped learning. */
  private visible(after: Version): StreamMessage[] {
    const all = this.stream.read(after, this.isMine);
    const upTo = this.server.deposedAt(this.stream);
    if (upTo === undefined || this.stream.lastSequence(this.subject) <= upTo) return all;
    this.server.marks.hit("a deposed leader answers old");
    return all.filter((message) => message.sequence <= upTo);
  }

  private ask<Found>(what: string, timedOut: Found, find: () => Found, done: (found: Found) => void): void {
    const { server, link } = this;
    const finish = this.once(timedOut, done);
    server.up(link, what, () => {
      if (server.weather.noStreams) return;
      const found = find();
      server.down(link, what, () => finish(found));
    });
  }

  private once<Answer>(timedOut: Answer, done: (answer: Answer) => void): (answer: Answer) => void {
    let isOpen = true;
    const finish = (answer: Answer): void => {
      if (!isOpen) return;
      isOpen = false;
      cancel();
      done(answer);
    };
    const cancel = this.link.process.after(TIMEOUT_MS, () => finish(timedOut));
    return finish;
  }
}

export class SimInbox implements Inbox {
  private readonly link: Link;
  private readonly source: MemoryStream;
  private readonly isMine: (subject: string) => boolean;

  constructor(link: Link, source: MemoryStream, pattern: string) {
    this.link = link;
    this.source = source;
    this.isMine = matcher(pattern);
  }

  get stream(): string {
    return this.source.name;
  }

  read(after: number, max: number, done: (answer: InboxAnswer) => void): void {
    const { server } = this.link;
    let isOpen = true;
    const finish = (answer: InboxAnswer): void => {
      if (!isOpen) return;
      isOpen = false;
      cancel();
      done(answer);
    };
    const cancel = this.link.process.after(TIMEOUT_MS, () => finish({ kind: "unavailable" }));
    server.up(this.link, "inbox", () => {
      if (server.weather.noStreams) return;
      const messages = this.source.read(after, this.isMine, max);
      const { last, created } = this.source;
      server.down(this.link, "inbox", () => finish({ kind: "messages", messages, last, created }));
    });
  }

  onArrival(hint: () => void): () => void {
    return this.source.onStored((message) => {
      if (this.isMine(message.subject)) this.link.server.down(this.link, "hint", hint);
    });
  }

  purge(upTo: number): void {
    this.link.server.up(this.link, "purge", () => this.source.purge(upTo, this.isMine));
  }
}

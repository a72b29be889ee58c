/** The durable way in, in memory: one actor's messages of a stream. */
import type { Inbox, InboxAnswer } from "@longshore/kernel";
import type { Defer } from "./defer.ts";
import type { MemoryStream } from "./stream.ts";
import { matcher } from "./subject-match.ts";

export class MemoryInbox implements Inbox {
  private readonly source: () => MemoryStream;
  private readonly isMine: (subject: string) => boolean;
  private readonly defer: Defer;

  /** `source` is asked at each call: a stream may be deleted and made anew. */
  constructor(source: () => MemoryStream, pattern: string, defer: Defer) {
    this.source = source;
    this.isMine = matcher(pattern);
    this.defer = defer;
  }

  get stream(): string {
    return this.source().name;
  }

  read(after: number, max: number, done: (answer: InboxAnswer) => void): void {
    this.defer(() => {
      const stream = this.source();
      const messages = stream.read(after, this.isMine, max);
      const { last, created } = stream;
      this.defer(() => done({ kind: "messages", messages, last, created }));
    });
  }

  onArrival(hint: () => void): () => void {
    return this.source().onStored((message) => {
      if (this.isMine(message.subject)) this.defer(hint);
    });
  }

  purge(upTo: number): void {
    this.defer(() => this.source().purge(upTo, this.isMine));
  }
}

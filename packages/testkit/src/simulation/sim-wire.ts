/** A process's wire in the simulated world. */
import type { StoreAnswer, Wire, WireAnswer, WireMessage } from "@longshore/kernel";
import type { Link, SimServer } from "./sim-server.ts";

const STORE_TIMEOUT_MS = 5_000;
const MAX_PAYLOAD_BYTES = 1024 * 1024;

export class SimWire implements Wire {
  readonly maxPayloadBytes: number = MAX_PAYLOAD_BYTES;
  private readonly link: Link;
  private readonly server: SimServer;
  /** Messages nobody answered, as their senders hold them: what is sent again is the very same. */
  private readonly doubted = new WeakSet<Uint8Array>();

  constructor(link: Link) {
    this.link = link;
    this.server = link.server;
  }

  get connected(): boolean {
    return this.link.isConnected;
  }

  publish(subject: string, data: Uint8Array): void {
    const copy = data.slice();
    this.server.up(this.link, "pub", () => {
      this.server.streamOf(subject)?.store(subject, copy);
      this.server.route(this.link, subject, copy, undefined);
    });
  }

  request(subject: string, data: Uint8Array, timeoutMs: number, done: (answer: WireAnswer) => void): void {
    const { link, server } = this;
    const copy = data.slice();
    const finish = this.once<WireAnswer>(timeoutMs, { kind: "timeout" }, (answer) => {
      if (answer.kind === "timeout") this.doubted.add(data);
      else if (answer.kind === "answer" && this.doubted.has(data)) server.marks.hit("a request in doubt is answered when it is repeated");
      done(answer);
    });
    const reply = (from: Link) => (answer: Uint8Array): void => {
      const bytes = answer.slice();
      if (server.gapBetween(from, link) !== undefined) return;
      server.up(from, "ans", () => server.down(link, "ans", () => finish({ kind: "answer", data: bytes })));
    };
    // Of a doubled request either all copies reach somebody, or none ever does: "no responders" is a promise.
    let fate: "heard" | "unheard" | undefined;
    server.up(link, "req", () => {
      if (fate === "unheard" || server.route(link, subject, copy, reply) > 0) fate ??= "heard";
      else if (fate === undefined) {
        fate = "unheard";
        server.down(link, "none", () => finish({ kind: "no-responders" }));
      }
    });
  }

  subscribe(subject: string, onMessage: (message: WireMessage) => void): () => void {
    let isActive = true;
    const stop = this.server.subscribe(this.link, subject, (message) => {
      if (isActive) onMessage(message);
    });
    return () => {
      isActive = false;
      stop();
    };
  }

  store(subject: string, data: Uint8Array, done: (answer: StoreAnswer) => void): void {
    const { link, server } = this;
    const copy = data.slice();
    const finish = this.once(STORE_TIMEOUT_MS, { kind: "unknown" }, done);
    server.up(link, "store", () => {
      const answer = server.streamOf(subject)?.store(subject, copy);
      if (answer === undefined) return server.down(link, "ack", () => finish({ kind: "refused", cause: "no-stream" }));
      if (answer.kind === "stored" && server.loses("the answer to a store is lost")) return;
      server.down(link, "ack", () => finish(answer.kind === "stored" ? answer : { kind: "refused", cause: answer.cause === "too-large" ? "too-large" : "full" }));
    });
  }

  onReconnect(handler: () => void): () => void {
    this.link.reconnects.add(handler);
    return () => this.link.reconnects.delete(handler);
  }

  /** The first answer counts; after the time-out none does. */
  private once<Answer>(timeoutMs: number, timedOut: Answer, done: (answer: Answer) => void): (answer: Answer) => void {
    let isOpen = true;
    const finish = (answer: Answer): void => {
      if (!isOpen) return;
      isOpen = false;
      cancel();
      done(answer);
    };
    const cancel = this.link.process.after(timeoutMs, () => finish(timedOut));
    return finish;
  }
}

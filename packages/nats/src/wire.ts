/**
 * Messages between processes, on one connection.
 *
 * The bytes given to `publish`, `request` and `store` belong to the wire until the next turn of the event loop: the
 * client sends what one turn produced in one write.
 */
import type { Wire, WireAnswer, WireMessage } from "@longshore/kernel";
import { clusterOf, Fault, senderOf } from "@longshore/kernel";
import { Empty, headers, type Msg } from "@nats-io/transport-node";
import { ANSWER_STREAM } from "./api.ts";
import { type CallAnswer, type Calls, NO_RESPONDERS } from "./calls.ts";
import type { Connection } from "./connect.ts";
import { storeAnswer } from "./faults.ts";
import { STORE_TIMEOUT_MS } from "./limits.ts";
import { plain } from "./plain.ts";

/**
 * `cluster`: whose process this is. What it asks of another cluster is answered where that one may answer: across a link nobody
 * may speak on the subjects of a user's own answers.
 */
export function wireOf(connection: Connection, cluster?: string): Wire {
  const { nc, calls } = connection;
  const callsFor = (subject: string): Calls => {
    const far = cluster === undefined ? undefined : clusterOf(subject);
    return cluster === undefined || far === undefined || far === cluster ? calls : connection.callsAcross(cluster, far);
  };
  return {
    publish(subject, data) {
      // What is sent to nobody is lost: the client would keep it without a bound until the server is back.
      if (!connection.isUp) return;
      try {
        nc.publish(subject, data);
      } catch (cause) {
        connection.report(notSent(subject, data, cause));
      }
    },
    request(subject, data, timeoutMs, done) {
      callsFor(subject).request(subject, data, { timeoutMs, whileDown: "wait" }, (answer) => {
        if (answer.kind === "too-large") connection.report(notSent(subject, data));
        done(wireAnswer(answer));
      });
    },
    subscribe(subject, onMessage) {
      let isStopped = false;
      let saysNobody = false;
      const subscription = nc.subscribe(subject, {
        callback: (error, message) => {
          // A refused subscription is reported by the connection.
          if (error !== null) return;
          if (isStopped) return saysNobody ? refuse(connection, message) : undefined;
          // Somebody had the server send a stored message here: whoever may speak on this subject has not said it.
          if (message.headers?.has(ANSWER_STREAM) === true) return;
          connection.guarded(() => onMessage(new Arrived(connection, message)));
        },
      });
      return (isLast = false) => {
        if (isStopped) return;
        isStopped = true;
        saysNobody = isLast;
        if (!isLast) return subscription.unsubscribe();
        // Up to the server's confirmation messages arrive that it took to be answered here.
        void subscription.drain().catch(() => undefined);
      };
    },
    store(subject, data, done) {
      callsFor(subject).request(subject, data, { timeoutMs: STORE_TIMEOUT_MS, whileDown: "fail" }, (answer) => done(storeAnswer(answer, connection.nc.info?.cluster !== undefined)));
    },
    onReconnect: (handler) => connection.onReconnect(handler),
    get connected() {
      return connection.isUp;
    },
    maxPayloadBytes: connection.maxPayloadBytes,
  };
}

/** Says of a message that came too late what the server will say of the next: nobody listens. Its sender need not wait for a time-out. */
function refuse(connection: Connection, { subject, reply }: Msg): void {
  if (reply === undefined || !mayBeAnswered(subject, reply) || !connection.isUp) return;
  try {
    connection.nc.publish(reply, Empty, { headers: headers(NO_RESPONDERS, "No Responders") });
  } catch {
    // The connection is closing; then the server says it.
  }
}

function wireAnswer(answer: CallAnswer): WireAnswer {
  switch (answer.kind) {
    case "answer":
      return { kind: "answer", data: plain(answer.message.data) };
    case "down":
      return { kind: "timeout" };
    case "too-large":
      // Asking again would not help, so it must not look like a time-out.
      return { kind: "denied" };
    case "denied":
    case "no-responders":
    case "timeout":
      return { kind: answer.kind };
  }
}

const notSent = (subject: string, data: Uint8Array, cause?: unknown): Fault =>
  new Fault("nats/not-sent", `a message of ${data.length} bytes to ${subject} was not sent`, { retry: "never", cause });

/** Reads its parts when they are asked for: most messages need neither headers nor reply. */
class Arrived implements WireMessage {
  readonly #connection: Connection;
  readonly #message: Msg;
  constructor(connection: Connection, message: Msg) {
    this.#connection = connection;
    this.#message = message;
  }
  get subject(): string {
    return this.#message.subject;
  }
  get data(): Uint8Array {
    return plain(this.#message.data);
  }
  get json(): boolean {
    return isJson(this.#message.headers?.get("Content-Type", "insensitive"));
  }
  get reply(): ((data: Uint8Array) => void) | undefined {
    const subject = this.#message.reply;
    if (subject === undefined || !mayBeAnswered(this.#message.subject, subject)) return undefined;
    const connection = this.#connection;
    return (data) => {
      if (!connection.isUp) return;
      try {
        connection.nc.publish(subject, data);
      } catch (cause) {
        connection.report(notSent(subject, data, cause));
      }
    };
  }
}

/**
 * The server lets everybody name any subject for an answer, and a host may publish where its askers may not: into histories. So
 * users are answered below `_INBOX.`, and other clusters on subjects of their own.
 */
function mayBeAnswered(subject: string, reply: string): boolean {
  const sender = senderOf(subject);
  return reply.startsWith(sender?.role === "peer" ? `ls.${sender.principal}.ak.` : "_INBOX.");
}

/** `Content-Type: application/json` marks JSON; everything else is msgpack. */
export const isJson = (contentType: string | undefined): boolean => contentType?.startsWith("application/json") === true;

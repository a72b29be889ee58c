/** The client's connection to a server, with long messages handed to its parser whole. */
import { type ConnectionOptions, type NatsConnection, NatsConnectionImpl, setTransportFactory } from "@nats-io/transport-node";
import { NodeTransport, nodeResolveHost } from "@nats-io/transport-node/lib/node_transport.js";
import { WholeFrames } from "./whole-frames.ts";

class WholeTransport extends NodeTransport {
  override async *iterate(): AsyncIterableIterator<Uint8Array> {
    const frames = new WholeFrames();
    const ready: Uint8Array[] = [];
    for await (const piece of super.iterate()) {
      frames.take(piece, (bytes) => ready.push(bytes));
      yield* ready.splice(0);
    }
  }
}

/** As the client's own `connect`, which does the same with its own transport: whoever else uses the client in this process sets what it needs. */
export function connectWhole(options: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new WholeTransport(), dnsResolveFn: nodeResolveHost });
  return NatsConnectionImpl.connect(options);
}

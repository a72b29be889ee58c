/** Between a leaf node and its hub: what a router, or a cable, does to what they say, and how much goes over it. */
import { connect, createServer, type Server, type Socket } from "node:net";

export class Relay {
  /** Bytes from whoever connects here to the other side, and back. */
  readonly bytes = { there: 0, back: 0 };
  private readonly sockets = new Set<Socket>();
  private isCut = false;
  private listener: Server | undefined;

  /** Resolves with the port to connect to: what comes there goes to this one. */
  async open(to: number): Promise<number> {
    this.listener = createServer((from) => this.joined(from, to));
    const { listener } = this;
    await new Promise<void>((listening) => void listener.listen(0, "127.0.0.1", () => listening()));
    return (listener.address() as { readonly port: number }).port;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  join(): void {
    this.isCut = false;
  }

  close(): void {
    this.cut();
    this.listener?.close();
  }

  private joined(from: Socket, port: number): void {
    if (this.isCut) return void from.destroy();
    const to = connect({ host: "127.0.0.1", port });
    for (const [socket, other, way] of [[from, to, "there"], [to, from, "back"]] as const) {
      this.sockets.add(socket);
      // A small message that waits for the acknowledgement of the one before would be 40 ms late.
      socket.setNoDelay(true);
      socket.on("error", () => undefined).on("close", () => {
        this.sockets.delete(socket);
        other.destroy();
      });
      socket.on("data", ({ length }) => { this.bytes[way] += length; });
      socket.pipe(other);
    }
  }
}

/** What we are held against: the same bytes from one object store to the other over the same leaf node, by the client library of NATS. */
import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { importPeer } from "../servers.ts";
import { ORIGIN, THERE, type World } from "./world.ts";

/** What of `@nats-io/obj` is used here. */
interface ObjectStore {
  put(meta: { readonly name: string }, stream: ReadableStream<Uint8Array>): Promise<unknown>;
  get(name: string): Promise<{ readonly data: ReadableStream<Uint8Array>; readonly error: Promise<Error | null> } | null>;
  destroy(): Promise<boolean>;
}
interface Library {
  readonly Objm: new (streams: JetStreamClient) => { create(name: string, options: object): Promise<ObjectStore>; open(name: string): Promise<ObjectStore> };
}

/** Of names of their own: with one name the streams of both would take what is put into either. */
const [HERE, AWAY] = ["bench", "bench-there"] as const;

/** Copies so many objects, at most so many at a time; milliseconds. Each object is verified by its digest on arrival, as the library does. */
export async function copyObjects(world: World, objects: readonly Uint8Array[], parallel: number): Promise<number> {
  const { Objm } = importPeer("@nats-io/obj") as Library;
  // What comes from the hub to a usual inbox is kept out by our configuration of a leaf node.
  const connections = await Promise.all(world.servers.all.map(({ nats }) => connect({ servers: nats.url, inboxPrefix: "BENCH" })));
  const [atOrigin, there] = connections as unknown as readonly [NatsConnection, NatsConnection];
  try {
    const from = await new Objm(jetstream(atOrigin, { domain: ORIGIN })).create(HERE, {});
    const to = await new Objm(jetstream(there, { domain: THERE })).create(AWAY, {});
    for (const [i, bytes] of objects.entries()) await from.put({ name: String(i) }, streamOf(bytes));
    // Read by somebody in the other cluster, as a router does.
    const far = await new Objm(jetstream(there, { domain: ORIGIN })).open(HERE);
    const waiting = objects.map((_, i) => String(i));
    const fromMs = performance.now();
    await Promise.all(Array.from({ length: parallel }, async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const object = await far.get(name);
        if (object === null) throw new Error(`object ${name} is not there`);
        await to.put({ name }, object.data);
      }
    }));
    const tookMs = performance.now() - fromMs;
    await Promise.all([from.destroy(), to.destroy()]);
    return tookMs;
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
}

const PART_BYTES = 128 * 1_024;

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, (at += PART_BYTES)));
    },
  });
}

/** Payloads go from one cluster to another over a leaf node: the carrier's contract. */
import { encode, subjectsOf, type WireAnswer } from "@longshore/kernel";
import { blobsOf, type Connection, carrierOf, openBlobDoor, wireOf } from "@longshore/nats";
import type { MayRead } from "@longshore/testkit";
import { carrierContract } from "@longshore/testkit/contract";
import { HUB, twoClusters, WEST } from "./leaf.ts";
import { answerOf, SUITE, until } from "./world.ts";

/** Shorter than a router would wait, for the tests that cut the link. */
const PIECE_TIMEOUT_MS = 2_000;

/** Resolves when the other side knows that somebody listens. */
async function heard(asking: Connection): Promise<void> {
  const ask = (): Promise<WireAnswer> => answerOf((done) => wireOf(asking, WEST).request(subjectsOf(HUB).blobDoor(WEST), encode({}), 2_000, done));
  await until(async () => (await ask()).kind === "answer", "the door is heard of");
}

async function spoilOnce({ nc }: Connection, cluster: string, piece: string): Promise<void> {
  const found = await nc.request(`$JS.API.DIRECT.GET.LS_${cluster}_BLOBS.${piece}`);
  const data = Uint8Array.from(found.data);
  data[data.length - 1]! ^= 1;
  await nc.request(piece, data);
}

carrierContract(`a leaf node between two nats-servers of ${SUITE}`, async () => {
  const { as, cut, join } = await twoClusters("none");
  const [near, far] = [await as(WEST, "host"), await as(HUB, "host")];
  let close = (): void => undefined;
  const open = async (mayRead: MayRead): Promise<void> => {
    close();
    close = openBlobDoor(far, { cluster: HUB, mayRead });
    await heard(near);
  };
  return {
    near: { cluster: WEST, blobs: blobsOf(near, WEST), carrier: carrierOf(near, WEST, { pieceTimeoutMs: PIECE_TIMEOUT_MS }) },
    far: { cluster: HUB, blobs: blobsOf(far, HUB) },
    open, cut, join,
    spoil: (side, { principal, digest }) => (side === "near" ? spoilOnce(near, WEST, subjectsOf(WEST).blob(principal, digest, 1)) : spoilOnce(far, HUB, subjectsOf(HUB).blob(principal, digest, 1))),
    aged: () => carrierOf(near, WEST, { youngMs: 0 }),
  };
});

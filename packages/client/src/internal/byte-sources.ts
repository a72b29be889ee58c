/** Bytes on their way: what programs iterate as the store takes it, and what the store gives as programs iterate it. */
import type { ByteAnswer, ByteSource } from "@longshore/kernel";
import { PayloadError } from "../errors.ts";

/** Ends as `unavailable` when the iteration throws. */
export function sourceOf(parts: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = parts[Symbol.asyncIterator]();
  return {
    next: (done) => {
      void iterator.next().then(
        (step): ByteAnswer => (step.done === true ? { kind: "end" } : { kind: "bytes", bytes: step.value }),
        (error: unknown): ByteAnswer => ({ kind: "failed", cause: "unavailable", message: error instanceof Error ? error.message : String(error) }),
      ).then(done);
    },
    close: () => void iterator.return?.().catch(() => undefined),
  };
}

export async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/**
 * The parts of a source, checked to be as many bytes as were said; closed when the iteration ends, however it does.
 *
 * @throws {PayloadError} `payload/missing`, `payload/corrupt`, `payload/unavailable`.
 */
export async function* partsOf(source: ByteSource, what: string, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  try {
    for (;;) {
      const answer = await new Promise<ByteAnswer>((resolve) => source.next(resolve));
      if (answer.kind === "failed") throw new PayloadError(`payload/${answer.cause}`, `${what}: ${answer.message}`);
      if (answer.kind === "end") break;
      left -= answer.bytes.length;
      if (left < 0) break;
      yield answer.bytes;
    }
    if (left !== 0) throw new PayloadError("payload/corrupt", `${what}: it has ${left < 0 ? "more" : "fewer"} bytes than the ${bytes} that were said`);
  } finally {
    source.close();
  }
}

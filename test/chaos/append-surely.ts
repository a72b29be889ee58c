import type { AppendAnswer, Journal, LastAnswer } from "@longshore/kernel";

const answerOf = <T>(call: (done: (answer: T) => void) => void): Promise<T> => new Promise((resolve) => call(resolve));

/** Appends behind `expected` as a host does: after a doubt it looks, and goes on from what it finds. The commit's place. */
export async function appendSurely(to: Journal, data: Uint8Array, expected: number, withinMs = 120_000): Promise<number> {
  const deadlineMs = performance.now() + withinMs;
  while (performance.now() < deadlineMs) {
    const answer = await answerOf<AppendAnswer>((done) => to.append(data, expected, done));
    if (answer.kind === "stored") return answer.version;
    if (answer.kind === "stop") throw new Error(answer.cause);
    const last = await answerOf<LastAnswer>((done) => to.last(done));
    if (last.kind === "last" && last.commit !== undefined && last.commit.version > expected && Buffer.compare(last.commit.bytes, data) === 0) return last.commit.version;
  }
  throw new Error("not stored in time");
}

/** Messages that no honest client sends. */
import { encode } from "@longshore/kernel";

const POISONS: readonly (() => Uint8Array)[] = [
  () => new Uint8Array([0xdd, 0x01, 0xff, 0xff, 0xff]),
  () => new Uint8Array([0xc1]),
  () => encode({ submit: [[null, "mail/send", "no bytes", null]] }),
  () => encode({ submit: [{ topic: "no topic!", input: 1 }, 7, null] }),
  () => encode({ outcome: [[1, 1, 0, new Uint8Array([0xc0])], [2, 1, 99], ["x"]] }),
  () => encode({ join: [{ instance: "w1", incarnation: "forged", processors: 1, pools: [] }], nonsense: [1] }),
  () => encode({ session: "zz-short", first: -1, submit: [[null, "mail/send", new Uint8Array([0xc0]), null]] }),
  () => encode({ stopAll: [{}], suspend: [{ queue: "main" }], from: "far", first: 5 }),
];

export const poisonOf = (what: number): Uint8Array => POISONS[what % POISONS.length]!();

/** What moves payloads within a cluster and between two must do. Run by the twin and by the NATS adapter over a leaf node. */
import type { BlobCarrier, BlobName, BlobPut, BlobRef, BlobRemoval, Blobs, CarryAnswer } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import type { MayRead } from "../memory/carrier.ts";
import type { ContractWorld } from "./world.ts";
import { answerTo, noise, within } from "./world.ts";

export interface CarrierFixture extends ContractWorld {
  /** Where payloads are brought to. */
  readonly near: { readonly cluster: string; readonly blobs: Blobs; readonly carrier: BlobCarrier };
  readonly far: { readonly cluster: string; readonly blobs: Blobs };
  /** Opens the far cluster's door; resolves when it is heard of on the near side. */
  open(mayRead: MayRead): Promise<void> | void;
  /** Breaks the link; resolves when both sides know. */
  cut(): Promise<void> | void;
  join(): Promise<void> | void;
  /** Spoils one byte of a copy, or of what a broken try has left of it. */
  spoil(side: "near" | "far", name: BlobName): Promise<void> | void;
  /** The same carrier when everything in the near store has grown old. */
  aged(): BlobCarrier;
}

type Rule = (title: string, body: (fixture: CarrierFixture) => Promise<void>) => void;

const LONG = 3_500_000;
const [ALICE, BOB] = ["alice", "bob"] as const;
const HERE = { kind: "here", travelled: 0 } as const;

async function put(fixture: CarrierFixture, side: "near" | "far", principal = ALICE as string, bytes = noise(LONG, 5)): Promise<BlobRef> {
  const answer = await answerTo<BlobPut>(fixture, (done) => fixture[side].blobs.put(principal, bytes, done));
  if (answer.kind !== "stored") throw new Error(answer.message);
  return { principal, digest: answer.digest, bytes: bytes.length };
}

const check = (fixture: CarrierFixture, ref: BlobRef): Promise<CarryAnswer> => answerTo(fixture, (done) => fixture.near.carrier.check(ref, done));
const copy = (fixture: CarrierFixture, ref: BlobRef, to: string, carrier = fixture.near.carrier): Promise<CarryAnswer> => answerTo(fixture, (done) => carrier.copy(ref, to, done));
const bring = ({ near, far, ...fixture }: CarrierFixture, ref: BlobRef, to: string = BOB, cluster = far.cluster): Promise<CarryAnswer> => answerTo(fixture, (done) => near.carrier.bring(cluster, ref, to, done));
const isHere = async (fixture: CarrierFixture, { digest }: BlobRef, principal: string = BOB): Promise<boolean> => {
  const answer = await answerTo<Parameters<Parameters<Blobs["get"]>[2]>[0]>(fixture, (done) => fixture.near.blobs.get(principal, digest, done));
  return answer.kind === "found";
};
const names = (fixture: CarrierFixture): Promise<readonly BlobName[] | undefined> => answerTo(fixture, (done) => fixture.near.blobs.list(done));
const failure = (kind: "missing" | "corrupt" | "unreachable"): object => ({ kind: "failed", failure: { kind, message: expect.any(String) } });

/** Everything that is put far may be read by the near cluster. */
async function given(fixture: CarrierFixture, mayRead?: MayRead): Promise<BlobRef> {
  const ref = await put(fixture, "far");
  await fixture.open(mayRead ?? ((peer, digest) => (peer === fixture.near.cluster && digest === ref.digest ? ref : undefined)));
  return ref;
}

export function carrierContract(name: string, makeFixture: () => Promise<CarrierFixture> | CarrierFixture): void {
  const rule: Rule = (title, body) => {
    test(title, { timeout: 60_000 }, () => within(makeFixture(), body));
  };
  describe(`carrier, within a cluster: ${name}`, () => nearRules(rule));
  describe(`carrier, from another cluster: ${name}`, () => farRules(rule));
  describe(`carrier, when something goes wrong: ${name}`, () => faultRules(rule));
}

function nearRules(rule: Rule): void {
  rule("what lies here is here; of other bytes, and of another principal's, it is not", async (fixture) => {
    const ref = await put(fixture, "near");
    expect(await check(fixture, ref)).toEqual(HERE);
    expect(await check(fixture, { ...ref, principal: BOB })).toEqual(failure("missing"));
    expect(await check(fixture, { ...ref, bytes: 10 })).toEqual(failure("missing"));
  });

  rule("a copy under another principal stays when the first is removed", async (fixture) => {
    const ref = await put(fixture, "near");
    expect(await copy(fixture, ref, BOB)).toEqual(HERE);
    expect(await answerTo<boolean>(fixture, (done) => fixture.near.carrier.remove(ref, done))).toBe(true);
    expect([await isHere(fixture, ref), await isHere(fixture, ref, ALICE)]).toEqual([true, false]);
    expect(await copy(fixture, ref, BOB)).toEqual(HERE);
    expect(await copy(fixture, ref, "carol")).toEqual(failure("missing"));
  });

  rule("OFF-TRN-24 a copy is made of right bytes only", async (fixture) => {
    const ref = await put(fixture, "near");
    await fixture.spoil("near", ref);
    expect(await copy(fixture, ref, BOB)).toEqual(failure("corrupt"));
    expect(await isHere(fixture, ref)).toBe(false);
  });

  rule("an old copy is made again before it is relied on, so that a sweep which found it old leaves it", async (fixture) => {
    const ref = await put(fixture, "near");
    await copy(fixture, ref, BOB);
    const removal = (beforeMs: number): Promise<BlobRemoval> => answerTo(fixture, (done) => fixture.near.blobs.removeOlder({ ...ref, principal: BOB }, beforeMs, done));
    const before = await removal(1);
    if (before.kind !== "kept") throw new Error(before.kind);
    expect(await copy(fixture, ref, BOB)).toEqual(HERE);
    expect(await removal(1)).toEqual(before);
    const aged = fixture.aged();
    expect(await copy(fixture, ref, BOB, aged)).toEqual(HERE);
    expect((await removal(before.putAt + 1)).kind).toBe("kept");
    expect(await isHere(fixture, ref)).toBe(true);
  });
}

function farRules(rule: Rule): void {
  rule("OFF-TRN-02 a payload is brought, whole, under the principal that was wanted", async (fixture) => {
    const ref = await given(fixture);
    expect(await bring(fixture, ref)).toEqual({ kind: "here", travelled: LONG });
    expect(await names(fixture)).toEqual([{ principal: BOB, digest: ref.digest }]);
    expect(await isHere(fixture, ref)).toBe(true);
    expect(await bring(fixture, ref)).toEqual(HERE);
  });

  rule("a payload without a byte is brought too", async (fixture) => {
    const ref = await put(fixture, "far", ALICE, new Uint8Array(0));
    await fixture.open(() => ref);
    expect(await bring(fixture, ref)).toEqual(HERE);
    expect(await isHere(fixture, ref)).toBe(true);
  });

  rule("OFF-TRN-06 OFF-TRN-14 nothing travels when anybody here has the same bytes", async (fixture) => {
    const ref = await given(fixture);
    await put(fixture, "near", "carol");
    expect(await bring(fixture, ref)).toEqual(HERE);
    expect(await isHere(fixture, ref)).toBe(true);
  });

  rule("OFF-TRN-06 a payload that is wanted twice at a time travels once", async (fixture) => {
    const ref = await given(fixture);
    const answers = await Promise.all([bring(fixture, ref), bring(fixture, ref)]);
    expect(answers).toEqual([{ kind: "here", travelled: LONG }, HERE]);
  });

  rule("OFF-TRN-08 what is not there, and what is not given, is missing", async (fixture) => {
    const ref = await given(fixture, () => undefined);
    expect(await bring(fixture, ref)).toEqual(failure("missing"));
    await fixture.open(() => ({ ...ref, principal: "nobody" }));
    expect(await bring(fixture, ref)).toEqual(failure("missing"));
    expect(await isHere(fixture, ref)).toBe(false);
  });

  rule("OFF-CLN-08 nothing is left of what is removed, nor of a try that broke off", async (fixture) => {
    const ref = await given(fixture, limited(4, () => ref));
    expect(await bring(fixture, ref)).toEqual(failure("missing"));
    for (let i = 0; i < 2; i++) expect(await answerTo<boolean>(fixture, (done) => fixture.near.carrier.remove({ ...ref, principal: BOB }, done))).toBe(true);
    expect(await names(fixture)).toEqual([]);
    await fixture.open(() => ref);
    expect(await bring(fixture, ref)).toEqual({ kind: "here", travelled: LONG });
  });

  rule("OFF-CLN-08 what is removed while it is being brought is gone afterwards, and what is brought after a removal is there", async (fixture) => {
    const ref = await given(fixture);
    const remove = (): Promise<boolean> => answerTo(fixture, (done) => fixture.near.carrier.remove({ ...ref, principal: BOB }, done));
    expect(await Promise.all([bring(fixture, ref), remove()])).toEqual([{ kind: "here", travelled: LONG }, true]);
    expect(await names(fixture)).toEqual([]);
    await bring(fixture, ref);
    expect(await Promise.all([remove(), bring(fixture, ref)])).toEqual([true, { kind: "here", travelled: LONG }]);
    expect(await isHere(fixture, ref)).toBe(true);
  });
}

/** Allows so many questions. */
function limited(questions: number, ref: () => BlobRef): MayRead {
  let left = questions;
  return () => (left-- > 0 ? ref() : undefined);
}

function faultRules(rule: Rule): void {
  rule("OFF-TRN-24 bytes that do not have their digest are corrupt, and are not there afterwards", async (fixture) => {
    const ref = await given(fixture);
    await fixture.spoil("far", ref);
    expect(await bring(fixture, ref)).toEqual(failure("corrupt"));
    expect(await isHere(fixture, ref)).toBe(false);
    // Spoiling the same byte again mends it.
    await fixture.spoil("far", ref);
    expect((await bring(fixture, ref)).kind).toBe("here");
    expect(await isHere(fixture, ref)).toBe(true);
  });

  rule("OFF-TRN-24 bytes of another length than was said are corrupt", async (fixture) => {
    const ref = await given(fixture);
    expect(await bring(fixture, { ...ref, bytes: LONG - 1 })).toEqual(failure("corrupt"));
    expect(await bring(fixture, { ...ref, bytes: LONG + 1 })).toEqual(failure("corrupt"));
  });

  rule("OFF-TRN-19 a cluster that is not there, or has no door open, is unreachable", async (fixture) => {
    const ref = await put(fixture, "far");
    expect(await bring(fixture, ref)).toEqual(failure("unreachable"));
    expect(await bring(fixture, ref, BOB, "nowhere")).toEqual(failure("unreachable"));
  });

  rule("OFF-TRN-19 while the link is down it is unreachable; when it is back it is brought", async (fixture) => {
    const ref = await given(fixture);
    await fixture.cut();
    expect(await bring(fixture, ref)).toEqual(failure("unreachable"));
    await fixture.join();
    await fixture.open(() => ref);
    expect(await bring(fixture, ref)).toEqual({ kind: "here", travelled: LONG });
  });

  rule("OFF-TRN-25 what came before a try broke off does not travel again", async (fixture) => {
    const ref = await given(fixture, limited(8, () => ref));
    expect(await bring(fixture, ref)).toEqual(failure("missing"));
    expect(await isHere(fixture, ref)).toBe(false);
    await fixture.open(() => ref);
    const answer = await bring(fixture, ref);
    if (answer.kind !== "here") throw new Error(answer.failure.message);
    expect(answer.travelled).toBeGreaterThan(0);
    expect(answer.travelled).toBeLessThan(LONG - 200_000);
    expect(await isHere(fixture, ref)).toBe(true);
  });

  rule("OFF-TRN-25 what came before and was spoiled since travels once more", async (fixture) => {
    const ref = await given(fixture, limited(8, () => ref));
    await bring(fixture, ref);
    await fixture.spoil("near", { ...ref, principal: BOB });
    await fixture.open(() => ref);
    expect((await bring(fixture, ref)).kind).toBe("here");
    expect(await isHere(fixture, ref)).toBe(true);
  });

  rule("a spoiled copy of somebody here is no reason not to bring it", async (fixture) => {
    const ref = await given(fixture);
    await fixture.spoil("near", await put(fixture, "near", "carol"));
    expect((await bring(fixture, ref)).kind).toBe("here");
    expect(await isHere(fixture, ref)).toBe(true);
  });
}

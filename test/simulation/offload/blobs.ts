/** Blob stores of all clusters, and whoever moves bytes between them: one move at a time per cluster, as often as it takes. */
import type { FailureKind, Move } from "@longshore/offload-router";
import { GUEST_BLOBS, IMPORTED_BLOBS } from "@longshore/offload-router";
import type { Random } from "@longshore/testkit/simulation";

export interface BlobFaults {
  /** Bytes that arrive otherwise than they were sent. */
  readonly corruption: number;
}

type Failure = { readonly kind: FailureKind; readonly message: string } | undefined;

export class BlobStores {
  /** By cluster: principal and digest of what is there. */
  private readonly stores = new Map<string, Map<string, "good" | "corrupt">>();
  private readonly putAt = new Map<string, number>();
  /** The instant of what is put. */
  at = 0;

  private store(cluster: string): Map<string, "good" | "corrupt"> {
    const store = this.stores.get(cluster) ?? new Map<string, "good" | "corrupt">();
    this.stores.set(cluster, store);
    return store;
  }

  put(cluster: string, principal: string, digest: string, how: "good" | "corrupt" = "good"): void {
    this.store(cluster).set(`${principal}/${digest}`, how);
    this.putAt.set(`${cluster} ${principal}/${digest}`, this.at);
  }

  remove(cluster: string, principal: string, digest: string): void {
    this.store(cluster).delete(`${principal}/${digest}`);
  }

  isGood(cluster: string, principal: string, digest: string): boolean {
    return this.store(cluster).get(`${principal}/${digest}`) === "good";
  }

  /** What was put last before an instant. */
  olderThan(cluster: string, at: number): readonly { readonly principal: string; readonly digest: string }[] {
    return [...this.store(cluster).keys()].filter((key) => (this.putAt.get(`${cluster} ${key}`) ?? 0) < at).map((key) => {
      const [principal, digest] = key.split("/") as [string, string];
      return { principal, digest };
    });
  }

  /** Digests under a principal. */
  under(cluster: string, principal: string): readonly string[] {
    return [...this.store(cluster).keys()].filter((key) => key.startsWith(`${principal}/`)).map((key) => key.slice(principal.length + 1));
  }

  /** One step of a trip or a guest, all blobs or none: what is there already is not brought again. */
  move(own: string, { step, cluster, blobs, digests }: Move, isLinked: boolean, random: Random, { corruption }: BlobFaults): Failure {
    if (step === "remove") {
      for (const digest of digests) this.remove(own, GUEST_BLOBS, digest);
      return undefined;
    }
    for (const { name, principal, digest } of blobs) {
      const failure = step === "stage" || step === "collect" ? this.check(own, principal, digest, name) : this.bring(own, cluster, principal, digest, name, step, isLinked, random, corruption);
      if (failure !== undefined) return failure;
      if (step === "collect") this.put(own, GUEST_BLOBS, digest);
    }
    return undefined;
  }

  private check(cluster: string, principal: string, digest: string, name: string): Failure {
    const found = this.store(cluster).get(`${principal}/${digest}`);
    if (found === "good") return undefined;
    return { kind: found === undefined ? "missing" : "corrupt", message: `${name} in ${cluster}` };
  }

  private bring(own: string, from: string, principal: string, digest: string, name: string, step: string, isLinked: boolean, random: Random, corruption: number): Failure {
    const keeper = step === "fetch" ? GUEST_BLOBS : IMPORTED_BLOBS;
    if (this.isGood(own, keeper, digest)) return undefined;
    if (!isLinked) return { kind: "unreachable", message: `no link to ${from}` };
    const failure = this.check(from, principal, digest, name);
    if (failure !== undefined) return failure;
    if (random.chance(corruption)) return { kind: "corrupt", message: `${name} on the way from ${from}` };
    this.put(own, keeper, digest);
    return undefined;
  }
}

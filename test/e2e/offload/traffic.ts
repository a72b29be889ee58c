/** An adder of jobs with a named input, which keeps a log of what it was told, and looks at what came home. */
import { createCipheriv, createHash } from "node:crypto";
import { type JobHandle, type Longshore, OutcomeUnknown, PayloadError, Unavailable } from "longshore";
import { until } from "../faults/world.ts";
import { INPUT, OUTPUT, TOPIC } from "./flip.ts";

/** One add, as its client saw it. */
export interface Added {
  readonly key: string;
  /** Of what is to come home. */
  readonly digest: string;
  /** Once it was resolved. */
  id: string | undefined;
  isHome: boolean;
}

export interface TrafficOptions {
  /** Begins the key of each job. */
  readonly name: string;
  /** Where the jobs are added. */
  readonly cluster: string;
  readonly jobs: number;
  /** Of each input. */
  readonly bytes: number;
  /** Jobs on their way at a time. */
  readonly open: number;
  readonly topic?: string;
}

const AGAIN_AFTER_MS = 200;

/** The same bytes for the same key, and as good as random. */
export function bytesOf(key: string, length: number): Buffer {
  const secret = createHash("md5").update(key).digest();
  return createCipheriv("aes-128-ctr", secret, Buffer.alloc(16)).update(Buffer.alloc(length));
}

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export class Traffic {
  readonly adds: Added[] = [];
  readonly wrong: string[] = [];
  readonly name: string;
  readonly cluster: string;
  private readonly ls: Longshore;
  private readonly options: TrafficOptions;
  private readonly adders: readonly Promise<void>[];
  private next = 0;

  private constructor(ls: Longshore, options: TrafficOptions) {
    this.ls = ls;
    this.options = options;
    this.name = options.name;
    this.cluster = options.cluster;
    this.adders = Array.from({ length: options.open }, () => this.loop());
  }

  static start(ls: Longshore, options: TrafficOptions): Traffic {
    return new Traffic(ls, options);
  }

  /** Jobs whose output has come home and is what it should be. */
  get home(): number {
    return this.adds.filter(({ isHome }) => isHome).length;
  }

  get resolved(): number {
    return this.adds.filter(({ id }) => id !== undefined).length;
  }

  /** Waits until so many are home. */
  async isHome(count: number, withinMs: number): Promise<void> {
    await until(`${count} jobs of ${this.name} are home, ${this.home} were at first`, () => this.home >= count || this.wrong.length > 0, withinMs);
  }

  /** Waits until all are home. */
  async rest(withinMs: number): Promise<void> {
    await this.isHome(this.options.jobs, withinMs).catch((error: Error) => this.wrong.push(`${error.message}; missing: ${this.adds.filter(({ isHome }) => !isHome).map(({ key }) => key).join(" ")}`));
    if (this.wrong.length === 0) await Promise.all(this.adders);
  }

  private async loop(): Promise<void> {
    const { jobs } = this.options;
    while (this.next < jobs && this.wrong.length === 0) await this.one(`${this.name}${++this.next}`);
  }

  private async one(key: string): Promise<void> {
    const bytes = bytesOf(key, this.options.bytes);
    const added: Added = { key, digest: digestOf(bytes.map((byte) => byte ^ 0xff)), id: undefined, isHome: false };
    this.adds.push(added);
    const handle = await this.again(() => this.add(key, bytes));
    if (handle === undefined) return;
    added.id = handle.id;
    const digest = await this.again(async () => {
      await handle.result();
      return digestOf(await this.outputOf(handle));
    });
    if (digest === undefined) return;
    added.isHome = digest === added.digest;
    if (!added.isHome) this.wrong.push(`${key} (${handle.id}) came home as ${digest}, not ${added.digest}`);
  }

  /** With an id of its own, so that it may be added again when nobody knows whether it was. */
  private add(key: string, bytes: Buffer): Promise<JobHandle> {
    return this.ls.add(this.options.topic ?? TOPIC, { key }, { id: key, retries: 10, retryDelayMs: 100, inputs: { [INPUT]: bytes } });
  }

  private async outputOf(handle: JobHandle): Promise<Uint8Array> {
    const file = (await handle.outputs()).get(OUTPUT);
    if (file === undefined) throw new Error(`job ${handle.id} has left no file "${OUTPUT}"`);
    return file.read();
  }

  /** What cannot be done now is done later; what is refused, or has failed, is wrong. */
  private async again<T>(call: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (isFinal(error)) {
          this.wrong.push(`${this.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
          return undefined;
        }
        if (this.wrong.length > 0) return undefined;
        await new Promise((next) => setTimeout(next, AGAIN_AFTER_MS));
      }
    }
  }
}

const isFinal = (error: unknown): boolean =>
  !(error instanceof Unavailable || error instanceof OutcomeUnknown || (error instanceof PayloadError && error.code === "payload/unavailable"));

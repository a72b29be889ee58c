/** The files that one attempt leaves. */
import type { NamedBlob, NamedBlobWire } from "@longshore/job-queue";
import { INPUT_LIMITS, namedBlobToWire } from "@longshore/job-queue";
import { InvalidOption } from "./errors.ts";
import type { FileSource } from "./files.ts";
import { checkFileName, type Files } from "./files.ts";
import type { JobFile } from "./job-file.ts";

export interface Outputs {
  /**
   * Stores a file under a name; under one that was given before it takes the place of that one. What the job was added with may be
   * given as it is: its bytes do not move. Its end is waited for before the attempt ends.
   *
   * @throws {InvalidOption} @throws {PayloadError} when it cannot be stored; what the source throws; the attempt's signal's reason.
   */
  put(name: string, source: FileSource): Promise<JobFile>;
}

export class AttemptOutputs implements Outputs {
  private readonly files: Files;
  private readonly inputs: readonly NamedBlobWire[];
  private readonly signal: AbortSignal;
  private readonly stored = new Map<string, NamedBlob>();
  private readonly storing = new Set<Promise<unknown>>();
  private stopKeeping: (() => void) | undefined;
  private isClosed = false;

  constructor(files: Files, inputs: readonly NamedBlobWire[] | undefined, signal: AbortSignal) {
    this.files = files;
    this.inputs = inputs ?? [];
    this.signal = signal;
  }

  has(name: string): boolean {
    return this.stored.has(name);
  }

  put(name: string, source: FileSource): Promise<JobFile> {
    const storing = this.store(name, source);
    this.storing.add(storing);
    storing.finally(() => this.storing.delete(storing)).catch(() => undefined);
    return storing;
  }

  /** Waits for what the handler did not wait for. @throws what became of it. */
  async complete(): Promise<void> {
    while (this.storing.size > 0) await Promise.all(this.storing);
  }

  /** Nothing more is taken; what was stored, undefined when nothing was. */
  close(): readonly NamedBlobWire[] | undefined {
    this.isClosed = true;
    this.stopKeeping?.();
    return this.stored.size === 0 ? undefined : [...this.stored.values()].map(namedBlobToWire);
  }

  private async store(name: string, source: FileSource): Promise<JobFile> {
    checkFileName("name", name);
    this.checkRoom(name);
    const blob = await this.files.store(name, name, source, { signal: this.signal, isNamed: (given) => this.isInput(given) });
    this.checkRoom(name);
    this.stored.set(name, blob);
    this.stopKeeping ??= this.files.keepYoung(() => this.stored.values());
    return this.files.one(blob);
  }

  private checkRoom(name: string): void {
    if (this.isClosed) throw new InvalidOption("name", `"${name}" comes too late: the attempt is over`);
    if (!this.stored.has(name) && this.stored.size >= INPUT_LIMITS.blobsMax) throw new InvalidOption("name", `"${name}" is one too many: a job leaves at most ${INPUT_LIMITS.blobsMax} files`);
  }

  /** The job that runs names it until its end, and its end names it from then on. */
  private isInput({ principal, digest }: NamedBlob): boolean {
    return this.inputs.some(([, whose, given]) => whose === principal && given === digest);
  }
}

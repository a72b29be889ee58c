/** A promise that a test settles at a moment of its own, without turns of the event loop in between. */
export class Later implements PromiseLike<undefined> {
  private readonly waiting: { readonly resolve: () => void; readonly reject: (reason: unknown) => void }[] = [];

  // biome-ignore lint/suspicious/noThenProperty: to stand in for a promise is what it is for.
  then<R = undefined, E = never>(resolved?: ((value: undefined) => R | PromiseLike<R>) | null, rejected?: ((reason: unknown) => E | PromiseLike<E>) | null): PromiseLike<R | E> {
    this.waiting.push({ resolve: () => void resolved?.(undefined), reject: (reason) => void rejected?.(reason) });
    return this as unknown as PromiseLike<R | E>;
  }

  resolve(): void {
    for (const { resolve } of this.waiting) resolve();
  }

  reject(reason: unknown): void {
    for (const { reject } of this.waiting) reject(reason);
  }
}

/** The newest epoch of an actor that anybody here has heard of. What a host of an older one says does not count. */
export class Epochs {
  private newest = 0;
  private readonly listeners = new Set<(epoch: number) => void>();

  get current(): number {
    return this.newest;
  }

  /** False when the epoch is older than one already heard of. */
  heard(epoch: number): boolean {
    if (epoch <= this.newest) return epoch === this.newest;
    this.newest = epoch;
    for (const listener of [...this.listeners]) listener(epoch);
    return true;
  }

  /** Calls back at each newer epoch. Returns a way to stop. */
  onNewer(listener: (epoch: number) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** What is to run when a signal aborts. A signal is listened to once, however many calls were given it: Node warns of leaks from the eleventh on. */
const onAborts = new WeakMap<AbortSignal, Set<() => void>>();

/** Returns a way to stop listening. */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal === undefined) return () => undefined;
  // The same function may be given twice.
  const own = (): void => run();
  runsOn(signal).add(own);
  return () => void onAborts.get(signal)?.delete(own);
}

function runsOn(signal: AbortSignal): Set<() => void> {
  let runs = onAborts.get(signal);
  if (runs !== undefined) return runs;
  runs = new Set();
  onAborts.set(signal, runs);
  const all = runs;
  signal.addEventListener("abort", () => {
    onAborts.delete(signal);
    for (const run of all) run();
  }, { once: true });
  return runs;
}

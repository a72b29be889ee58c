/** What the demo's host and workers have in common: they say when they are ready, and end with their starter. */

/** Runs `start`, says so, and runs what it answers when it is time to end. */
export async function serve(start: () => Promise<() => Promise<void>>): Promise<void> {
  // Ctrl-C reaches every process of a terminal; the starter stops us in order.
  process.on("SIGINT", () => undefined);
  process.on("disconnect", () => process.exit(1));
  const stop = await start();
  process.once("SIGTERM", () => void stop().finally(() => process.exit(0)));
  process.send?.("ready");
}

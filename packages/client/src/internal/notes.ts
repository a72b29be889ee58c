/** What running attempts say beside their end, gathered for one message. */
import type { Attempt, Notes } from "./attempt.ts";

/**
 * Takes what attempts have to say into a message's verbs, up to about `bytesMax`; what does not fit stays for the next.
 * Returns the number of items.
 */
export function takeNotes(noted: Set<Attempt>, map: Record<string, unknown[]>, bytesMax: number): number {
  let items = 0;
  let bytes = 0;
  for (const attempt of noted) {
    if (bytes >= bytesMax) break;
    noted.delete(attempt);
    const { notes } = attempt;
    if (notes === undefined) continue;
    attempt.notes = undefined;
    for (const [verb, item, size] of itemsOf(attempt, notes)) {
      (map[verb] ??= []).push(item);
      items++;
      bytes += size;
    }
  }
  return items;
}

function* itemsOf({ job, number }: Attempt, notes: Notes): Generator<readonly [verb: string, item: readonly unknown[], bytes: number]> {
  const { progress, log, droppedLines, properties, extend } = notes;
  if (progress !== undefined) yield ["progress", [job, number, ...progress], 40 + 3 * (progress[1]?.length ?? 0)];
  if (log.length > 0) {
    const lines = droppedLines === 0 ? log : [...log, `… ${droppedLines} lines left out: they came faster than they could be sent`];
    yield ["log", [job, number, lines], lines.reduce((sum, line) => sum + 3 * line.length, 40)];
  }
  if (properties !== undefined) for (const [name, value] of properties) yield ["property", [job, number, name, value], 40 + 3 * name.length + 3 * String(value).length];
  if (extend) yield ["extend", [job, number], 20];
}

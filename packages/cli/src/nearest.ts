/** The word somebody probably meant. */

/** Edits (insert, delete, replace, swap of neighbors) between two words. After Damerau. */
function editDistance(from: string, to: string): number {
  const rows: number[][] = Array.from({ length: from.length + 1 }, (_, i) => [i]);
  for (let j = 0; j <= to.length; j++) rows[0]![j] = j;
  for (let i = 1; i <= from.length; i++) {
    for (let j = 1; j <= to.length; j++) {
      const cost = from[i - 1] === to[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      rows[i]![j] = best;
    }
  }
  return rows[from.length]![to.length]!;
}

/** The nearest of `words`, a longer word that begins like it first; undefined when none is near. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const begins = word.length >= 2 ? words.filter((other) => other.startsWith(word)) : [];
  if (begins.length > 0) return begins.sort((a, b) => a.length - b.length)[0];
  const ranked = words.map((other) => ({ other, distance: editDistance(word, other) })).sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.other : undefined;
}

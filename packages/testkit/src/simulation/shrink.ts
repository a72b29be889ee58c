/**
 * Makes a failing list smaller: first halves, then quarters, down to single items (ddmin), each kept out if what is left
 * still fails.
 */
export function smallest<Item>(items: readonly Item[], fails: (items: readonly Item[]) => boolean, triesMax = 500): readonly Item[] {
  let left = items;
  let parts = 2;
  let tries = 0;
  while (left.length >= 1 && tries < triesMax) {
    const size = Math.ceil(left.length / parts);
    let isSmaller = false;
    for (let at = 0; at < left.length && tries < triesMax; at += size) {
      const candidate = [...left.slice(0, at), ...left.slice(at + size)];
      tries++;
      if (!fails(candidate)) continue;
      left = candidate;
      parts = Math.max(2, parts - 1);
      isSmaller = true;
      break;
    }
    if (isSmaller) continue;
    if (size === 1) break;
    parts = Math.min(left.length, parts * 2);
  }
  return left;
}

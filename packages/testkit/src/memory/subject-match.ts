/** Subject patterns as NATS reads them: `*` stands for one token, `>` at the end for one or more. */

const hasWildcard = (pattern: string): boolean => pattern.includes("*") || pattern.includes(">");

/** Makes a test for subjects from a pattern. */
export function matcher(pattern: string): (subject: string) => boolean {
  if (!hasWildcard(pattern)) return (subject) => subject === pattern;
  const tokens = pattern.split(".");
  if (tokens.at(-1) === ">" && !tokens.slice(0, -1).includes("*")) {
    const prefix = pattern.slice(0, -1);
    return (subject) => subject.length > prefix.length && subject.startsWith(prefix);
  }
  return (subject) => matches(tokens, subject.split("."));
}

function matches(pattern: readonly string[], subject: readonly string[]): boolean {
  for (const [i, token] of pattern.entries()) {
    if (token === ">") return subject.length > i;
    if (i >= subject.length || (token !== "*" && token !== subject[i])) return false;
  }
  return subject.length === pattern.length;
}

export const subjectMatches = (pattern: string, subject: string): boolean => matcher(pattern)(subject);

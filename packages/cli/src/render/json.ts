/** Values as JSON: bytes in base64, integers beyond 2^53 as text, dates as ISO. */

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Map) return Object.fromEntries(value as Map<string, unknown>);
  if (value instanceof Set) return [...(value as Set<unknown>)];
  return value;
}

/** Typed arrays would become maps of numbers; `toJSON` of Buffer comes before any replacer. */
function withoutBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (typeof value !== "object" || value === null || value instanceof Date || value instanceof Map || value instanceof Set) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutBytes(inner)]));
}

export const toJson = (value: unknown, indent?: number): string => JSON.stringify(withoutBytes(value), plain, indent) ?? "null";

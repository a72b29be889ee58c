/**
 * The look at a JSON text before `JSON.parse`: depth, elements, keys, numbers and texts that other programs would read
 * differently. Syntax is the parser's work.
 */
import type { ScanLimits } from "./limits.ts";
import { SCAN_LIMITS } from "./limits.ts";
import type { ScanAnswer } from "./scan.ts";
import { PROTOTYPE_KEYS } from "./scan.ts";
import { isWellFormed } from "./utf8.ts";

export function scanJson(text: string, limits: ScanLimits = SCAN_LIMITS): ScanAnswer {
  if (text.length > limits.bytesMax) return `longer than ${limits.bytesMax} bytes`;
  return new JsonScan(text, limits).run();
}

class JsonScan {
  private readonly text: string;
  private readonly limits: ScanLimits;
  /** Per open container: the keys seen so far; undefined for a list. */
  private readonly open: (Set<string> | undefined)[] = [];
  private elements = 0;
  private at = 0;

  constructor(text: string, limits: ScanLimits) {
    this.text = text;
    this.limits = limits;
  }

  run(): ScanAnswer {
    for (; this.at < this.text.length; this.at++) {
      const problem = this.look(this.text[this.at]!);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  private look(char: string): ScanAnswer {
    switch (char) {
      case "{": case "[": return this.enter(char === "{" ? new Set() : undefined);
      case "}": case "]":
        this.open.pop();
        return undefined;
      case ",": return ++this.elements > this.limits.elementsMax ? `has more than ${this.limits.elementsMax} elements` : undefined;
      case '"': return this.string();
      case "-": case "0": case "1": case "2": case "3": case "4": case "5": case "6": case "7": case "8": case "9": return this.number();
      default: return undefined;
    }
  }

  private enter(keys: Set<string> | undefined): ScanAnswer {
    if (this.open.length >= this.limits.depthMax) return `is nested deeper than ${this.limits.depthMax}`;
    this.open.push(keys);
    return undefined;
  }

  /** Leaves `at` on the closing quote. */
  private string(): ScanAnswer {
    const { text, at: start } = this;
    let hasEscape = false;
    let end = start + 1;
    for (; end < text.length && text[end] !== '"'; end++) {
      if (text[end] !== "\\") continue;
      hasEscape = true;
      end++;
    }
    if (end >= text.length) return "ends in the middle of a text";
    this.at = end;
    const isKey = this.isKeyAt(end);
    if (isKey && end - start > this.limits.keyBytesMax + 2) return `has a key longer than ${this.limits.keyBytesMax} bytes`;
    let value = text.slice(start + 1, end);
    if (hasEscape) {
      try {
        value = JSON.parse(text.slice(start, end + 1)) as string;
      } catch {
        return "has a text that is not valid JSON";
      }
      if (!isWellFormed(value)) return "has half a surrogate pair";
    }
    return isKey ? this.key(value) : undefined;
  }

  private isKeyAt(end: number): boolean {
    for (let at = end + 1; at < this.text.length; at++) {
      const code = this.text.charCodeAt(at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return code === 58;
    }
    return false;
  }

  private key(key: string): ScanAnswer {
    if (PROTOTYPE_KEYS.has(key)) return "has a key that touches prototypes";
    const seen = this.open.at(-1);
    if (seen?.has(key) === true) return "has a key twice";
    seen?.add(key);
    return undefined;
  }

  /** Leaves `at` on the number's last character. */
  private number(): ScanAnswer {
    const { text, at: start } = this;
    let end = start + 1;
    while (end < text.length && isNumberChar(text.charCodeAt(end))) end++;
    this.at = end - 1;
    const token = text.slice(start, end);
    const value = Number(token);
    if (Object.is(value, -0)) return "has −0";
    if (Math.abs(value) === Infinity) return "has a number beyond all bounds";
    return /^-?\d+$/.test(token) && Math.abs(value) > Number.MAX_SAFE_INTEGER ? "has an integer beyond 2^53" : undefined;
  }
}

const isNumberChar = (code: number): boolean => (code >= 48 && code <= 57) || code === 43 || code === 45 || code === 46 || code === 69 || code === 101;

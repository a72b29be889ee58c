/** Colors, where the screen has them. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

const colored = (code: number) => (text: string): string => `\u001b[${code}m${text}\u001b[0m`;
const plain = (text: string): string => text;

const PLAIN: Paint = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain, cyan: plain };
const COLORED: Paint = {
  bold: colored(CODES.bold), dim: colored(CODES.dim), red: colored(CODES.red),
  green: colored(CODES.green), yellow: colored(CODES.yellow), cyan: colored(CODES.cyan),
};

export const paintOf = (screen: { readonly isColored: boolean }): Paint => (screen.isColored ? COLORED : PLAIN);

/** The color of a job state, one everywhere. */
export function paintState(paint: Paint, state: string): string {
  switch (state) {
    case "succeeded": return paint.green(state);
    case "active": return paint.cyan(state);
    case "queued": return state;
    case "given-up": case "error": case "dropped": return paint.red(state);
    default: return paint.yellow(state);
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what an escape sequence begins with.
const ESCAPES = /\u001b\[\d+m/g;

/** Characters on the screen, escape sequences left out. */
export const widthOf = (text: string): number => [...text.replace(ESCAPES, "")].length;

// biome-ignore lint/suspicious/noControlCharactersInRegex: text of others must not move the cursor.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Text that somebody else wrote, made harmless for a terminal: control characters are shown, not obeyed. */
export const harmless = (text: string): string => text.replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

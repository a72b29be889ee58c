/** Tables for people: columns two spaces apart, no lines, numbers on the right. */
import type { Screen } from "../io.ts";
import { type Paint, paintOf, widthOf } from "./paint.ts";

export interface Column<Row> {
  readonly head: string;
  /** The head is somebody's name, and shown as it is. */
  readonly isName?: boolean;
  readonly cell: (row: Row, paint: Paint) => string;
  readonly align?: "right";
  /** May be cut when the screen is too narrow; the widest such column gives way first. */
  readonly shrinks?: boolean;
}

const GAP = "  ";
const NARROWEST = 8;

/** One line per row behind a head line. On a pipe nothing is cut. */
export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], screen: Screen): string {
  const paint = paintOf(screen);
  const cells = rows.map((row) => columns.map((column) => column.cell(row, paint).replaceAll("\n", " ")));
  const heads = columns.map(({ head, isName }) => (isName === true ? head : head.toUpperCase()));
  const widths = heads.map((head, i) => Math.max(widthOf(head), ...cells.map((row) => widthOf(row[i] ?? ""))));
  if (screen.isTerminal) shrink(widths, columns, screen.columns);
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => pad(cut(cell, widths[i] ?? 0), widths[i] ?? 0, columns[i]?.align === "right")).join(GAP).trimEnd();
  return [paint.dim(line(heads)), ...cells.map(line)].map((text) => `${text}\n`).join("");
}

function shrink(widths: number[], columns: readonly { readonly shrinks?: boolean }[], screenColumns: number): void {
  const total = (): number => widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
  while (total() > screenColumns) {
    let widest = -1;
    for (const [i, width] of widths.entries()) if (columns[i]?.shrinks === true && width > NARROWEST && width > (widths[widest] ?? 0)) widest = i;
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

function pad(text: string, width: number, isRight: boolean): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return isRight ? space + text : text + space;
}

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  // A painted cell is not cut in the middle of its paint: the color is dropped.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what an escape sequence begins with.
  return `${[...text.replace(/\u001b\[\d+m/g, "")].slice(0, Math.max(0, width - 1)).join("")}…`;
}

/** `name  value` lines; undefined values are left out. */
export function renderFields(fields: readonly (readonly [name: string, value: string | undefined])[], screen: Screen): string {
  const paint = paintOf(screen);
  const shown = fields.filter((field): field is readonly [string, string] => field[1] !== undefined);
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${paint.dim(name.padEnd(width))}  ${value}\n`).join("");
}

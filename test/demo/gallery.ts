/** A page of all thumbnails, in the order of their colors. */
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ImageFacts } from "./thumbnail.ts";

export interface Picture extends ImageFacts {
  readonly file: string;
}

export async function writeGallery(folder: string, pictures: readonly Picture[]): Promise<string> {
  const path = join(folder, "index.html");
  const figures = [...pictures].sort((a, b) => hue(a.color) - hue(b.color)).map(figure);
  await writeFile(path, `<!doctype html><meta charset="utf-8"><title>Longshore demo</title><style>${STYLE}</style>\n${figures.join("\n")}\n`);
  return path;
}

const STYLE = `body { display: flex; flex-wrap: wrap; gap: 4px; margin: 16px; background: #fff }
img { width: 80px; height: 80px; object-fit: contain; border-bottom: 6px solid; background: #f4f4f4 }`;

const figure = (picture: Picture): string =>
  `<img src="${escaped(basename(picture.thumbnail))}" style="border-color: ${picture.color}" title="${escaped(picture.file)}: ${picture.format}, ${picture.width} × ${picture.height}" alt="">`;

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

/** Where a color stands on the wheel, in turns; greys come first, darkest in front. */
function hue(color: string): number {
  const [r = 0, g = 0, b = 0] = (color.match(/\d+/g) ?? []).map((part) => Number(part) / 255);
  const max = Math.max(r, g, b);
  const span = max - Math.min(r, g, b);
  if (span < 0.1) return max - 2;
  if (max === r) return (((g - b) / span + 6) % 6) / 6;
  return max === g ? ((b - r) / span + 2) / 6 : ((r - g) / span + 4) / 6;
}

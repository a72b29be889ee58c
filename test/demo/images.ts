/** Finds image files to work on: in the folders given, or wherever a machine usually keeps some. */
import { type Dirent, existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { extname, join } from "node:path";

const EXTENSIONS = new Set([".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"]);
/** The search ends here; a disk may hold millions. */
const FOUND_MAX = 20_000;

/** Where installed programs and people keep images. */
export function usualFolders(root: string): readonly string[] {
  const folders = [join(homedir(), "Pictures"), "/usr/share", "/usr/local/share", "/usr/lib", "/System/Library/Desktop Pictures", "/Library", join(root, "node_modules")];
  return folders.filter((folder) => existsSync(folder));
}

/** All image files in and below these folders, by name. Links are not followed, closed folders are passed over. */
export async function findImages(folders: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  const waiting = [...folders].reverse();
  for (let folder = waiting.pop(); folder !== undefined && found.size < FOUND_MAX; folder = waiting.pop()) {
    const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      else if (entry.isFile() && EXTENSIONS.has(extname(entry.name).toLowerCase())) found.add(path);
    }
  }
  return [...found].sort();
}

/** At most `count` of them, every kind of file having its share, spread over the whole list. */
export function mixed(files: readonly string[], count: number): readonly string[] {
  const kinds = grouped(files);
  const rarestFirst = [...kinds.values()].sort((a, b) => a.length - b.length);
  const taken: string[] = [];
  rarestFirst.forEach((kind, i) => {
    const share = Math.min(kind.length, Math.floor((count - taken.length) / (rarestFirst.length - i)));
    for (let n = 0; n < share; n++) taken.push(kind[Math.floor((n * kind.length) / share)]!);
  });
  return taken.sort();
}

const kindOf = (file: string): string => extname(file).toLowerCase().replace("jpeg", "jpg");

function grouped(files: readonly string[]): Map<string, string[]> {
  const kinds = new Map<string, string[]>();
  for (const file of files) {
    const kind = kinds.get(kindOf(file));
    if (kind === undefined) kinds.set(kindOf(file), [file]);
    else kind.push(file);
  }
  return kinds;
}

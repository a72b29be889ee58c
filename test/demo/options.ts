/** What may stand on the command line of the demo. */

export interface Options {
  readonly folders: readonly string[];
  readonly workers: number;
  /** Processes that host and work, in place of a host and workers; 0: none. */
  readonly instances: number;
  /** Images taken at most where no folder was named. */
  readonly files: number;
  readonly crash: boolean;
  /** Over two clusters. */
  readonly offload: boolean;
  readonly keep: boolean;
}

export const USAGE = `npm run demo -- [folder …] [options]

Makes thumbnails of the images in these folders, or of some that this machine has.

  --workers <n>    worker processes; 2 when absent
  --files <n>      images at most; 300 when absent, all when a folder is named
  --crash          kill the host and a worker with SIGKILL on the way, start them again, and count
  --instances <n>  n processes that each may host and work, and see each other; the one that hosts is killed on the way
  --offload        two clusters: jobs are added in one with their images, done in the other, and the thumbnails come home
  --keep           leave NATS and the host running afterwards, until Ctrl-C
`;

const FILES = 300;

/** @throws {Error} that says what is wrong on the command line. */
export function readOptions(args: readonly string[]): Options | "help" {
  const left = [...args];
  const folders: string[] = [];
  const flags = new Set<string>();
  const values = new Map<string, string>();
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    const [name = "", inline] = arg.split(/=(.*)/s);
    if (name === "--help" || name === "-h") return "help";
    if (name === "--crash" || name === "--keep" || name === "--offload") flags.add(name);
    else if (name === "--workers" || name === "--files" || name === "--instances") values.set(name, inline ?? left.shift() ?? "");
    else if (name.startsWith("-")) throw new Error(`there is no option ${name}`);
    else folders.push(arg);
  }
  const number = (name: string, otherwise: number): number => {
    const text = values.get(name);
    if (text === undefined) return otherwise;
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    throw new Error(`${name} wants a number from 1 on`);
  };
  const instances = number("--instances", 0);
  if (instances === 1) throw new Error("--instances wants a number from 2 on: when one is killed another has to be there");
  const offload = flags.has("--offload");
  if (offload && instances > 0) throw new Error("--offload and --instances do not go together");
  return {
    folders, instances, offload,
    workers: number("--workers", 2),
    files: number("--files", folders.length === 0 ? FILES : Number.MAX_SAFE_INTEGER),
    crash: flags.has("--crash"),
    keep: flags.has("--keep"),
  };
}

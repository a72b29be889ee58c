/**
 * Completes package-lock.json with the builds for other platforms: `node test/lock.mjs`, after an `npm install`.
 *
 * npm leaves an optional package out of the lock when the registry at hand does not carry it, and `npm ci` then refuses the
 * lock everywhere. What is added is what the parent names exactly, without a checksum, for the platform in its name.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const LOCK = new URL("../package-lock.json", import.meta.url);
const SYSTEM = /android|darwin|freebsd|openharmony|linux|win32|windows/;
const PROCESSOR = /arm64|x64|ia32|riscv64|s390x|ppc64|arm|64/;

/** Optional dependencies, with their versions, that the lock does not hold: `[name, version, isDev]`. */
export function missingIn({ packages }) {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {}, dev = false }]) =>
    Object.entries(optionalDependencies).filter(([name]) => !isLocked(packages, path, name)).map(([name, version]) => [name, version, dev]),
  );
}

/** As node looks for it: beside the package, then further up. */
function isLocked(packages, path, name) {
  const folders = path.split("/node_modules/").map((_, index, parts) => parts.slice(0, index + 1).join("/node_modules/"));
  return ["", ...folders].some((folder) => `${folder}${folder === "" ? "" : "/"}node_modules/${name}` in packages);
}

function lockedBuild(name, version, dev) {
  const build = name.split("/").at(-1) ?? "";
  const system = SYSTEM.exec(build)?.[0] ?? "";
  const processor = PROCESSOR.exec(build.replace(SYSTEM, ""))?.[0] ?? "";
  if (system === "" || processor === "" || !/^\d/.test(version)) throw new Error(`${name} ${version} does not name its platform: add it by hand`);
  const libc = system === "linux" ? { libc: [build.includes("musl") ? "musl" : "glibc"] } : {};
  return {
    version,
    cpu: [processor === "64" ? "x64" : processor],
    ...(dev ? { dev } : {}),
    ...libc,
    optional: true,
    os: [system === "windows" ? "win32" : system],
  };
}

function complete() {
  const lock = JSON.parse(readFileSync(LOCK, "utf8"));
  const missing = missingIn(lock);
  for (const [name, version, dev] of missing) lock.packages[`node_modules/${name}`] = lockedBuild(name, version, dev);
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")));
  writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(missing.length === 0 ? "package-lock.json is complete" : `added ${missing.map(([name]) => name).join(", ")}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) complete();

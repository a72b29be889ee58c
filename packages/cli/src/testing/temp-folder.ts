/** A folder of a test's own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `onTestFinished`: of the test that it goes with. */
export async function tempFolder(onTestFinished: (clean: () => Promise<void>) => void): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "longshore-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

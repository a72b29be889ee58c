/**
 * The tiers, told apart by what a file's name ends in. `node test/run.mjs` runs them all; one of them, or one file:
 * `npx vitest run --config test/vitest.config.ts --project unit packages/kernel`.
 *
 * Tests read the packages' sources (condition `@longshore/source`), so nothing has to be built first.
 */
import { fileURLToPath } from "node:url";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

const root = fileURLToPath(new URL("..", import.meta.url));
const conditions = ["@longshore/source", "module", "node", "development|production"];

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Everything that `unit` is not, by suffix and by folder. */
const OTHER_TIERS = ["**/*.{types,sim,int,e2e}.test.ts", "test/{docs,architecture}/**"];
const IGNORED = ["**/node_modules/**", "**/dist/**", "**/.*/**"];

interface Tier {
  readonly name: string;
  readonly include: readonly string[];
  readonly exclude?: readonly string[];
  /** Bound of one test, and of one hook. */
  readonly timeoutMs: number;
  /** One file at a time: its tests start servers or processes, and measure time. */
  readonly alone?: boolean;
  /** All files in one process, where what they have read is kept: they share data and change nothing. */
  readonly together?: boolean;
}

const tier = ({ name, include, exclude = [], timeoutMs, alone = false, together = false }: Tier): TestProjectInlineConfiguration => ({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    name,
    root,
    include: [...include],
    exclude: [...IGNORED, ...exclude],
    environment: "node",
    globals: false,
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    // Processes, not threads: a test may change directory, take signals, or be killed without taking others along.
    pool: "forks",
    fileParallelism: !alone && !together,
    isolate: !together,
    restoreMocks: true,
    unstubEnvs: true,
  },
});

export default defineConfig({
  // Whatever is written while testing stays out of the sources and of node_modules.
  cacheDir: fileURLToPath(new URL("../.cache/vite", import.meta.url)),
  test: {
    root,
    allowOnly: false,
    passWithNoTests: false,
    update: false,
    teardownTimeout: 10 * SECOND,
    projects: [
      tier({ name: "unit", include: ["{packages,test}/**/*.test.ts"], exclude: OTHER_TIERS, timeoutMs: 20 * SECOND }),
      tier({ name: "architecture", include: ["test/architecture/**/*.test.ts"], timeoutMs: MINUTE, together: true }),
      tier({ name: "simulation", include: ["{packages,test}/**/*.sim.test.ts"], timeoutMs: 12 * MINUTE }),
      tier({ name: "docs", include: ["test/docs/**/*.test.ts"], timeoutMs: MINUTE, alone: true }),
      tier({ name: "integration", include: ["{packages,test}/**/*.int.test.ts"], timeoutMs: MINUTE, alone: true }),
      tier({ name: "e2e", include: ["{packages,test}/**/*.e2e.test.ts"], timeoutMs: 5 * MINUTE, alone: true }),
    ],
  },
});

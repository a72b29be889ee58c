import { type Command, command } from "../command.ts";
import { wrongUsage } from "../errors.ts";
import { FOLDED } from "../history/address.ts";
import { type Difference, difference, type StateSummary, summaryOf } from "../history/describe.ts";
import { type RouterDifference, type RouterSummary, routerDifference, routerSummaryOf } from "../history/describe-router.ts";
import { type AnyFolded, fold, foldAny, historyFor } from "../history/fold.ts";
import { withHistory } from "../history/open.ts";
import type { HistorySource } from "../history/source.ts";
import type { Screen } from "../io.ts";
import { present } from "../present.ts";
import { progressOf } from "../render/progress.ts";
import { hex } from "../render/quantities.ts";
import { differenceText, summaryText } from "../render/replay.ts";
import { routerDifferenceText, routerSummaryText } from "../render/replay-router.ts";
import type { Point } from "../values.ts";

export const replay: Command = command({
  name: "replay",
  group: "history",
  summary: "Fold a history again: its state at any commit or instant, its hash, the difference between two",
  details: ["The state is made from the journal alone, with the same code as the host's. Two machines that replay the same commits print the same hash."],
  args: { history: { kind: "optional", help: "job-queue.<shard>, or <shard>, offload-router, or an exported file; job-queue.main when absent" } },
  options: {
    to: { kind: "point", help: "stop behind this commit or instant" },
    diff: { kind: "pair", help: "what changed between two commits or instants" },
    hash: { kind: "flag", help: "print the hash of the state and nothing else" },
  },
  examples: [
    { line: "longshore replay --hash", says: "the state's hash now" },
    { line: "longshore replay main --to 17:30", says: "what was known at half past five" },
    { line: "longshore replay main --diff 1200 1300", says: "what a hundred commits changed" },
    { line: "longshore replay offload-router", says: "of what is on its way in other clusters" },
    { line: "longshore replay backup.lsh --json", says: "of an exported history" },
  ],
  connects: true,
  run: ({ args, options, shared, io }) =>
    withHistory(shared, io, args.history, async (source) => {
      if (options.diff !== undefined && (options.to !== undefined || options.hash)) throw wrongUsage("--diff stands alone", "leave out --to and --hash");
      const progress = progressOf(io, "commits");
      const note = (commits: number): void => progress.at(commits, source.commits);
      const end = (): void => progress.end();
      if (options.diff !== undefined) {
        const { document, text } = await changed(source, options.diff, note).finally(end);
        return present({ shared, io }, document, () => text(io.outScreen));
      }
      const settings = { to: options.to, progress: note };
      if (options.hash) {
        const { history } = await foldAny(source, settings).finally(end);
        const hash = hex(history.stateHash());
        return present({ shared, io }, { history: source.name, commit: history.kernel.number, hash }, () => `${hash}\n`);
      }
      const { folded, state, text } = await reached(source, settings).finally(end);
      const { from, events, elapsedMs } = folded;
      await present({ shared, io }, { history: source.name, hash: hex(folded.history.stateHash()), from, events, elapsedMs, state }, () => text(io.outScreen));
    }, FOLDED),
});

interface Shown {
  readonly document: Difference | RouterDifference;
  readonly text: (screen: Screen) => string;
}

const changed = (source: HistorySource, [a, b]: readonly [Point, Point], note: (commits: number) => void): Promise<Shown> => historyFor<Promise<Shown>>(source, {
  jobQueue: async (history) => {
    const document = await difference(source, history, a, b, note);
    return { document, text: (screen) => differenceText(document, screen) };
  },
  offloadRouter: async (history) => {
    const document = await routerDifference(source, history, a, b, note);
    return { document, text: (screen) => routerDifferenceText(document, screen) };
  },
});

interface Reached {
  readonly folded: AnyFolded;
  readonly state: StateSummary | RouterSummary;
  readonly text: (screen: Screen) => string;
}

const reached = (source: HistorySource, settings: { readonly to: Point | undefined; readonly progress: (commits: number) => void }): Promise<Reached> => historyFor<Promise<Reached>>(source, {
  jobQueue: async (history) => {
    const folded = await fold(source, history, settings);
    const state = summaryOf(history);
    return { folded, state, text: (screen) => summaryText(source.name, folded, state, screen) };
  },
  offloadRouter: async (history) => {
    const folded = await fold(source, history, settings);
    const state = routerSummaryOf(history);
    return { folded, state, text: (screen) => routerSummaryText(source.name, folded, state, screen) };
  },
});

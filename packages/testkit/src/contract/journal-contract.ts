/** What every journal must do. Run by the twin and by the NATS adapter. */
import type { AppendAnswer, Journal, LastAnswer, ReadAnswer, StoredCommit } from "@longshore/kernel";
import { describe, expect, test } from "vitest";
import type { ContractWorld } from "./world.ts";
import { answerTo, bytesOf, noise, textOf } from "./world.ts";

export interface JournalFixture extends ContractWorld {
  readonly journal: Journal;
  /** Another history in the same stream: its appends make gaps in the versions of `journal`. */
  readonly neighbor: Journal;
  /** The largest message the server takes, bytes. */
  readonly maxPayloadBytes: number;
}

class Subject {
  readonly fixture: JournalFixture;
  constructor(fixture: JournalFixture) {
    this.fixture = fixture;
  }

  append(text: string | Uint8Array, expected: number, journal: Journal = this.fixture.journal): Promise<AppendAnswer> {
    const bytes = typeof text === "string" ? bytesOf(text) : text;
    return answerTo(this.fixture, (done) => journal.append(bytes, expected, done));
  }

  async stored(text: string | Uint8Array, expected: number, journal?: Journal): Promise<number> {
    const answer = await this.append(text, expected, journal);
    expect(answer.kind).toBe("stored");
    return answer.kind === "stored" ? answer.version : Number.NaN;
  }

  async last(): Promise<StoredCommit | undefined> {
    const answer = await answerTo<LastAnswer>(this.fixture, (done) => this.fixture.journal.last(done));
    expect(answer.kind).toBe("last");
    return answer.kind === "last" ? answer.commit : undefined;
  }

  async read(after: number): Promise<{ commits: StoredCommit[]; answer: ReadAnswer }> {
    const commits: StoredCommit[] = [];
    const answer = await answerTo<ReadAnswer>(this.fixture, (done) => this.fixture.journal.read(after, (commit) => commits.push(commit), done));
    return { commits, answer };
  }

  async texts(after = 0): Promise<string[]> {
    return (await this.read(after)).commits.map((commit) => textOf(commit.bytes));
  }

  purge(below: number): Promise<boolean> {
    return answerTo(this.fixture, (done) => this.fixture.journal.purge(below, done));
  }
}

export function journalContract(name: string, makeFixture: () => Promise<JournalFixture> | JournalFixture): void {
  const rule = (title: string, body: (subject: Subject, fixture: JournalFixture) => Promise<void>): void => {
    test(title, async () => {
      const fixture = await makeFixture();
      try {
        await body(new Subject(fixture), fixture);
      } finally {
        await fixture.close?.();
      }
    });
  };

  describe(`journal: ${name}`, () => {
    describe("the guard", () => guardRules(rule));
    describe("reading back", () => readingRules(rule));
    describe("purging", () => purgeRules(rule));
  });
}

type Rule = (title: string, body: (subject: Subject, fixture: JournalFixture) => Promise<void>) => void;

function guardRules(rule: Rule): void {
  rule("an empty history has no last commit and ends at 0", async (journal) => {
    expect(await journal.last()).toBeUndefined();
    const { commits, answer } = await journal.read(0);
    expect(commits).toEqual([]);
    expect(answer).toEqual({ kind: "end", last: 0 });
  });

  rule("the first commit is stored under guard 0 and then is the last", async (journal) => {
    const version = await journal.stored("one", 0);
    expect(version).toBeGreaterThan(0);
    const last = await journal.last();
    expect(last?.version).toBe(version);
    expect(textOf(last!.bytes)).toBe("one");
  });

  rule("a commit under another guard than the last version is in doubt and not stored", async (journal) => {
    const version = await journal.stored("one", 0);
    for (const wrong of [0, version - 1, version + 1]) {
      expect(await journal.append("two", wrong)).toEqual({ kind: "doubt", cause: "conflict" });
    }
    expect(await journal.texts()).toEqual(["one"]);
    await journal.stored("two", version);
    expect(await journal.texts()).toEqual(["one", "two"]);
  });

  rule("of two commits under one guard exactly one is stored", async (journal, fixture) => {
    const version = await journal.stored("one", 0);
    const answers: AppendAnswer[] = [];
    await answerTo<null>(fixture, (done) => {
      for (const text of ["mine", "theirs"]) {
        fixture.journal.append(bytesOf(text), version, (answer) => {
          if (answers.push(answer) === 2) done(null);
        });
      }
    });
    expect(answers.map((answer) => answer.kind).sort()).toEqual(["doubt", "stored"]);
    expect(await journal.texts()).toHaveLength(2);
  });

  rule("the same bytes again under the old guard conflict, and are found as the last commit", async (journal) => {
    const bytes = noise(5_000);
    const version = await journal.stored(bytes, 0);
    expect(await journal.append(bytes, 0)).toEqual({ kind: "doubt", cause: "conflict" });
    const last = await journal.last();
    expect(last?.version).toBe(version);
    expect(Buffer.from(last!.bytes).equals(bytes)).toBe(true);
  });

  rule("another history in the stream makes gaps in the versions and does not touch the guard", async (journal, fixture) => {
    const first = await journal.stored("one", 0);
    const foreign = await journal.stored("foreign", 0, fixture.neighbor);
    const second = await journal.stored("two", first);
    expect(second).toBeGreaterThan(first + 1);
    expect(foreign).toBeGreaterThan(first);
    expect(await journal.texts()).toEqual(["one", "two"]);
  });

  rule("a commit larger than the server takes is refused as too large and not stored", async (journal, fixture) => {
    expect(await journal.append(noise(fixture.maxPayloadBytes + 1), 0)).toEqual({ kind: "stop", cause: "too-large" });
    expect(await journal.last()).toBeUndefined();
  });
}

function readingRules(rule: Rule): void {
  rule("commits are read after a version, in order, up to the last", async (journal, fixture) => {
    const versions = [0];
    for (let i = 0; i < 30; i++) {
      versions.push(await journal.stored(`c${i}`, versions.at(-1)!));
      if (i % 7 === 0) await answerTo(fixture, (done) => fixture.neighbor.append(bytesOf("x"), -1, done));
    }
    const { commits, answer } = await journal.read(versions[10]!);
    expect(commits.map((commit) => textOf(commit.bytes))).toEqual(Array.from({ length: 20 }, (_, i) => `c${i + 10}`));
    expect(commits.map((commit) => commit.version)).toEqual(versions.slice(11));
    expect(answer).toEqual({ kind: "end", last: versions[30] });
    expect((await journal.read(versions[30]!)).commits).toEqual([]);
  });

  rule("a commit of half a megabyte comes back byte for byte", async (journal) => {
    const bytes = noise(512 * 1024, 7);
    const version = await journal.stored(bytes, 0);
    const { commits } = await journal.read(0);
    expect(commits[0]!.version).toBe(version);
    expect(Buffer.from(commits[0]!.bytes).equals(bytes)).toBe(true);
  });

  rule("what was stored does not change when the caller uses its buffer again", async (journal) => {
    const bytes = bytesOf("kept");
    await journal.stored(bytes, 0);
    bytes.fill(0);
    expect(await journal.texts()).toEqual(["kept"]);
  });

  rule("one commit is got by its version, and nothing where there is none", async (journal, fixture) => {
    const first = await journal.stored("one", 0);
    const foreign = await journal.stored("foreign", 0, fixture.neighbor);
    const second = await journal.stored("two", first);
    const get = (version: number): Promise<StoredCommit | undefined> => answerTo(fixture, (done) => fixture.journal.get(version, done));
    expect(textOf((await get(second))!.bytes)).toBe("two");
    expect(await get(foreign)).toBeUndefined();
    expect(await get(second + 1)).toBeUndefined();
  });
}

function purgeRules(rule: Rule): void {
  rule("what lies below a version is forgotten, the rest is not", async (journal, fixture) => {
    const first = await journal.stored("one", 0);
    const second = await journal.stored("two", first);
    await journal.stored("three", second);
    expect(await journal.purge(second)).toBe(true);
    expect(await journal.texts()).toEqual(["two", "three"]);
    const size = await answerTo<{ bytes: number; commits: number; first: number } | undefined>(fixture, (done) => fixture.journal.size(done));
    expect(size).toMatchObject({ commits: 2, first: second });
    expect(size!.bytes).toBeGreaterThan(0);
  });

  rule("the last commit is never purged, so the guard still holds", async (journal) => {
    const first = await journal.stored("one", 0);
    const second = await journal.stored("two", first);
    await journal.purge(second + 1_000);
    expect(await journal.texts()).toEqual(["two"]);
    expect(await journal.append("again", 0)).toEqual({ kind: "doubt", cause: "conflict" });
    await journal.stored("three", second);
  });

  rule("a purge of one history leaves another alone", async (journal, fixture) => {
    const first = await journal.stored("one", 0);
    const foreign = await journal.stored("foreign", 0, fixture.neighbor);
    const second = await journal.stored("two", first);
    await journal.purge(second);
    const found = await answerTo<StoredCommit | undefined>(fixture, (done) => fixture.neighbor.get(foreign, done));
    expect(textOf(found!.bytes)).toBe("foreign");
  });
}

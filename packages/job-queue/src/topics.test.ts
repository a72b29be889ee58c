import { describe, expect, it } from "vitest";
import { isQueuePattern, isTopic, isWorkerPattern, queueMatches, queuePatternMatches, workerPatternMatches, workerPatternsOf } from "./topics.ts";

const matching = (pattern: string, ...topics: string[]): string[] => topics.filter((topic) => queuePatternMatches(pattern, topic));

describe("topics", () => {
  it.each(["simpleTopic", "a/b", "A-b_c/0"])("UT-04 %s is legal", (topic) => expect(isTopic(topic)).toBe(true));
  it.each(["simpleTopic.withDots", "", "/a", "a/", "a//b", "a b", "a*", "ä", null, 7, "a/\n"])("UT-04 %j is not", (topic) => expect(isTopic(topic)).toBe(false));
});

describe("queue patterns", () => {
  it.each(["a.", "a/."])("QC-02 %s takes the children of a", (pattern) => {
    expect(matching(pattern, "a/b", "a/c", "a", "a/b/c", "t", "t/x")).toEqual(["a/b", "a/c"]);
  });
  it.each(["a*", "a/*"])("QC-03 %s takes everything below a, and is no glob", (pattern) => {
    expect(matching(pattern, "a/b", "a/c", "a/b/c", "a", "t", "t/x", "ab", "ab/c")).toEqual(["a/b", "a/c", "a/b/c"]);
  });
  it("QC-04 a topic takes only itself", () => expect(matching("a", "a", "a/b", "ab")).toEqual(["a"]));
  it("* takes everything", () => expect(matching("*", "a", "a/b/c")).toEqual(["a", "a/b/c"]));
  it("blank entries are ignored", () => {
    expect(queueMatches(["", "  ", "b"], "b")).toBe(true);
    expect(queueMatches(["", "  "], "b")).toBe(false);
  });
  it.each(["a.b", "/", "a/*/b", "**", "a/**", "."])("%s is no pattern and takes nothing", (pattern) => {
    expect(isQueuePattern(pattern)).toBe(false);
    expect(matching(pattern, "a", "a/b", "a/x/b")).toEqual([]);
  });
});

describe("worker patterns", () => {
  const taken = (pattern: string, ...topics: string[]): string[] => topics.filter((topic) => workerPatternMatches(pattern, topic));
  it("CM-01 CM-04 a/b takes itself", () => expect(taken("a/b", "a/b", "a", "a/c", "a/b/a")).toEqual(["a/b"]));
  it("CM-02 CM-05 a/* takes the children of a", () => expect(taken("a/*", "a/b", "a/c", "a", "a/b/a")).toEqual(["a/b", "a/c"]));
  it("CM-03 CM-06 a/** takes everything below a", () => expect(taken("a/**", "a/b", "a/c", "a/b/a", "a")).toEqual(["a/b", "a/c", "a/b/a"]));
  it("the most specific comes first, the nearest ancestor before farther ones", () => {
    expect(workerPatternsOf("a/b/c")).toEqual(["a/b/c", "a/b/*", "a/b/**", "a/**"]);
    expect(workerPatternsOf("a")).toEqual(["a"]);
  });
  it.each(["*", "**", "a.b/*", ""])("%j is never considered", (pattern) => {
    expect(isWorkerPattern(pattern)).toBe(false);
    expect(taken(pattern, "a", "a/b")).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import { INBOX_ROLES } from "./inbox.ts";
import { FILE_STORE_BYTES } from "./limits.ts";
import { wantedStreams } from "./streams.ts";

describe("the streams", () => {
  const streams = wantedStreams({ cluster: "main" });

  it("together leave a fifth of the server's space free", () => {
    expect(streams.reduce((sum, { max_bytes }) => sum + max_bytes, 0)).toBeLessThanOrEqual(FILE_STORE_BYTES * 0.8);
  });

  it("refuse when they are full, forget nothing by themselves, and take no roll-up", () => {
    for (const stream of streams) expect(stream).toMatchObject({ storage: "file", discard: "new", max_age: 0, allow_rollup_hdrs: false, deny_purge: false });
  });

  it("take each inbox message into exactly one stream", () => {
    const kept = (key: "inbox" | "peers"): readonly string[] => INBOX_ROLES[key].map((role) => `ls.main.in.*.*.${role}.*`);
    expect(streams[0]?.subjects).toEqual(kept("inbox"));
    expect(streams[1]?.subjects).toEqual(kept("peers"));
  });
});

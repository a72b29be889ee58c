import { expect, it } from "vitest";
import { positionOf } from "./range.ts";

it.each([
  ["$JS.ACK.STREAM.consumer.1.42.7.1700000000000000000.3", { sequence: 42, delivery: 7 }],
  ["$JS.ACK._.hash.STREAM.consumer.1.42.7.1700000000000000000.3", { sequence: 42, delivery: 7 }],
  ["$JS.ACK.domain.hash.STREAM.consumer.1.42.7.1700000000000000000.3.token", { sequence: 42, delivery: 7 }],
  ["_INBOX.a", undefined],
  ["$JS.ACK.nonsense", undefined],
  ["", undefined],
])("the reply subject %s tells where a message sits", (reply, position) => {
  expect(positionOf(reply)).toEqual(position);
});

import { expect, it } from "vitest";
import { peersIn } from "./peers.ts";

it.each([
  [undefined, {}, []], ["", {}, []], ["hub", {}, ["hub"]], [" hub , east,hub", {}, ["hub", "east"]],
  [undefined, { LONGSHORE_PEERS: "hub,east" }, ["hub", "east"]], ["north", { LONGSHORE_PEERS: "hub" }, ["north"]],
] as const)("of %j and %j the peers are %j", (option, env, peers) => {
  expect(peersIn(option, "west", { env })).toEqual(peers);
});

it.each([["hub.east", /no name of a cluster/], ["a b", /no name of a cluster/], ["hub,west", /no peer of itself/], ["*", /no name of a cluster/]])("%j is refused", (option, message) => {
  expect(() => peersIn(option, "west", { env: {} })).toThrow(message);
});

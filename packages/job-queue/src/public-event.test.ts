import { expect, it } from "vitest";
import type { Names } from "./public-event.ts";
import { publicEvent } from "./public-event.ts";

const names: Names = {
  job: (number) => (number === 7 ? { id: "main.01A", topic: "a/b", queue: "q" } : undefined),
  member: (number) => (number === 2 ? { instance: "w1", incarnation: "life1" } : undefined),
};
const place = { commit: 9, at: 1_000 };

it("an attempt is shown with its instance and its incarnation", () => {
  const event = { type: "AttemptStarted", job: 7, attempt: 1, member: 2 } as never;
  expect(publicEvent(event, place, names)).toEqual({ type: "AttemptStarted", id: "main.01A", topic: "a/b", queue: "q", attempt: 1, instance: "w1", incarnation: "life1", commit: 9, at: 1_000 });
  const stranger = { type: "AttemptStarted", job: 7, attempt: 1, member: 3 } as never;
  expect(publicEvent(stranger, place, names)).toMatchObject({ instance: "member 3" });
});

it("the cause of a job is a whole id", () => {
  const event = { type: "JobAccepted", job: 7, id: "01A", topic: "a/b", queue: "q", input: new Uint8Array(1), principal: "p", options: { cause: [3, "a~b.mine"] } } as never;
  expect(publicEvent(event, place, names)).toEqual({ type: "JobAccepted", id: "main.01A", topic: "a/b", queue: "q", cause: "main.a~b.mine", commit: 9, at: 1_000 });
});

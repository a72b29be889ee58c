import { expect, it } from "vitest";
import { Unavailable } from "./index.ts";
import { createTestLongshore } from "./testing.ts";

const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => error);
/** Longer than nobody at all is put up with, far less than an answer is waited for. */
const SOON_MS = 2_000;

it("a question nobody is there to answer fails soon, and says what to start", async () => {
  const { ls, killHost, clock, close } = await createTestLongshore();
  const job = await ls.add("a/b");
  killHost();
  for (const ask of [() => ls.jobs.get(job.id), () => ls.jobs.find({ state: "history" }), () => ls.jobs.why(job.id), () => job.state(), () => ls.queues.list()]) {
    const asked = errorOf(ask());
    let error: unknown;
    void asked.then((it) => {
      error = it;
    });
    await clock.advance(SOON_MS);
    expect(error).toBeInstanceOf(Unavailable);
    expect(error).toMatchObject({ code: "host/unavailable", message: expect.stringContaining("longshore run job-queue") });
  }
  await close();
});

it("the past of a job is read from the journal while nobody is there", async () => {
  const { ls, killHost, clock, close } = await createTestLongshore();
  const job = await ls.add("a/b");
  await job.stop();
  killHost();
  const asked = ls.jobs.history(job.id);
  await clock.advance(SOON_MS);
  expect((await asked).map(({ type }) => type)).toEqual(["JobAccepted", "JobEnded"]);
  await close();
});

it("a question asked while a host is started again is answered by it", async () => {
  const { ls, killHost, startHost, clock, close } = await createTestLongshore();
  const job = await ls.add("a/b");
  killHost();
  const asked = job.state();
  await clock.advance(500);
  await startHost();
  await clock.advance(SOON_MS);
  expect(await asked).toBe("queued");
  await close();
});

/** What programs see of jobs that another cluster does. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { JobContext } from "./index.ts";
import { InvalidOption, Rejected, Unavailable } from "./index.ts";
import type { TwoClusters } from "./internal/testing/two-clusters.ts";
import { twoClusters } from "./internal/testing/two-clusters.ts";

const started = async (): Promise<TwoClusters> => {
  const world = await twoClusters();
  onTestFinished(() => world.close());
  return world;
};
const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => error);
/** What a promise comes to while time passes. */
async function during<T>({ clock }: TwoClusters, promise: Promise<T>, ms = 2_000): Promise<T> {
  await clock.advance(ms);
  return promise;
}

/** A job of `home` that runs in `far` until it is let go; each attempt by its place in their order. */
async function runningFar(world: TwoClusters) {
  const { home, far, clock } = world;
  const ends: ((value: unknown) => void)[] = [];
  await during(world, far.work("media/thumbnail", (_input, ctx: JobContext) => {
    ctx.progress(0.5, "half");
    return new Promise((resolve) => ends.push(resolve));
  }));
  const job = await during(world, home.add("media/thumbnail", { width: 3 }));
  await clock.advance(2_000);
  return { job, end: (value: unknown, attempt = 1) => ends[attempt - 1]?.(value) };
}

describe("a job that another cluster does", () => {
  it("OFF-DEV-04 OFF-DEV-05 OFF-ORG-01 OFF-ORG-05 OFF-TRN-30 says where it is, which attempt runs on what instance, how far, and how old that word is", async () => {
    const world = await started();
    const { home, far } = world;
    const { job, end } = await runningFar(world);
    expect(await during(world, home.jobs.get(job.id))).toMatchObject({ state: "active", instance: "@far", progress: { fraction: 0.5, message: "half" } });
    const [trip, ...others] = await during(world, home.offload.list());
    expect(others).toEqual([]);
    expect(trip).toMatchObject({ trip: 1, cluster: "far", id: job.id, topic: "media/thumbnail", attempt: 1, phase: "accepted", report: { state: "active", attempt: 1, instance: "far-1", progress: [0.5, "half"] } });
    expect(trip!.heardAgoMs).toBeGreaterThan(0);
    expect(await during(world, home.offload.list({ cluster: "west" }))).toEqual([]);
    expect(await during(world, home.offload.show(job.id))).toMatchObject({ trip: 1, endedAt: null, inputs: [], outputs: [] });
    expect(await during(world, far.offload.guests({ origin: "home" }))).toMatchObject([{ origin: "home", trip: 1, id: job.id, phase: "submitted" }]);
    expect(await during(world, far.offload.guests({ origin: "west" }))).toEqual([]);
    end("done");
    expect(await during(world, job.result())).toBe("done");
    expect(await during(world, home.offload.list())).toEqual([]);
    expect(await during(world, home.offload.list({ all: true }))).toMatchObject([{ trip: 1, phase: "ended", how: "returned" }]);
    const history = await during(world, home.offload.history(job.id));
    expect(history.map(({ type }) => type).filter((type) => type !== "TripReported")).toEqual(["TripStarted", "TripDispatched", "TripAccepted", "TripReturned", "TripEnded"]);
    expect(JSON.stringify(history)).not.toContain("input");
  });

  it("OFF-ADM-08 a drained cluster gets nothing new, and is said to be empty when what is there has ended", async () => {
    const world = await started();
    const { home, clock } = world;
    const { job, end } = await runningFar(world);
    expect(await during(world, home.offload.drain("far"))).toMatchObject({ cluster: "far", isDrained: true, away: 1, isEmpty: false, backlog: [{ topic: "media/thumbnail", instance: "far-1", running: 1 }] });
    const next = await during(world, home.add("media/thumbnail", { width: 4 }));
    let isEmpty = false;
    const drained = home.offload.drain("far", { wait: true }).then((route) => {
      isEmpty = true;
      return route;
    });
    await clock.advance(5_000);
    expect([isEmpty, await next.state()]).toEqual([false, "queued"]);
    end("done");
    expect(await during(world, drained)).toMatchObject({ away: 0, isEmpty: true });
    expect(await job.result()).toBe("done");
    expect(await during(world, home.offload.resume("far"))).toMatchObject({ isDrained: false });
    await clock.advance(2_000);
    expect(await next.state()).toBe("active");
  });

  it("OFF-ADM-09 a reclaimed job goes away anew as another attempt, and what the first one still returns changes nothing", async () => {
    const world = await started();
    const { home, clock } = world;
    const { job, end } = await runningFar(world);
    expect(await during(world, home.offload.reclaim(job.id, "takes too long"))).toMatchObject({ trip: 1, phase: "ended", how: "reclaimed", reason: "takes too long" });
    end("of the first attempt");
    await clock.advance(10_000);
    expect(await during(world, home.offload.show(job.id))).toMatchObject({ trip: 2, attempt: 2, phase: "accepted" });
    expect(await during(world, errorOf(home.offload.reclaim(1)))).toMatchObject({ code: "trip/unknown", message: expect.stringContaining("has ended (reclaimed)") });
    end("of the second", 2);
    expect(await during(world, job.result())).toBe("of the second");
  });
});

describe("what cannot be", () => {
  it("OFF-ADM-09 a trip or cluster nobody knows is refused by name, and so is an option", async () => {
    const world = await started();
    const { offload } = world.home;
    for (const [call, code] of [
      [() => offload.show(9), "trip/unknown"], [() => offload.show("main.x"), "trip/unknown"], [() => offload.reclaim("main.x"), "trip/unknown"],
      [() => offload.drain("west"), "route/unknown"], [() => offload.resume("west"), "route/unknown"],
    ] as const) {
      const error = await during(world, errorOf(call()));
      expect(error).toBeInstanceOf(Rejected);
      expect(error).toMatchObject({ code });
    }
    expect(await during(world, errorOf(offload.drain("west")))).toMatchObject({ message: expect.stringContaining("known: far") });
    for (const wrong of [() => offload.show(0), () => offload.drain(""), () => offload.drain("far", { now: true } as never), () => offload.list({ to: "far" } as never)]) {
      expect(await during(world, errorOf((async () => wrong())()))).toBeInstanceOf(InvalidOption);
    }
  });

  it("OFF-CFG-01 without a router every call fails soon, says what to run, and leaves nothing behind", async () => {
    const world = await started();
    world.killRouter();
    const { offload } = world.home;
    for (const call of [() => offload.list(), () => offload.guests(), () => offload.show(1), () => offload.clusters(), () => offload.drain("far"), () => offload.resume("far"), () => offload.reclaim(1)]) {
      const error = await during(world, errorOf(call()));
      expect(error).toBeInstanceOf(Unavailable);
      expect(error).toMatchObject({ code: "host/unavailable", message: expect.stringContaining("longshore run offload-router") });
    }
  });
});

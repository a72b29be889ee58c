import { describe, expect, it } from "vitest";
import { defineJob, JobFailed, Cancel } from "./index.ts";
import { createTestLongshore } from "./testing.ts";

const double = defineJob<{ n: number }, { n: number }>("math/double");

describe("adding and working", () => {
  it("a job that is added runs and gives its result", async () => {
    const test = await createTestLongshore();
    const { ls } = test;
    await ls.work(double, ({ n }) => ({ n: n * 2 }));
    const job = await ls.add(double, { n: 21 });
    expect(job.outcome).toBe("created");
    expect(await job.result()).toEqual({ n: 42 });
    await test.close();
  });
  it("a canceled job fails with its reason", async () => {
    const test = await createTestLongshore();
    await test.ls.work(double, () => { throw new Cancel("no"); });
    const job = await test.ls.add(double, { n: 1 });
    await expect(job.result()).rejects.toBeInstanceOf(JobFailed);
    await test.close();
  });
});

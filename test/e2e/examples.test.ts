// Every example of a feature, run through the real processes.
import { readFile } from "node:fs/promises";
import type { Job } from "@gantry/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { example, gantryUp, type Installation } from "../support/gantry.ts";
import { waitFor } from "../support/wait-for.ts";

let gantry: Installation;
beforeAll(async () => {
  gantry = await gantryUp();
});
afterAll(() => gantry.stop());

const submit = async (file: string): Promise<string> => {
  const manifest = parse(await readFile(example(file), "utf8")) as { metadata: { name: string } };
  await gantry.client.jobs.submit(manifest as never);
  return manifest.metadata.name;
};

/** The Job once it has this condition. */
const reached = (name: string, type: string): Promise<Job> =>
  waitFor(`job ${name} to be ${type}`, async () => {
    const job: Job = await gantry.client.jobs.get(name);
    return job.status?.conditions?.some((one) => one.type === type && one.status === "True")
      ? job
      : undefined;
  });

const reason = (job: Job, type: string): string | undefined =>
  job.status?.conditions?.find((one) => one.type === type)?.reason;

const logs = async (name: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const { line } of gantry.client.jobs.logs(name)) found.push(line);
  return found.map((line) => line.trimEnd()).toSorted();
};

describe("the examples", () => {
  test("indexed.yaml: each index once, and each Pod knows its own", async () => {
    const job = await reached(await submit("indexed.yaml"), "Complete");
    expect(job.status).toMatchObject({ succeeded: 5, completedIndexes: "0-4" });
    expect(await logs("indexed")).toEqual([0, 1, 2, 3, 4].map((index) => `part ${index} of 5`));
  });

  test("per-index-backoff.yaml: index 2 fails, the others succeed, the Job fails", async () => {
    const job = await reached(await submit("per-index-backoff.yaml"), "Failed");
    expect(reason(job, "Failed")).toBe("FailedIndexes");
    expect(job.status).toMatchObject({ failedIndexes: "2", completedIndexes: "0,1,3", failed: 1 });
  });

  test("failure-policy.yaml: exit code 42 fails the Job at once", async () => {
    const job = await reached(await submit("failure-policy.yaml"), "Failed");
    expect(reason(job, "Failed")).toBe("PodFailurePolicy");
    expect(job.status?.failed).toBe(1);
    expect(job.status?.conditions?.at(-1)?.message).toMatch(
      /^Container check for pod default\/failure-policy-[a-z0-9]{5} failed with exit code 42 matching FailJob rule at index 0$/,
    );
  });

  test("success-policy.yaml: the leader's success is the Job's, the others are stopped", async () => {
    const job = await reached(await submit("success-policy.yaml"), "Complete");
    expect(reason(job, "Complete")).toBe("SuccessPolicy");
    expect(job.status).toMatchObject({ succeeded: 1, completedIndexes: "0", terminating: 0 });
    expect(job.status?.failed ?? 0).toBe(0);
  });

  test("suspend.yaml: nothing runs until it is resumed", async () => {
    const name = await submit("suspend.yaml");
    await reached(name, "Suspended");
    expect((await gantry.client.pods.list({ labelSelector: `job-name=${name}` })).items).toEqual(
      [],
    );
    const resume = '{"spec":{"suspend":false}}';
    const patched = await gantry.kubectl("patch", "job", name, "--type", "merge", "-p", resume);
    expect(patched).toMatchObject({ code: 0 });
    const job = await reached(name, "Complete");
    expect(reason(job, "Suspended")).toBe("JobResumed");
    expect(await logs(name)).toEqual(["released"]);
  });

  test("deadline.yaml: DeadlineExceeded after 3 seconds", async () => {
    const job = await reached(await submit("deadline.yaml"), "Failed");
    expect(reason(job, "Failed")).toBe("DeadlineExceeded");
    expect(job.status).toMatchObject({ ready: 0, terminating: 0, failed: 1 });
    expect(job.status?.completionTime).toBeUndefined();
  });

  test("cron.yaml: a Job is made at the minute, named and annotated for it", async () => {
    const applied = await gantry.kubectl("apply", "-f", example("cron.yaml"));
    expect(applied).toMatchObject({ code: 0 });
    const job = await waitFor(
      "the CronJob's first Job to complete",
      async () => {
        const { items } = await gantry.client.jobs.list();
        const found = items.find((one) => one.metadata.name.startsWith("cron-"));
        return found?.status?.succeeded === 1 ? found : undefined;
      },
      90_000,
    );
    const scheduled = Date.parse(
      job.metadata.annotations?.["batch.kubernetes.io/cronjob-scheduled-timestamp"] ?? "",
    );
    expect(scheduled % 60_000).toBe(0);
    expect(job.metadata.name).toBe(`cron-${scheduled / 60_000}`);
    expect(Date.parse(job.metadata.creationTimestamp ?? "") - scheduled).toBeLessThan(2_000);
    await gantry.kubectl("delete", "cronjob", "cron");
    await waitFor("its Jobs to go", async () =>
      (await gantry.client.jobs.list()).items.some((one) => one.metadata.name.startsWith("cron-"))
        ? undefined
        : true,
    );
  });
});

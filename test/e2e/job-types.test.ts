// The three kinds of Jobs of the examples, each observed at every Pod transition.
import { readFile } from "node:fs/promises";
import { hasCondition } from "@gantry/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { example, gantryUp, type Installation } from "../support/gantry.ts";
import { type JobRecorder, recordJob } from "../support/job-recorder.ts";
import { waitFor } from "../support/wait-for.ts";

let gantry: Installation;
beforeAll(async () => {
  gantry = await gantryUp();
});
afterAll(() => gantry.stop());

type Manifest = Record<string, unknown> & {
  metadata: { name: string };
  spec: { template: { spec: { containers: { command: string[] }[] } } };
};

const manifest = async (file: string, command?: string[]): Promise<Manifest> => {
  const job = parse(await readFile(example(file), "utf8")) as Manifest;
  const container = job.spec.template.spec.containers[0];
  if (command !== undefined && container !== undefined) container.command = command;
  return job;
};

const finished = (name: string): Promise<unknown> =>
  gantry.client.jobs.wait(name, { for: "finished", timeoutMs: 60_000 } as never);

/** The watch is behind the API's answer by moments. */
const sawTheEnd = (recorder: JobRecorder): Promise<unknown> =>
  waitFor("the watch to show the end", () =>
    recorder.jobs.some((job) => hasCondition(job, "Complete") || hasCondition(job, "Failed"))
      ? true
      : undefined,
  );

const names = (recorder: JobRecorder): string[] => [
  ...new Set(recorder.pods.map((change) => change.name)),
];

const phases = (recorder: JobRecorder, pod: string): string[] => {
  const seen = recorder.pods.filter((change) => change.name === pod).map((change) => change.phase);
  return seen.filter((phase, n) => phase !== seen[n - 1]);
};

describe("the Job types of the examples", () => {
  test("non-parallel (pi.yaml): one Pod, Pending then Running then Succeeded", async () => {
    const recorder = recordJob(gantry.client, "pi");
    await gantry.client.jobs.submit((await manifest("pi.yaml")) as never);
    await finished("pi");
    await sawTheEnd(recorder);
    const [pod = ""] = names(recorder);
    expect(names(recorder)).toHaveLength(1);
    await waitFor("the Pod's end", () =>
      phases(recorder, pod).at(-1) === "Succeeded" ? true : undefined,
    );
    expect(phases(recorder, pod)).toEqual(["Pending", "Running", "Succeeded"]);
    recorder.stop();
  });

  test("fixed completion count (pi-fixed.yaml): never more than 2 active, 6 Pods in all", async () => {
    const recorder = recordJob(gantry.client, "pi-fixed");
    await gantry.client.jobs.submit((await manifest("pi-fixed.yaml")) as never);
    await finished("pi-fixed");
    await sawTheEnd(recorder);
    expect(recorder.activeMax()).toBe(2);
    expect(names(recorder)).toHaveLength(6);
    const last = recorder.jobs.at(-1);
    expect(last?.status).toMatchObject({ succeeded: 6, ready: 0, terminating: 0 });
    expect(last?.status?.failed ?? 0).toBe(0);
    for (const job of recorder.jobs) expect(job.status?.active ?? 0).toBeLessThanOrEqual(2);
    // R34: the interim condition is seen before the terminal one.
    const firstMet = recorder.jobs.findIndex((job) => hasCondition(job, "SuccessCriteriaMet"));
    const firstComplete = recorder.jobs.findIndex((job) => hasCondition(job, "Complete"));
    expect(firstMet).toBeGreaterThanOrEqual(0);
    expect(firstMet).toBeLessThan(firstComplete);
    recorder.stop();
  });

  test("work queue (pi-work.yaml): no new Pod after the first success, complete when all ended", async () => {
    const recorder = recordJob(gantry.client, "pi-work");
    await gantry.client.jobs.submit((await manifest("pi-work.yaml")) as never);
    await finished("pi-work");
    await sawTheEnd(recorder);
    expect(names(recorder)).toHaveLength(2);
    const firstSuccess = recorder.pods.findIndex((change) => change.phase === "Succeeded");
    const created = recorder.pods.findLastIndex((change) => change.type === "ADDED");
    expect(created).toBeLessThan(firstSuccess);
    expect(recorder.jobs.at(-1)?.status?.succeeded).toBe(2);
    recorder.stop();
  });

  test("a Pod that fails is replaced, and counts", async () => {
    const job = await manifest("pi-fixed.yaml", [
      "sh",
      "-c",
      "test -e $MARK || { touch $MARK; exit 3; }",
    ]);
    job.metadata.name = "fails-once";
    const container = job.spec.template.spec.containers[0] as Record<string, unknown>;
    container["env"] = [{ name: "MARK", value: `${gantry.dataDir}/mark` }];
    (job.spec as Record<string, unknown>)["completions"] = 1;
    (job.spec as Record<string, unknown>)["parallelism"] = 1;
    const recorder = recordJob(gantry.client, "fails-once");
    await gantry.client.jobs.submit(job as never);
    await finished("fails-once");
    await sawTheEnd(recorder);
    expect(recorder.jobs.at(-1)?.status).toMatchObject({ succeeded: 1, failed: 1 });
    expect(recorder.activeMax()).toBe(1);
    recorder.stop();
  });

  test("a Pod deleted before it finishes is replaced", async () => {
    const job = await manifest("pi.yaml", ["sh", "-c", "test -e $MARK || sleep 1000"]);
    job.metadata.name = "deleted-once";
    const container = job.spec.template.spec.containers[0] as Record<string, unknown>;
    const mark = `${gantry.dataDir}/mark-deleted`;
    container["env"] = [{ name: "MARK", value: mark }];
    const recorder = recordJob(gantry.client, "deleted-once");
    await gantry.client.jobs.submit(job as never);
    const running = await waitFor("a running Pod", () =>
      recorder.pods.find((change) => change.phase === "Running"),
    );
    await (await import("node:fs/promises")).writeFile(mark, "");
    await gantry.client.pods.delete(running.name, { gracePeriodSeconds: 1 });
    await finished("deleted-once");
    await sawTheEnd(recorder);
    expect(names(recorder)).toHaveLength(2);
    expect(recorder.jobs.at(-1)?.status).toMatchObject({ succeeded: 1, failed: 1 });
    await waitFor("the deleted Pod to go", () =>
      recorder.pods.some((change) => change.type === "DELETED" && change.name === running.name)
        ? true
        : undefined,
    );
    recorder.stop();
  });

  test.each([
    [
      "absent",
      undefined,
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [
      "Always",
      "Always",
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
  ])("restartPolicy %s is refused", async (_, policy, message) => {
    const job = await manifest("pi.yaml");
    job.metadata.name = "refused";
    const spec = job.spec.template.spec as Record<string, unknown>;
    if (policy === undefined) delete spec["restartPolicy"];
    else spec["restartPolicy"] = policy;
    await expect(gantry.client.jobs.submit(job as never)).rejects.toThrow(message);
  });
});

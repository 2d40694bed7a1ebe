// The ecs runtime as a user runs it: real processes of Gantry against a fake of ECS, SQS and CloudWatch Logs.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Job } from "@gantry/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type FakeEcs, startFakeEcs } from "../fake-ecs/fake-ecs.ts";
import { gantryConfig, gantryEnvironment } from "../fake-ecs/gantry-config.ts";
import {
  example,
  gantryUpWith,
  type Installation,
  runGantry,
  waitForFile,
} from "../support/gantry.ts";
import { waitFor } from "../support/wait-for.ts";

let directory: string;
let fake: FakeEcs;
let gantry: Installation;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gantry-ecs-e2e-"));
  fake = await startFakeEcs();
  gantry = await gantryUpWith(gantryEnvironment(directory, fake));
});
afterAll(async () => {
  await gantry.stop();
  await fake.close();
  await rm(directory, { recursive: true, force: true });
});

const apply = async (file: string): Promise<void> => {
  const applied = await gantry.gantry("apply", "-f", example(file));
  expect(applied).toMatchObject({ code: 0 });
};

const completed = (name: string): Promise<Job> =>
  waitFor(`job ${name} to complete`, async () => {
    const job: Job = await gantry.client.jobs.get(name);
    const ended = job.status?.conditions?.find(
      ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
    );
    if (ended?.type === "Failed") throw new Error(`job ${name} failed: ${ended.message}`);
    return ended === undefined ? undefined : job;
  });

/** All lines of the Job's Pods, once there are so many: they reach the log a little later. */
const logs = (name: string, count: number): Promise<string[]> =>
  waitFor(`${count} lines of ${name}`, async () => {
    const found: string[] = [];
    for await (const { line } of gantry.client.jobs.logs(name)) found.push(line.trimEnd());
    return found.length >= count ? found.toSorted() : undefined;
  });

/** Tasks of a Job, as the fake knows them. */
const runsOf = async (name: string) => {
  const { items } = await gantry.client.pods.list({ labelSelector: `job-name=${name}` });
  const uids = items.map(({ metadata }) => metadata.uid);
  return fake.journal.runs.filter(({ environment }) =>
    uids.includes(environment["GANTRY_POD_UID"] ?? ""),
  );
};

const mostAtOnce = (runs: Awaited<ReturnType<typeof runsOf>>): number =>
  Math.max(
    ...runs.map(
      ({ createdAtMs }) =>
        runs.filter(
          (other) =>
            other.createdAtMs <= createdAtMs && (other.endedAtMs ?? Infinity) > createdAtMs,
        ).length,
    ),
  );

const digits = (places: number): RegExp => new RegExp(`^3\\.14159\\d{${places - 6},}$`);

describe("the examples", () => {
  test("pi.yaml: one task, its digits through pods/log, the Pod's node and times", async () => {
    await apply("pi.yaml");
    const job = await completed("pi");
    expect(job.status).toMatchObject({ succeeded: 1 });
    expect(await logs("pi", 1)).toEqual([expect.stringMatching(digits(2000))]);
    const runs = await runsOf("pi");
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({
      startedBy: "gantry/fake",
      stopCode: "EssentialContainerExited",
    });
    const tail = await gantry.gantry("logs", "job/pi", "--tail", "1", "--timestamps");
    expect(tail.stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z 3\.14159/);
  });

  test("pi-fixed.yaml: six tasks, never more than two at a time", async () => {
    await apply("pi-fixed.yaml");
    expect((await completed("pi-fixed")).status).toMatchObject({ succeeded: 6 });
    const runs = await runsOf("pi-fixed");
    expect(runs).toHaveLength(6);
    expect(mostAtOnce(runs)).toBeLessThanOrEqual(2);
    const lines = await logs("pi-fixed", 6);
    expect(lines.filter((line) => digits(500).test(line))).toHaveLength(6);
  });

  test("pi-work.yaml: a work queue; two tasks, and the Job is complete when both have ended", async () => {
    await apply("pi-work.yaml");
    const job = await completed("pi-work");
    expect(job.status?.succeeded).toBe((await runsOf("pi-work")).length);
    expect(await runsOf("pi-work")).toHaveLength(2);
  });

  test("indexed.yaml: each index is one task, and each knows its own", async () => {
    await apply("indexed.yaml");
    const job = await completed("indexed");
    expect(job.status).toMatchObject({ succeeded: 5, completedIndexes: "0-4" });
    expect(await logs("indexed", 5)).toEqual([0, 1, 2, 3, 4].map((index) => `part ${index} of 5`));
    expect(await runsOf("indexed")).toHaveLength(5);
  });

  test("gantry run follows the output to the end of the task's log", async () => {
    const file = join(directory, "run.yaml");
    const manifest = stringify({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "followed" },
      spec: {
        template: {
          spec: {
            restartPolicy: "Never",
            containers: [
              {
                name: "main",
                image: "busybox",
                command: ["sh", "-c", "echo one; sleep 1; echo two"],
              },
            ],
          },
        },
      },
    });
    await writeFile(file, manifest);
    const ran = await gantry.gantry("run", file);
    expect(ran).toMatchObject({ code: 0, stdout: "one\ntwo\n" });
  });
});

describe("what ends a task", () => {
  const job = (name: string, script: string, more: object = {}) => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: {
      backoffLimit: 0,
      ...more,
      template: {
        spec: {
          restartPolicy: "Never",
          terminationGracePeriodSeconds: 2,
          containers: [{ name: "main", image: "busybox", command: ["sh", "-c", script] }],
        },
      },
    },
  });
  const running = (name: string) =>
    waitFor(`a task of ${name} to run`, async () => {
      const [run] = await runsOf(name);
      return run !== undefined && run.startedAtMs !== null && run.containers.length > 0
        ? run
        : undefined;
    });

  test("a program that fails: exit code and reason on the Pod, the Job fails", async () => {
    await gantry.client.jobs.submit(job("fails", "exit 42") as never);
    const ended = (await gantry.client.jobs.wait("fails")) as Job;
    expect(ended.status?.conditions?.some(({ type }) => type === "Failed")).toBe(true);
    const { items } = await gantry.client.pods.list({ labelSelector: "job-name=fails" });
    expect(items[0]?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 42,
      reason: "Error",
    });
  });

  test("a restart is another task; the log of the one before is --previous, also after the end", async () => {
    const marker = join(directory, "restarted");
    const script = `[ -e ${marker} ] && { echo second; exit 0; }; touch ${marker}; echo first; exit 3`;
    const restarts = job("restarts", script, { backoffLimit: 6 });
    restarts.spec.template.spec.restartPolicy = "OnFailure";
    await gantry.client.jobs.submit(restarts as never);
    expect((await completed("restarts")).status).toMatchObject({ succeeded: 1 });
    const runs = await runsOf("restarts");
    expect(runs.map(({ containers }) => containers[0]?.exitCode)).toEqual([3, 0]);
    const { items } = await gantry.client.pods.list({ labelSelector: "job-name=restarts" });
    const [pod] = items;
    expect(pod?.status?.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 3 } },
    });
    expect(await logs("restarts", 1)).toEqual(["second"]);
    const previous = await gantry.gantry("logs", pod?.metadata.name ?? "", "--previous");
    expect(previous).toMatchObject({ code: 0, stdout: "first\n" });
  });

  test("the deletion of its Job stops it within its grace", async () => {
    await gantry.client.jobs.submit(
      job("goes", "trap '' TERM; while :; do sleep 0.1; done") as never,
    );
    const run = await running("goes");
    await gantry.client.jobs.delete("goes", { propagation: "Foreground" });
    await gantry.client.jobs.waitDeleted("goes", { timeoutMs: 30_000 });
    expect(run).toMatchObject({ stopCode: "UserInitiated" });
    expect(run.endedAtMs).not.toBeNull();
  });

  test("a host loss is a disruption, which a policy can ignore", async () => {
    const podFailurePolicy = {
      rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }],
    };
    const script = `[ -e ${directory}/again ] && exit 0; touch ${directory}/again; sleep 1000`;
    await gantry.client.jobs.submit(job("bears", script, { podFailurePolicy }) as never);
    const run = await running("bears");
    await waitForFile(join(directory, "again"));
    fake.tasks.interrupt(run.taskArn, "hostLoss");
    const done = await completed("bears");
    expect(done.status).toMatchObject({ succeeded: 1 });
    expect(done.status?.failed ?? 0).toBe(0);
    const { items } = await gantry.client.pods.list({ labelSelector: "job-name=bears" });
    const lost = items.find(({ status }) => status?.phase === "Failed");
    expect(lost?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: "DisruptionTarget", status: "True" }),
    );
  });
});

test("what a task can't do is refused when it is submitted, in a dry run too", async () => {
  const manifest = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "refused" },
    spec: {
      template: {
        spec: {
          restartPolicy: "Never",
          hostNetwork: true,
          containers: [{ name: "main", image: "busybox", command: ["true"] }],
        },
      },
    },
  };
  const file = join(directory, "refused.json");
  await writeFile(file, JSON.stringify(manifest));
  const refused = await gantry.kubectl("apply", "--dry-run=server", "-f", file);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(
    "spec.template.spec.hostNetwork: Forbidden: not supported by runtime ecs-fargate: ",
  );
});

describe("what is refused at the start, with what to mend", () => {
  const start = async (variables: Record<string, string>, ...words: string[]) => {
    const dataDir = await mkdtemp(join(tmpdir(), "gantry-ecs-refused-"));
    try {
      return await runGantry(
        ["up", "--data-dir", dataDir, "--listen", "127.0.0.1:0", "--ops-listen", "off", ...words],
        variables,
      );
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  };

  test("no file, no such file, a file that is wrong in several places", async () => {
    const none = await start({}, "--runtime", "ecs");
    expect(none.code).toBe(1);
    expect(none.stderr).toContain("--ecs-config FILE or GANTRY_ECS_CONFIG");
    const missing = await start({}, "--runtime", "ecs", "--ecs-config", "/nowhere.json");
    expect(missing.stderr).toBe("gantry: --ecs-config /nowhere.json: no such file\n");
    const file = join(directory, "wrong.json");
    await writeFile(file, JSON.stringify({ ...gantryConfig(fake), region: "here", engineId: "" }));
    const wrong = await start({}, "--runtime", "ecs", "--ecs-config", file);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain(`--ecs-config ${file} is not valid:\n`);
    expect(wrong.stderr).toContain("\n  region: must be a region");
    expect(wrong.stderr).toContain("\n  engineId: must be");
  });

  test("no credentials, an unknown cluster", async () => {
    const { AWS_ACCESS_KEY_ID: _, ...anonymous } = gantryEnvironment(directory, fake);
    const unsigned = await start({ ...anonymous, AWS_EC2_METADATA_DISABLED: "true" });
    expect(unsigned.code).toBe(1);
    expect(unsigned.stderr).toMatch(/credentials/i);
    const lost = await mkdtemp(join(directory, "lost-"));
    const environment = gantryEnvironment(lost, fake, {
      lanes: [{ name: "fargate", cluster: "nowhere", launchType: "FARGATE" }],
    });
    const unknown = await start(environment);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain("nowhere");
  });
});

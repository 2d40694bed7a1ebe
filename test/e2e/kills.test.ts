// SIGKILL in the middle of a Job: of the worker, the scheduler, everything at once, and Redis. Each Pod writes
// a journal of its own, so what really ran is known apart from what Gantry says.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gantry, hasCondition, type Job } from "@gantry/sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freshDataDir, gantryUp, GantryProcess, waitForFile } from "../support/gantry.ts";
import { processesWith } from "../support/processes.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { emptySharedRedis, sharedRedisUrl } from "../support/shared-redis.ts";
import { waitFor } from "../support/wait-for.ts";

const COMPLETIONS = 6;
let directory: string;
let journal: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gantry-kill-"));
  journal = join(directory, "journal");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** `pi-fixed`, with Pods slow enough to be killed in between, each telling when it begins and ends. */
const job = (name: string) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name },
  spec: {
    completions: COMPLETIONS,
    parallelism: 2,
    backoffLimit: 20,
    template: {
      spec: {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: "main",
            image: "busybox:1.36",
            command: [
              "sh",
              "-c",
              'echo "begin $POD" >> $JOURNAL; sleep 0.7; echo "end $POD" >> $JOURNAL',
            ],
            env: [
              { name: "JOURNAL", value: journal },
              { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
            ],
          },
        ],
      },
    },
  },
});

const lines = async (kind: "begin" | "end"): Promise<string[]> =>
  (await readFile(journal, "utf8").catch(() => ""))
    .split("\n")
    .filter((line) => line.startsWith(`${kind} `))
    .map((line) => line.slice(kind.length + 1));

const begun = (count: number): Promise<unknown> =>
  waitFor(`${count} Pods to begin`, async () =>
    (await lines("begin")).length >= count ? true : undefined,
  );

/** The Job completes, each Pod was counted once, no Pod ran twice, and no process of it is left. */
const checkOutcome = async (client: Gantry, name: string): Promise<void> => {
  const done = await waitFor(
    "the Job to end",
    async () => {
      const found = (await client.jobs.get(name)) as Job;
      return hasCondition(found, "Complete") || hasCondition(found, "Failed") ? found : undefined;
    },
    90_000,
  );
  const pods = await client.pods.list({ labelSelector: `job-name=${name}` });
  const by = (phase: string) => pods.items.filter((pod) => pod.status?.phase === phase).length;
  expect(hasCondition(done, "Complete")).toBe(true);
  expect(done.status?.succeeded).toBe(COMPLETIONS);
  expect(by("Succeeded")).toBe(COMPLETIONS);
  expect(done.status?.failed ?? 0).toBe(by("Failed"));
  expect(done.status).toMatchObject({ ready: 0, terminating: 0, uncountedTerminatedPods: {} });
  const begins = await lines("begin");
  expect(new Set(begins).size).toBe(begins.length);
  const ends = await lines("end");
  expect(new Set(ends).size).toBe(ends.length);
  const succeeded = pods.items
    .filter((pod) => pod.status?.phase === "Succeeded")
    .map((pod) => pod.metadata.name);
  expect(new Set(ends)).toEqual(new Set([...succeeded, ...ends]));
  for (const pod of succeeded) expect(ends).toContain(pod);
  await waitFor("no process of the Job to be left", async () =>
    (await processesWith(journal)).size === 0 ? true : undefined,
  );
};

describe("all in one process", () => {
  test("killed and started again: the Job completes, every Pod counted once", async () => {
    const gantry = await gantryUp();
    try {
      await gantry.client.jobs.submit(job("killed-up") as never);
      await begun(3);
      await gantry.process.kill();
      await gantry.restart();
      await checkOutcome(gantry.client, "killed-up");
    } finally {
      await gantry.stop();
    }
    expect([...(await processesWith(gantry.dataDir)).values()]).toEqual([]);
  });

  // A shared Redis is not this test's to kill; its failover has tests of its own.
  test.skipIf(sharedRedisUrl !== undefined)(
    "its Redis killed: it is started again and nothing is lost",
    async () => {
      const gantry = await gantryUp();
      try {
        await gantry.client.jobs.submit(job("killed-redis") as never);
        await begun(3);
        const redis = [...(await processesWith(gantry.dataDir))].find(([, command]) =>
          /(redis|valkey)-server/.test(command),
        );
        expect(redis).toBeDefined();
        process.kill(redis?.[0] ?? 0, "SIGKILL");
        await checkOutcome(gantry.client, "killed-redis");
      } finally {
        await gantry.stop();
      }
    },
  );
});

describe("each part in a process of its own", () => {
  let redis: TestRedis | undefined;
  let redisUrl: string;
  let dataDir: string;
  let parts: GantryProcess[];
  let client: Gantry;
  const part = (name: string, ...extra: string[]): GantryProcess => {
    const place = name === "scheduler" ? [] : ["--data-dir", dataDir];
    const started = new GantryProcess([name, "--redis", redisUrl, ...place, ...extra]);
    parts.push(started);
    return started;
  };

  beforeEach(async () => {
    redis = sharedRedisUrl === undefined ? await startRedis({ appendOnly: true }) : undefined;
    redisUrl = redis?.url ?? sharedRedisUrl ?? "";
    if (redis === undefined) await emptySharedRedis(redisUrl);
    dataDir = await freshDataDir();
    parts = [];
    part("api", "--listen", "127.0.0.1:0");
    const kubeconfig = join(dataDir, "kubeconfig");
    await waitForFile(kubeconfig);
    client = Gantry.fromKubeconfig(kubeconfig);
    await waitFor("the API to be ready", async () => (await client.ready()) || undefined);
  });
  afterEach(async () => {
    await Promise.all(parts.map((one) => one.stop()));
    await redis?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("the worker killed", async () => {
    part("scheduler");
    const worker = part("worker");
    await client.jobs.submit(job("killed-worker") as never);
    await begun(3);
    await worker.kill();
    part("worker");
    await checkOutcome(client, "killed-worker");
  });

  test("the scheduler killed", async () => {
    const scheduler = part("scheduler");
    part("worker");
    await client.jobs.submit(job("killed-scheduler") as never);
    await begun(3);
    await scheduler.kill();
    part("scheduler");
    await checkOutcome(client, "killed-scheduler");
  });

  test.skipIf(sharedRedisUrl !== undefined)(
    "Redis killed and restarted from its append-only file",
    async () => {
      part("scheduler");
      part("worker");
      await client.jobs.submit(job("restarted-redis") as never);
      await begun(3);
      await redis?.kill();
      await redis?.restart();
      await checkOutcome(client, "restarted-redis");
    },
  );
});

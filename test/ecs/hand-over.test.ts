// ECS Pods outlive their workers: hand-over, take-over, deletion at any moment, tasks without a Pod.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { RunTaskCommand } from "@aws-sdk/client-ecs";
import { startScheduler } from "@gantry/scheduler";
import type { TaskRecord } from "@gantry/store";
import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import { clientsOf } from "../fake-ecs/clients.ts";
import { waitFor } from "../support/wait-for.ts";
import { EcsCell, shellPod } from "./ecs-cell.ts";

let cell: EcsCell | undefined;
afterEach(async () => {
  await cell?.close();
  cell = undefined;
});

const opened = async (...args: Parameters<typeof EcsCell.open>): Promise<EcsCell> => {
  cell = await EcsCell.open(...args);
  return cell;
};

const untilFile = (file: string): string => `while [ ! -e ${file} ]; do sleep 0.05; done`;

describe("a worker that ends in order", () => {
  test("hands its Pods over at once, and touches no task", async () => {
    const gantry = await opened();
    const first = await gantry.worker("w1");
    const file = join(gantry.directory, "go");
    const keys = await gantry.pods("p", 5, shellPod(untilFile(file)));
    for (const key of keys) await gantry.until("running", key, (pod) => pod.phase === "Running");
    await gantry.worker("w2");
    await gantry.stop(first);
    for (const key of keys) {
      await gantry.until("taken over", key, (pod) => pod.node === "w2", 10_000);
    }
    writeFileSync(file, "");
    for (const key of keys) {
      const pod = await gantry.ended(key);
      expect(pod.phase).toBe("Succeeded");
      expect(gantry.runs(pod.uid)).toHaveLength(1);
    }
    expect(gantry.fake.journal.requests.some(({ operation }) => operation === "StopTask")).toBe(
      false,
    );
    await gantry.quiet();
  });

  test("Pods that ended while there was no worker are told of by the next", async () => {
    const gantry = await opened();
    const first = await gantry.worker("w1");
    const file = join(gantry.directory, "go");
    const key = await gantry.onePod(`${untilFile(file)}; exit 7`);
    const { uid } = await gantry.until("running", key, (pod) => pod.phase === "Running" && pod);
    await gantry.stop(first);
    writeFileSync(file, "");
    await waitFor("the task's end", async () => gantry.runs(uid)[0]?.endedAtMs ?? undefined);
    await gantry.worker("w2");
    expect(await gantry.ended(key)).toMatchObject({
      phase: "Failed",
      containers: [{ exitCode: 7 }],
    });
    await gantry.quiet();
  });

  test("nodes that are gone lose no Pods of ECS, and are forgotten once these were taken", async () => {
    const gantry = await opened();
    const scheduler = await startScheduler({
      redis: { url: gantry.redis.url },
      log: pino({ level: "silent" }),
      nodeGraceMs: 100,
    });
    try {
      const first = await gantry.worker("w1");
      const file = join(gantry.directory, "go");
      const key = await gantry.onePod(untilFile(file));
      const { uid } = await gantry.until("running", key, (pod) => pod.phase === "Running" && pod);
      await gantry.stop(first);
      // What a person may do in Bull Board.
      await gantry.queues.pods("pods").remove(uid);
      await waitFor("the node to be removed", async () =>
        (await gantry.store.get("nodes", "w1")) === null ? true : undefined,
      );
      await waitFor("the queue job", async () => gantry.queues.pods("pods").getJob(uid));
      expect((await gantry.pod(key)).phase).toBe("Running");
      await gantry.worker("w2");
      await gantry.until("taken over", key, (pod) => pod.node === "w2", 20_000);
      writeFileSync(file, "");
      expect((await gantry.ended(key)).phase).toBe("Succeeded");
      await waitFor("the node to be forgotten", async () =>
        (await gantry.store.redis.zscore(gantry.store.key("leases"), "w1")) === null
          ? true
          : undefined,
      );
    } finally {
      await scheduler.close();
    }
  });
});

test("a worker that stood still is fenced off: its Pods are another's by then", async () => {
  const gantry = await opened();
  await gantry.worker("w1");
  const file = join(gantry.directory, "go");
  const key = await gantry.onePod(untilFile(file));
  const before = await gantry.until("running", key, (pod) => pod.phase === "Running" && pod);
  // What another worker writes once the first one's lease has run out.
  const claim = (before.claim ?? 0) + 1;
  await gantry.change(key, (pod) => ({ ...pod, node: "w2", claim }));
  await gantry.worker("w2");
  await gantry.until("taken over", key, (pod) => (pod.claim ?? 0) > (before.claim ?? 0));
  writeFileSync(file, "");
  const pod = await gantry.ended(key);
  expect(pod).toMatchObject({ phase: "Succeeded", node: "w2" });
  expect(gantry.runs(pod.uid)).toHaveLength(1);
  await gantry.quiet();
});

/** What a worker that is killed at a moment leaves, and the next one has to make of it. */
describe("a worker that dies in the middle of a launch", () => {
  /** A record as it is between the intent and the reply. */
  const interrupted = async (gantry: EcsCell, wasSent: boolean): Promise<string> => {
    const first = await gantry.worker("w1");
    gantry.fake.faults.script({ on: "RunTask", fault: "accessDenied", times: 1_000 });
    const key = await gantry.onePod("sleep 0.2; exit 0");
    const { uid } = await gantry.pod(key);
    const record = await waitFor("the intent", async () => (await gantry.record(uid)) ?? undefined);
    expect(record).toMatchObject({ attempt: 1, podUid: uid });
    await gantry.stop(first);
    gantry.fake.faults.clear();
    if (wasSent) {
      const clients = clientsOf(gantry.fake);
      await clients.ecs.send(new RunTaskCommand(record.input));
      clients.destroy();
    }
    await gantry.store.redis.del(gantry.store.key("ecs:lanes"));
    return key;
  };

  test.each([
    ["before RunTask was sent", false],
    ["after it was sent, before the reply", true],
  ])("%s: one task, attempt 1", async (_when, wasSent) => {
    const gantry = await opened();
    const key = await interrupted(gantry, wasSent);
    await gantry.worker("w2");
    const pod = await gantry.ended(key);
    expect(pod).toMatchObject({ phase: "Succeeded", node: "w2" });
    expect(gantry.runs(pod.uid).map(({ clientToken }) => clientToken)).toEqual([`${pod.uid}.1`]);
    await gantry.quiet();
  });

  test("its token was used with other parameters: the task that made is adopted", async () => {
    const gantry = await opened();
    const key = await interrupted(gantry, false);
    const { uid } = await gantry.pod(key);
    const record = await gantry.record(uid);
    const clients = clientsOf(gantry.fake);
    const input = { ...(record as TaskRecord).input, group: "other" };
    await clients.ecs.send(new RunTaskCommand(input));
    clients.destroy();
    await gantry.worker("w2");
    expect((await gantry.ended(key)).phase).toBe("Succeeded");
    expect(gantry.runs(uid)).toHaveLength(1);
    const outcomes = gantry.fake.journal.requests.map(({ outcome }) => outcome);
    expect(outcomes).toContain("ConflictException");
    await gantry.quiet();
  });

  const aged = async (gantry: EcsCell, key: string): Promise<void> => {
    const { uid } = await gantry.pod(key);
    const record = await gantry.record(uid);
    const old: TaskRecord = { ...(record as TaskRecord), launchedAtMs: Date.now() - 51 * 60_000 };
    await gantry.store.redis.hset(gantry.store.key("ecs:records"), uid, JSON.stringify(old));
  };

  test("so long ago that the token may be forgotten: nothing is sent, the Pod fails", async () => {
    const gantry = await opened();
    const key = await interrupted(gantry, false);
    await aged(gantry, key);
    await gantry.worker("w2");
    const pod = await gantry.ended(key);
    expect(pod.conditions).toContainEqual(
      expect.objectContaining({ type: "DisruptionTarget", reason: "LaunchOutcomeUnknown" }),
    );
    expect(gantry.runs(pod.uid)).toEqual([]);
    await gantry.quiet();
  });

  test("so long ago, and its task runs: it is found and followed", async () => {
    const gantry = await opened();
    const first = await gantry.worker("w1");
    const file = join(gantry.directory, "go");
    const key = await gantry.onePod(untilFile(file));
    const { uid } = await gantry.until("running", key, (pod) => pod.phase === "Running" && pod);
    await gantry.stop(first);
    const { taskArn: _lost, ...record } = (await gantry.record(uid)) as TaskRecord;
    await gantry.store.redis.hset(gantry.store.key("ecs:records"), uid, JSON.stringify(record));
    await gantry.store.redis.del(gantry.store.key("ecs:tasks"));
    await aged(gantry, key);
    await gantry.worker("w2");
    await gantry.until("taken over", key, (pod) => pod.node === "w2");
    writeFileSync(file, "");
    expect((await gantry.ended(key)).phase).toBe("Succeeded");
    expect(gantry.runs(uid)).toHaveLength(1);
  });
});

describe("deletion", () => {
  test("keeps the Pod until its task has stopped", async () => {
    const gantry = await opened();
    await gantry.worker("w1");
    const key = await gantry.onePod(`trap "sleep 0.5; exit 0" TERM; while :; do sleep 0.05; done`);
    const { uid } = await gantry.until("running", key, (pod) => pod.phase === "Running" && pod);
    await gantry.delete(key);
    await gantry.gone(key);
    const [run] = gantry.runs(uid);
    expect(run?.containers[0]?.endedAtMs).not.toBeNull();
    expect(run?.stoppedReason).toContain("the Pod is deleted");
    await gantry.quiet();
  });

  test("while it waits for room starts nothing", async () => {
    const gantry = await opened();
    gantry.fake.faults.script({ on: "RunTask", fault: "capacity", times: 1_000 });
    await gantry.worker("w1");
    const key = await gantry.onePod("sleep 60");
    const { uid } = await gantry.until(
      "refused",
      key,
      (pod) => pod.conditions !== undefined && pod,
    );
    await gantry.delete(key);
    await gantry.gone(key);
    gantry.fake.faults.clear();
    await gantry.fake.tasks.settled();
    expect(gantry.runs(uid)).toEqual([]);
  });

  test("while its launch is throttled starts nothing", async () => {
    const gantry = await opened();
    gantry.fake.faults.script({ on: "RunTask", fault: "throttle", times: 1_000 });
    await gantry.worker("w1");
    const key = await gantry.onePod("sleep 60");
    const { uid } = await gantry.pod(key);
    await waitFor("the intent", async () => (await gantry.record(uid)) ?? undefined);
    await gantry.delete(key);
    await gantry.gone(key);
    gantry.fake.faults.clear();
    await gantry.quiet();
    expect(gantry.runs(uid)).toEqual([]);
  });

  test("while RunTask is under way stops what it starts", async () => {
    const gantry = await opened();
    gantry.fake.faults.script({ on: "RunTask", fault: "lateReply", ms: 1_500 });
    await gantry.worker("w1");
    const key = await gantry.onePod("sleep 60");
    const { uid } = await gantry.pod(key);
    await waitFor("the task", async () => gantry.runs(uid)[0]);
    await gantry.delete(key);
    await gantry.gone(key);
    await gantry.quiet();
    expect(gantry.runs(uid)).toHaveLength(1);
  });

  test("by force removes the Pod at once; its task is stopped all the same", async () => {
    const gantry = await opened();
    await gantry.worker("w1");
    const key = await gantry.onePod("sleep 60");
    await gantry.until("running", key, (pod) => pod.phase === "Running");
    await gantry.delete(key, 0);
    await gantry.gone(key);
    await gantry.quiet();
  });

  test("by force while no worker is there: the next one stops the task", async () => {
    const gantry = await opened();
    const first = await gantry.worker("w1");
    const key = await gantry.onePod("sleep 60");
    await gantry.until("running", key, (pod) => pod.phase === "Running");
    await gantry.stop(first);
    await gantry.delete(key, 0);
    await gantry.gone(key);
    await gantry.worker("w2");
    await gantry.quiet(90_000);
  });
});

describe("the sweep of orphans", () => {
  const sweeping = { intervalSeconds: 1, minAgeSeconds: 1, dryRunSeconds: 0 };

  /** A task in our name that no Pod has. */
  const orphan = async (gantry: EcsCell): Promise<string> => {
    const key = await gantry.onePod("sleep 60");
    const { uid } = await gantry.until("running", key, (pod) => pod.phase === "Running" && pod);
    await gantry.store.redis.hdel(gantry.store.key("ecs:records"), uid);
    await gantry.store.redis.hdel(gantry.store.key("o:pods"), key);
    return uid;
  };

  test("stops what nobody owns, and leaves the others alone", async () => {
    const gantry = await opened();
    const first = await gantry.worker("w1");
    const uid = await orphan(gantry);
    await gantry.stop(first);
    await gantry.worker("w2", { sweep: sweeping });
    const file = join(gantry.directory, "go");
    const key = await gantry.onePod(untilFile(file));
    const run = await waitFor("the orphan's end", async () => {
      const [found] = gantry.runs(uid);
      return found?.endedAtMs === null ? undefined : found;
    });
    expect(run?.stoppedReason).toContain("orphan: no Pod");
    const owned = await gantry.until("running", key, (pod) => pod.phase === "Running" && pod);
    expect(gantry.runs(owned.uid)[0]?.endedAtMs).toBeNull();
    writeFileSync(file, "");
    expect((await gantry.ended(key)).phase).toBe("Succeeded");
  });

  test("only tells of them at first, when the store's server is new", async () => {
    const gantry = await opened();
    const first = await gantry.worker("w1");
    const uid = await orphan(gantry);
    await gantry.stop(first);
    await gantry.worker("w2", { sweep: { ...sweeping, dryRunSeconds: 3600 } });
    await waitFor("the orphan to be told of", async () => {
      const all = await gantry.store.listAll("events");
      return all.items.find(
        ({ value }) => (value as { reason?: unknown }).reason === "OrphanedTask",
      );
    });
    await waitFor("two more sweeps", async () => {
      const lists = gantry.fake.journal.requests.filter(
        ({ operation }) => operation === "ListTasks",
      );
      return lists.length >= 4 || undefined;
    });
    expect(gantry.runs(uid)[0]?.endedAtMs).toBeNull();
  });

  test("task definitions that no Pod used for long go, and come again when they are needed", async () => {
    const gantry = await opened();
    await gantry.worker("w1", { sweep: { ...sweeping, definitionDays: 1e-9 } });
    await gantry.ended(await gantry.onePod("exit 0"));
    const made = (operation: string) =>
      gantry.fake.journal.requests.filter((request) => request.operation === operation);
    await waitFor("the definition to go", async () => made("DeleteTaskDefinitions")[0]);
    expect(made("DeregisterTaskDefinition")).toHaveLength(1);
    const pod = await gantry.ended(await gantry.onePod("exit 0"));
    expect(pod.phase).toBe("Succeeded");
    expect(made("RegisterTaskDefinition").length).toBeGreaterThanOrEqual(2);
  });
});

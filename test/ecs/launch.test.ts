// Pods of the ecs runtime from launch to end, and what ECS does to launches, against the fake.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { StopTaskCommand } from "@aws-sdk/client-ecs";
import type { PodRecord } from "@gantry/core";
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

const condition = (pod: PodRecord, type: string) =>
  pod.conditions?.find((one) => one.type === type);

const events = async (gantry: EcsCell, uid: string): Promise<string[]> => {
  const all = await gantry.store.listAll("events");
  return all.items.flatMap(({ value }) => {
    const { involvedObject, reason } = value as unknown as {
      involvedObject: { uid: string };
      reason: string;
    };
    return involvedObject.uid === uid ? [reason] : [];
  });
};

/** A program that runs until the file is there. */
const untilFile = (file: string): string => `while [ ! -e ${file} ]; do sleep 0.05; done`;

describe.each([
  ["with events", {}],
  ["by polling alone", { watch: { queueUrl: undefined, youngPollSeconds: 0.2 } }],
])("%s", (_how, settings) => {
  test("a Pod runs, succeeds, and keeps what is known of its task", async () => {
    const gantry = await opened({}, settings);
    await gantry.worker("w1");
    const file = join(gantry.directory, "go");
    const key = await gantry.onePod(untilFile(file));
    await gantry.until("running", key, (pod) => pod.phase === "Running" && pod.ready);
    writeFileSync(file, "");
    const pod = await gantry.ended(key);
    expect(pod).toMatchObject({ phase: "Succeeded", node: "w1", portable: true });
    expect(pod.containers[0]).toMatchObject({ state: "terminated", exitCode: 0 });
    expect(condition(pod, "PodScheduled")).toBeUndefined();
    const [run, ...others] = gantry.runs(pod.uid);
    expect(others).toEqual([]);
    expect(pod.handle).toBe(run?.taskArn);
    expect(run?.clientToken).toBe(`${pod.uid}.1`);
    const facts = JSON.parse(pod.meta?.annotations?.["gantry.dev/ecs-task"] ?? "{}") as object;
    expect(facts).toMatchObject({ taskArn: run?.taskArn, stopCode: "EssentialContainerExited" });
    await gantry.quiet();
  });

  test("a program's exit code fails the Pod", async () => {
    const gantry = await opened({}, settings);
    await gantry.worker("w1");
    const pod = await gantry.ended(await gantry.onePod("exit 42"));
    expect(pod).toMatchObject({ phase: "Failed", containers: [{ exitCode: 42 }] });
    expect(condition(pod, "DisruptionTarget")).toBeUndefined();
    await gantry.quiet();
  });
});

/** What one RunTask meets, and how many tasks there are in the end. */
describe("one task, whatever its RunTask meets", () => {
  test.each([
    ["a throttle", "throttle", 2],
    ["a throttle inside InvalidParameterException", "subnetThrottle", 1],
    ["an internal error", "serverError", 2],
    ["an error after the task was made", "serverErrorAfterCommit", 1],
    ["a load balancer's 503", "unavailable", 2],
    ["a connection that ends before", "dropBefore", 2],
    ["a connection that ends after", "dropAfter", 2],
    ["a late reply", "lateReply", 1],
  ] as const)("%s", async (_what, fault, times) => {
    const gantry = await opened();
    gantry.fake.faults.script({ on: "RunTask", fault, times });
    await gantry.worker("w1");
    const pod = await gantry.ended(await gantry.onePod("exit 0"));
    expect(pod.phase).toBe("Succeeded");
    expect(gantry.runs(pod.uid)).toHaveLength(1);
    expect(gantry.runs(pod.uid)[0]?.clientToken).toBe(`${pod.uid}.1`);
    await gantry.quiet();
  });

  test("ECS does not know the new task for a while", async () => {
    const gantry = await opened(
      {},
      { watch: { queueUrl: undefined, youngPollSeconds: 0.2, oldPollSeconds: 0.2 } },
    );
    gantry.fake.faults.script({ on: "task", fault: "missing", ms: 1_500 });
    await gantry.worker("w1");
    const pod = await gantry.ended(await gantry.onePod("exit 0"));
    expect(pod.phase).toBe("Succeeded");
    expect(gantry.runs(pod.uid)).toHaveLength(1);
  });
});

describe("launches that ECS refuses", () => {
  test("no capacity: the Pod stays Pending and says why, then runs as attempt 2", async () => {
    const gantry = await opened();
    gantry.fake.faults.script({ on: "RunTask", fault: "capacity" });
    await gantry.worker("w1");
    const key = await gantry.onePod("exit 0");
    const waiting = await gantry.until("unschedulable", key, (pod) => {
      const found = condition(pod, "PodScheduled");
      return found?.status === "False" && found;
    });
    expect(waiting).toMatchObject({ reason: "Unschedulable" });
    expect(waiting.message).toContain("Capacity is unavailable");
    expect((await gantry.pod(key)).phase).toBe("Pending");
    const pod = await gantry.ended(key);
    expect(pod.phase).toBe("Succeeded");
    expect(condition(pod, "PodScheduled")).toBeUndefined();
    expect(gantry.runs(pod.uid).map(({ clientToken }) => clientToken)).toEqual([`${pod.uid}.2`]);
    expect(await events(gantry, pod.uid)).toContain("FailedScheduling");
  });

  test("many Pods on a lane without capacity: one of them asks", async () => {
    const gantry = await opened();
    gantry.fake.faults.script({ on: "RunTask", fault: "capacity", times: 2 });
    await gantry.worker("w1");
    const keys = await gantry.pods("many", 12, shellPod("exit 0"));
    for (const key of keys) expect((await gantry.ended(key)).phase).toBe("Succeeded");
    expect(gantry.fake.journal.runs).toHaveLength(12);
    await gantry.quiet();
  });

  test("a task comes although ECS said that none would: it is adopted", async () => {
    const gantry = await opened();
    gantry.fake.faults.script({ on: "RunTask", fault: "ghost", ms: 300 });
    await gantry.worker("w1");
    const pod = await gantry.ended(await gantry.onePod("exit 0"));
    expect(pod.phase).toBe("Succeeded");
    expect(gantry.runs(pod.uid).map(({ clientToken }) => clientToken)).toEqual([`${pod.uid}.1`]);
    await gantry.quiet();
  });

  test("it comes after the next attempt: it is stopped", async () => {
    const gantry = await opened();
    gantry.fake.faults.script({ on: "RunTask", fault: "ghost", ms: 9_000 });
    await gantry.worker("w1");
    const file = join(gantry.directory, "go");
    const key = await gantry.onePod(untilFile(file));
    const { uid } = await gantry.pod(key);
    const ghost = await waitFor(
      "the ghost",
      async () => gantry.runs(uid).find(({ clientToken }) => clientToken === `${uid}.1`),
      60_000,
    );
    await waitFor("the ghost to be stopped", async () => ghost.endedAtMs ?? undefined);
    expect(ghost.stoppedReason).toContain("superseded");
    writeFileSync(file, "");
    expect((await gantry.ended(key)).phase).toBe("Succeeded");
    await gantry.quiet();
  });

  test("an image that can't be pulled: another attempt in the same Pod", async () => {
    const gantry = await opened();
    gantry.fake.faults.script({ on: "task", fault: "pullError" });
    await gantry.worker("w1");
    const key = await gantry.onePod("exit 0");
    await gantry.until(
      "ErrImagePull",
      key,
      (pod) => pod.phase === "Pending" && pod.containers[0]?.reason === "ErrImagePull",
    );
    const pod = await gantry.ended(key);
    expect(pod.phase).toBe("Succeeded");
    expect(gantry.runs(pod.uid)).toHaveLength(2);
    await gantry.quiet();
  });

  test("a Pod that no task can be is failed, with the path and the reason", async () => {
    const gantry = await opened();
    await gantry.worker("w1");
    const key = await gantry.onePod("exit 0", {
      containers: [{ name: "main", image: "busybox", command: ["true"], workingDir: "/" }],
      terminationGracePeriodSeconds: 600,
    });
    const pod = await gantry.ended(key);
    expect(pod).toMatchObject({ phase: "Failed", reason: "UnsupportedByRuntime" });
    expect(pod.message).toContain("terminationGracePeriodSeconds");
    expect(gantry.runs(pod.uid)).toHaveLength(0);
  });

  test("a permission is missing: Pods wait, and go on when it is given", async () => {
    const gantry = await opened();
    gantry.fake.faults.script({ on: "RunTask", fault: "accessDenied" });
    await gantry.worker("w1");
    const key = await gantry.onePod("exit 0");
    await gantry.until(
      "says so",
      key,
      (pod) => condition(pod, "PodScheduled")?.message?.includes("AccessDenied") === true,
    );
    expect(await gantry.store.redis.hkeys(gantry.store.key("ecs:lanes"))).toEqual(["fargate"]);
    const pod = await gantry.ended(key);
    expect(pod.phase).toBe("Succeeded");
    expect(await gantry.store.redis.hkeys(gantry.store.key("ecs:lanes"))).toEqual([]);
  });

  test("a definition that somebody deregistered is registered again", async () => {
    const gantry = await opened();
    await gantry.worker("w1");
    await gantry.ended(await gantry.onePod("exit 0"));
    const { DeregisterTaskDefinitionCommand } = await import("@aws-sdk/client-ecs");
    const clients = clientsOf(gantry.fake);
    const [run] = gantry.fake.journal.runs;
    const taskDefinition = run?.taskDefinitionArn;
    await clients.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
    clients.destroy();
    const pod = await gantry.ended(await gantry.onePod("exit 0"));
    expect(pod.phase).toBe("Succeeded");
    expect(gantry.fake.journal.runs.at(-1)?.taskDefinitionArn).not.toBe(taskDefinition);
  });

  test("Pods of one template share a definition, registered once by two workers", async () => {
    const gantry = await opened({ logGroups: ["gantry"] });
    await Promise.all([gantry.worker("w1"), gantry.worker("w2")]);
    const keys = await gantry.pods("same", 20, shellPod("exit 0"));
    for (const key of keys) await gantry.ended(key);
    const made = gantry.fake.journal.requests.filter(
      ({ operation }) => operation === "RegisterTaskDefinition",
    );
    expect(made).toHaveLength(1);
  });
});

describe("ends that are not the program's", () => {
  test.each([
    ["humanStop", "ExternalStop"],
    ["hostLoss", "NodeTerminated"],
    ["maintenance", "InfrastructureMaintenance"],
    ["vanish", "TaskStateUnknown"],
  ] as const)("%s fails the Pod with DisruptionTarget %s", async (fault, reason) => {
    const gantry = await opened(
      {},
      { watch: { youngPollSeconds: 0.3, safetyPollSeconds: 0.5, maxDescribeCallsPerSecond: 20 } },
    );
    gantry.fake.faults.script({ on: "task", fault, ms: 200 });
    await gantry.worker("w1");
    const pod = await gantry.ended(await gantry.onePod("sleep 60"));
    expect(pod.phase).toBe("Failed");
    expect(condition(pod, "DisruptionTarget")).toMatchObject({ status: "True", reason });
  });

  test("restartPolicy OnFailure: a new task in the same Pod", async () => {
    const gantry = await opened();
    await gantry.worker("w1");
    const file = join(gantry.directory, "second");
    const script = `if [ -e ${file} ]; then exit 0; fi; touch ${file}; exit 3`;
    const pod = await gantry.ended(await gantry.onePod(script, { restartPolicy: "OnFailure" }));
    expect(pod.phase).toBe("Succeeded");
    expect(pod.containers[0]).toMatchObject({ restartCount: 1, lastState: { exitCode: 3 } });
    expect(gantry.runs(pod.uid).map(({ clientToken }) => clientToken)).toEqual([
      `${pod.uid}.1`,
      `${pod.uid}.2`,
    ]);
    await gantry.quiet();
  });

  test("activeDeadlineSeconds of the Pod stops its task", async () => {
    const gantry = await opened();
    await gantry.worker("w1");
    const pod = await gantry.ended(await gantry.onePod("sleep 60", { activeDeadlineSeconds: 1 }));
    expect(pod).toMatchObject({ phase: "Failed", reason: "DeadlineExceeded" });
    await gantry.quiet();
  });

  test("a task that does not start in time is stopped, and another is started", async () => {
    const gantry = await opened({}, { launch: { provisioningSeconds: 1 } });
    gantry.fake.faults.script({ on: "task", fault: "stuck" });
    await gantry.worker("w1");
    const pod = await gantry.ended(await gantry.onePod("exit 0"));
    expect(pod.phase).toBe("Succeeded");
    expect(gantry.runs(pod.uid)).toHaveLength(2);
    await gantry.quiet();
  });
});

test("an event that is no task's goes to the dead-letter queue; others are deleted", async () => {
  const gantry = await opened({ visibilityTimeoutSeconds: 1, maxReceiveCount: 2 });
  await gantry.worker("w1");
  gantry.fake.queue.send("not JSON", 0);
  const pod = await gantry.ended(await gantry.onePod("exit 0"));
  expect(pod.phase).toBe("Succeeded");
  await waitFor(
    "the message to be put aside",
    async () => gantry.fake.deadLetters.take(1, 30)[0]?.body,
  );
});

test("a human stops a task by hand while nobody looks: the stop is told apart", async () => {
  const gantry = await opened();
  const worker = await gantry.worker("w1");
  const key = await gantry.onePod("sleep 60");
  const running = await gantry.until("running", key, (pod) => pod.phase === "Running" && pod);
  await gantry.stop(worker);
  const clients = clientsOf(gantry.fake);
  const stop = { task: running.handle, reason: "by hand" };
  await clients.ecs.send(new StopTaskCommand(stop));
  clients.destroy();
  await gantry.worker("w2");
  const pod = await gantry.ended(key);
  expect(condition(pod, "DisruptionTarget")).toMatchObject({ reason: "ExternalStop" });
});

// One task followed with a clock of the test's own: stops that are sent again, phases that last too long.
import { type EcsTask, parseEcsSettings } from "@gantry/core";
import type { TaskRecord } from "@gantry/store";
import { expect, test } from "vitest";
import type { RuntimeEvent } from "../runtime.ts";
import type { EcsContext } from "./ecs-context.ts";
import { TaskFollow } from "./task-follow.ts";

const settings = parseEcsSettings({
  engineId: "test",
  region: "us-east-1",
  lanes: [{ name: "fargate", cluster: "default", launchType: "FARGATE" }],
  network: { subnets: [{ id: "subnet-1" }], securityGroups: [] },
  executionRoleArn: "arn:aws:iam::123456789012:role/execution",
});

const record = {
  podUid: "uid",
  pod: "default/p",
  attempt: 1,
  restarts: 0,
  failedLaunches: 0,
  capacityFailures: 0,
  spotAttempts: 0,
  lane: "fargate",
  cluster: "default",
  launchedAtMs: 0,
  firstLaunchedAtMs: 0,
  input: {},
  definition: "gantry-1",
  cpu: 256,
  taskArn: "arn:task/1",
} as unknown as TaskRecord;

class Trial {
  nowMs = 0;
  readonly stops: string[] = [];
  readonly notes: TaskRecord[] = [];
  readonly events: RuntimeEvent[] = [];
  readonly follow: TaskFollow;
  #version = 0;

  constructor() {
    const nothing = (): void => {};
    const context = {
      settings,
      now: () => this.nowMs,
      store: { key: (name: string) => name, redis: { hget: async () => null } },
      ledger: { note: async (_pod: unknown, next: TaskRecord) => void this.notes.push(next) },
      watch: { add: nothing, remove: nothing, hurry: nothing },
      counters: { count: nothing, latency: nothing },
      log: { warn: nothing },
      clients: {
        ecs: {
          send: async ({ input }: { input: { reason: string } }) => {
            // Written before it is done.
            expect(this.notes).toHaveLength(1);
            this.stops.push(input.reason);
          },
        },
      },
      api: { patiently: (_name: string, _bucket: string, call: () => Promise<unknown>) => call() },
    } as unknown as EcsContext;
    const pod = {
      namespace: "default",
      name: "p",
      uid: "uid",
      labels: {},
      annotations: {},
      node: "n",
      serviceAccountName: "default",
      spec: { containers: [{ name: "main" }], terminationGracePeriodSeconds: 60 },
      sources: new Map(),
    };
    const sink = {
      observed: nothing,
      event: (event: RuntimeEvent) => void this.events.push(event),
    };
    const target = { pod, ledger: { key: "default/p", uid: "uid" }, sink };
    this.follow = new TaskFollow(context, target, record);
  }

  async heard(lastStatus: string, more: Partial<EcsTask> = {}): Promise<void> {
    this.#version += 1;
    const task = { taskArn: "arn:task/1", desiredStatus: "RUNNING", containers: [] };
    this.follow.heard({ ...task, version: this.#version, lastStatus, ...more });
    // The loop takes its turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a stop is written first, sent once, and again five minutes after the grace", async () => {
  const trial = new Trial();
  const end = trial.follow.toTheEnd(true);
  await trial.heard("RUNNING");
  trial.follow.stop({ reason: "Deleted", atMs: 0 });
  await trial.heard("RUNNING");
  expect(trial.stops).toEqual(["gantry: the Pod is deleted"]);
  expect(trial.notes).toMatchObject([{ stop: { reason: "Deleted" } }]);
  trial.nowMs = 60_000 + 5 * 60_000 - 1;
  await trial.heard("STOPPING");
  expect(trial.stops).toHaveLength(1);
  trial.nowMs += 1;
  await trial.heard("DEPROVISIONING");
  expect(trial.stops).toHaveLength(2);
  expect(trial.events.map(({ reason }) => reason)).toEqual(["Killing", "FailedKillPod"]);
  await trial.heard("STOPPED", { stopCode: "UserInitiated" });
  expect(await end).toMatchObject({ kind: "outcome", clear: true });
});

test.each([
  ["PROVISIONING", settings.launch.provisioningSeconds],
  ["PENDING", settings.launch.pendingSeconds],
  ["ACTIVATING", settings.launch.activatingSeconds],
])(
  "a task that is %s for longer than %i s is stopped, and another is due",
  async (status, seconds) => {
    const trial = new Trial();
    const end = trial.follow.toTheEnd(true);
    await trial.heard(status);
    trial.nowMs = seconds * 1000 - 1;
    await trial.heard(status);
    expect(trial.stops).toEqual([]);
    trial.nowMs += 1;
    await trial.heard(status);
    expect(trial.stops).toEqual([`gantry: the task was ${status} for longer than ${seconds} s`]);
    await trial.heard("STOPPED", { stopCode: "UserInitiated" });
    expect(await end).toMatchObject({ kind: "outcome", outcome: { kind: "relaunch" } });
  },
);

test("news that are older than what is known change nothing, in whatever order they come", async () => {
  const trial = new Trial();
  const end = trial.follow.toTheEnd(true);
  await trial.heard("RUNNING", { version: 7 });
  await trial.heard("PENDING", { version: 3 });
  expect(trial.follow.task?.lastStatus).toBe("RUNNING");
  const containers = [{ name: "main", lastStatus: "STOPPED", exitCode: 0 }];
  await trial.heard("STOPPED", { version: 9, stopCode: "EssentialContainerExited", containers });
  await trial.heard("RUNNING", { version: 10 });
  expect(trial.follow.task?.lastStatus).toBe("STOPPED");
  trial.follow.release();
  await end;
});

// ecs.md section 3: from a task to its Pod's status.
import fc from "fast-check";
import { expect, test } from "vitest";
import { failsLiveness } from "./health-check.ts";
import { rfc3339 } from "../apimachinery/time.ts";
import type { LaunchIntent } from "./launch-intent.ts";
import type { PodSpec } from "../schema/pod.ts";
import { parseEcsSettings } from "./settings.ts";
import { type EcsTask, taskFrom } from "./task.ts";
import { lostTask, taskOutcome } from "./task-judgement.ts";
import type { TaskObservation } from "./task-outcome.ts";
import { isNewer } from "./task-version.ts";

const settings = parseEcsSettings({
  engineId: "test",
  region: "eu-west-1",
  lanes: [{ name: "fargate", cluster: "jobs", launchType: "FARGATE" }],
  network: { subnets: [{ id: "subnet-1" }], securityGroups: [] },
  executionRoleArn: "arn:aws:iam::1:role/exec",
});

const START = 1_800_000_000_000;
const at = (seconds: number): string => rfc3339(START + seconds * 1000);
const nowMs = START + 100_000;

const spec: PodSpec = {
  restartPolicy: "Never",
  containers: [{ name: "main", image: "perl:5.34" }],
};

const intent: LaunchIntent = {
  podUid: "u",
  attempt: 1,
  restarts: 0,
  failedLaunches: 0,
  lane: "fargate",
  launchedAtMs: START,
  firstLaunchedAtMs: START,
};

const ran = { pullStartedAt: at(5), pullStoppedAt: at(10), startedAt: at(11) };
const over = { ...ran, executionStoppedAt: at(60), stoppedAt: at(70) };

const taskOf = (fields: object): EcsTask => {
  const task = taskFrom({ taskArn: "arn:aws:ecs:r:1:task/jobs/abc", createdAt: at(1), ...fields });
  if (task === undefined) throw new Error("no task");
  return task;
};

const main = (fields: object = {}): object[] => [
  { name: "main", image: "perl:5.34", lastStatus: "STOPPED", ...fields },
];

const outcome = (
  fields: object,
  change: {
    intent?: Partial<LaunchIntent>;
    spec?: PodSpec;
    settings?: object;
    nowMs?: number;
  } = {},
) =>
  taskOutcome({
    task: taskOf(fields),
    spec: change.spec ?? spec,
    intent: { ...intent, ...change.intent },
    settings: { ...settings, ...change.settings },
    nowMs: change.nowMs ?? nowMs,
  });

const observed = (...args: Parameters<typeof outcome>): TaskObservation =>
  outcome(...args).observation;

test.each([
  ["PROVISIONING", {}, "Pending", "waiting", undefined],
  ["PENDING", { pullStartedAt: at(5) }, "Pending", "waiting", "pulling image"],
  ["PENDING", { pullStartedAt: at(5), pullStoppedAt: at(6) }, "Pending", "waiting", undefined],
  ["ACTIVATING", { pullStartedAt: at(5), pullStoppedAt: at(6) }, "Pending", "waiting", undefined],
])("%s %j: the Pod is %s", (lastStatus, fields, phase, state, message) => {
  const result = outcome({ lastStatus, ...fields, containers: [{ name: "main" }] });
  expect(result.kind).toBe("alive");
  expect(result.observation).toMatchObject({ phase, ready: false });
  expect(result.observation.containers[0]).toMatchObject({ state, reason: "ContainerCreating" });
  expect(result.observation.containers[0]?.message).toBe(message);
});

test("RUNNING: the Pod runs and is ready, with its address, digest and handle", () => {
  const digest = "sha256:0011";
  const container = {
    name: "main",
    image: "reg:5000/perl:5.34",
    imageDigest: digest,
    lastStatus: "RUNNING",
    runtimeId: "abc-1",
  };
  const observation = observed({
    lastStatus: "RUNNING",
    ...ran,
    containers: [container],
    attachments: [{ details: [{ name: "privateIPv4Address", value: "10.0.0.9" }] }],
  });
  expect(observation).toMatchObject({ phase: "Running", ready: true, podIP: "10.0.0.9" });
  expect(observation.handle).toBe("arn:aws:ecs:r:1:task/jobs/abc");
  expect(observation.containers[0]).toMatchObject({
    state: "running",
    startedAtMs: START + 11_000,
    imageID: "reg:5000/perl@sha256:0011",
    containerID: "ecs://abc-1",
    started: true,
    ready: true,
  });
});

test.each([
  ["UNKNOWN", false],
  ["UNHEALTHY", false],
  ["HEALTHY", true],
])("with a probe the Pod is ready only when HEALTHY: %s", (healthStatus, ready) => {
  const probed: PodSpec = {
    containers: [{ name: "main", readinessProbe: { exec: { command: ["x"] } } }],
  };
  const containers = [{ name: "main", lastStatus: "RUNNING", healthStatus }];
  expect(observed({ lastStatus: "RUNNING", ...ran, containers }, { spec: probed }).ready).toBe(
    ready,
  );
});

test.each(["DEACTIVATING", "STOPPING", "DEPROVISIONING"])(
  "%s: still running, until ECS has said all of the containers",
  (lastStatus) => {
    const fields = {
      lastStatus,
      ...ran,
      desiredStatus: "STOPPED",
      stopCode: "EssentialContainerExited",
    };
    const result = outcome({ ...fields, containers: main() });
    expect(result.kind).toBe("alive");
    expect(result.observation).toMatchObject({ phase: "Running", ready: false });
    const done = outcome({
      ...fields,
      executionStoppedAt: at(60),
      containers: main({ exitCode: 0 }),
    });
    expect(done).toMatchObject({ kind: "ended", observation: { phase: "Succeeded" } });
  },
);

const lastWords = { lastStatus: "STOPPED", desiredStatus: "STOPPED", ...over };

test.each([
  // stop code, stopped reason, container, phase, reason, exit code, DisruptionTarget's reason
  ["EssentialContainerExited", "", { exitCode: 0 }, "Succeeded", "Completed", 0, undefined],
  ["EssentialContainerExited", "", { exitCode: 3 }, "Failed", "Error", 3, undefined],
  ["EssentialContainerExited", "", { exitCode: 143 }, "Failed", "Error", 143, undefined],
  [
    "EssentialContainerExited",
    "",
    { exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" },
    "Failed",
    "OOMKilled",
    137,
    undefined,
  ],
  [
    "SpotInterruption",
    "Your Spot Task was interrupted.",
    { exitCode: 0 },
    "Failed",
    "Completed",
    0,
    "SpotInterruption",
  ],
  [
    "SpotInterruption",
    "Your Spot Task was interrupted.",
    { exitCode: 143 },
    "Failed",
    "Error",
    143,
    "SpotInterruption",
  ],
  [
    "TerminationNotice",
    "Host EC2 (instance i-1) terminated.",
    {},
    "Failed",
    "NodeLost",
    137,
    "NodeTerminated",
  ],
  [
    "InfrastructureHealth",
    "",
    { exitCode: 143 },
    "Failed",
    "Error",
    143,
    "InfrastructureMaintenance",
  ],
  ["UserInitiated", "someone", {}, "Failed", "ContainerStatusUnknown", 137, "ExternalStop"],
  ["UserInitiated", "someone", { exitCode: 143 }, "Failed", "Error", 143, "ExternalStop"],
  ["ServiceSchedulerInitiated", "", { exitCode: 0 }, "Failed", "Completed", 0, "ExternalStop"],
  ["EssentialContainerExited", "", {}, "Failed", "ContainerStatusUnknown", 137, "TaskStateUnknown"],
  [undefined, "", {}, "Failed", "ContainerStatusUnknown", 137, "TaskStateUnknown"],
  ["BrandNewCode", "", {}, "Failed", "ContainerStatusUnknown", 137, "TaskStateUnknown"],
  [
    "TaskFailedToStart",
    "CannotStartContainerError: exec format error",
    {},
    "Failed",
    "StartError",
    128,
    undefined,
  ],
])(
  "STOPPED %s %s %j: %s, %s %i, %s",
  (stopCode, stoppedReason, fields, phase, reason, exitCode, why) => {
    const result = outcome({ ...lastWords, stopCode, stoppedReason, containers: main(fields) });
    expect(result.kind).toBe("ended");
    expect(result.observation).toMatchObject({ phase, ready: false });
    expect(result.observation.containers[0]).toMatchObject({
      state: "terminated",
      reason,
      exitCode,
    });
    expect(result.observation.disruption?.reason).toBe(why);
  },
);

test("a signal is told, and the times are those of the programs", () => {
  const observation = observed({
    ...lastWords,
    stopCode: "EssentialContainerExited",
    containers: main({ exitCode: 139 }),
  });
  expect(observation.containers[0]).toMatchObject({
    signal: 11,
    startedAtMs: START + 11_000,
    finishedAtMs: START + 60_000,
  });
});

test("spotExitZero: a program that ends well on a reclaim may count as a success", () => {
  const fields = { ...lastWords, stopCode: "SpotInterruption", containers: main({ exitCode: 0 }) };
  const changed = { settings: { spotExitZero: "Succeeded" } };
  expect(observed(fields, changed)).toMatchObject({ phase: "Succeeded" });
  expect(observed(fields, changed).disruption).toBeUndefined();
  const failed = { ...fields, containers: main({ exitCode: 1 }) };
  expect(observed(failed, changed)).toMatchObject({ phase: "Failed" });
});

test("a reclaim shows before the end: Running, with DisruptionTarget", () => {
  const fields = {
    lastStatus: "RUNNING",
    desiredStatus: "STOPPED",
    stopCode: "TerminationNotice",
    stoppedReason: "Your Spot Task was interrupted.",
    ...ran,
    containers: [{ name: "main", lastStatus: "RUNNING" }],
  };
  expect(observed(fields)).toMatchObject({
    phase: "Running",
    ready: false,
    disruption: { reason: "SpotInterruption" },
  });
  const ours = { stop: { reason: "Deleted", atMs: START } as const };
  expect(observed(fields, { intent: ours }).disruption).toBeUndefined();
});

const stoppedByUs = { ...lastWords, stopCode: "UserInitiated", stoppedReason: "gantry" };

test.each([
  ["Deleted", { exitCode: 143 }, "Failed", undefined, undefined],
  ["Deleted", { exitCode: 0 }, "Succeeded", undefined, undefined],
  ["Shutdown", { exitCode: 143 }, "Failed", undefined, undefined],
  ["DeadlineExceeded", { exitCode: 0 }, "Failed", "DeadlineExceeded", undefined],
  ["Orphan", { exitCode: 0 }, "Failed", undefined, "ExternalStop"],
  ["LaunchDeadline", { exitCode: 143 }, "Failed", undefined, "StoppedDuringLaunch"],
  ["Unhealthy", { exitCode: 137 }, "Failed", undefined, undefined],
] as const)("stopped by us as %s with %j: %s", (reason, fields, phase, podReason, why) => {
  const change = { intent: { stop: { reason, atMs: START } } };
  const result = outcome({ ...stoppedByUs, containers: main(fields) }, change);
  expect(result.kind).toBe("ended");
  expect(result.observation.phase).toBe(phase);
  expect(result.observation.reason).toBe(podReason);
  expect(result.observation.disruption?.reason).toBe(why);
});

test("a task that we stopped because it did not start is tried again", () => {
  const intentNow = { stop: { reason: "LaunchDeadline", atMs: START, message: "slow" } as const };
  const result = outcome(
    { ...stoppedByUs, startedAt: undefined, containers: main() },
    { intent: intentNow },
  );
  expect(result).toMatchObject({ kind: "relaunch", observation: { phase: "Pending" } });
});

test("a stop of ours does not hide that a reclaim came first, nor that the program ended before", () => {
  const change = { intent: { stop: { reason: "Deleted", atMs: START } as const } };
  const spot = { ...lastWords, stopCode: "SpotInterruption", containers: main({ exitCode: 143 }) };
  expect(observed(spot, change).disruption?.reason).toBe("SpotInterruption");
  const natural = {
    ...lastWords,
    stopCode: "EssentialContainerExited",
    containers: main({ exitCode: 1 }),
  };
  const again = outcome(natural, { ...change, spec: { ...spec, restartPolicy: "OnFailure" } });
  expect(again).toMatchObject({ kind: "ended", observation: { phase: "Failed" } });
});

const failedStart = (stoppedReason: string): object => ({
  ...lastWords,
  startedAt: undefined,
  stopCode: "TaskFailedToStart",
  stoppedReason,
  containers: main(),
});

test.each([
  // reason, waiting reason, PodScheduled=False
  ["CannotPullContainerError: manifest unknown", "ErrImagePull", false],
  ["ResourceInitializationError: unable to pull secrets", "CreateContainerError", false],
  [
    "Timeout waiting for network interface provisioning to complete.",
    "CreateContainerError",
    false,
  ],
  ["RESOURCE:MEMORY", "ContainerCreating", true],
  ["AGENT", "ContainerCreating", true],
])("failed to start for %s: Pending, %s, and tried again", (reason, waiting, unscheduled) => {
  const result = outcome(failedStart(reason));
  expect(result.kind).toBe("relaunch");
  expect(result.observation).toMatchObject({ phase: "Pending", ready: false });
  expect(result.observation.containers[0]).toMatchObject({ state: "waiting", reason: waiting });
  const condition = result.observation.conditions?.find(({ type }) => type === "PodScheduled");
  expect(condition?.status).toBe(unscheduled ? "False" : undefined);
});

test("an image that can't be pulled shows the back-off, then fails at the launch deadline", () => {
  const fields = failedStart("CannotPullContainerError: manifest unknown");
  const later = outcome(fields, { intent: { failedLaunches: 2 } });
  expect(later.observation.containers[0]?.reason).toBe("ImagePullBackOff");
  const last = outcome(fields, { nowMs: START + 3_600_000 });
  expect(last).toMatchObject({
    kind: "ended",
    observation: { phase: "Failed", reason: "FailedToStart" },
  });
  expect(last.observation.disruption).toBeUndefined();
  expect(last.observation.conditions).toContainEqual(
    expect.objectContaining({ type: "DisruptionTarget", status: "False" }),
  );
});

test("a lack of room never fails the Pod, however long it lasts", () => {
  const result = outcome(failedStart("RESOURCE:CPU"), { nowMs: START + 10 ** 10 });
  expect(result.kind).toBe("relaunch");
});

const withInit: PodSpec = {
  restartPolicy: "Never",
  initContainers: [{ name: "first" }, { name: "proxy", restartPolicy: "Always" }],
  containers: [{ name: "main" }],
};

test("while init containers run the Pod is Pending, and its containers initialize", () => {
  const containers = [
    { name: "first", lastStatus: "RUNNING" },
    { name: "proxy" },
    { name: "main" },
  ];
  const observation = observed(
    { lastStatus: "ACTIVATING", ...ran, startedAt: undefined, containers },
    { spec: withInit },
  );
  expect(observation.phase).toBe("Pending");
  expect(observation.initContainers?.[0]).toMatchObject({
    state: "running",
    startedAtMs: START + 10_000,
  });
  expect(observation.containers[0]).toMatchObject({ state: "waiting", reason: "PodInitializing" });
});

test("a failed init container fails the Pod, whatever the stop code; its containers never started", () => {
  const containers = [
    { name: "first", lastStatus: "STOPPED", exitCode: 4 },
    { name: "proxy", lastStatus: "STOPPED" },
    { name: "main", lastStatus: "STOPPED" },
  ];
  for (const stopCode of ["TaskFailedToStart", "EssentialContainerExited"]) {
    const result = outcome({ ...lastWords, stopCode, containers }, { spec: withInit });
    expect(result).toMatchObject({ kind: "ended", observation: { phase: "Failed" } });
    expect(result.observation.disruption).toBeUndefined();
    expect(result.observation.initContainers?.[0]).toMatchObject({ exitCode: 4, reason: "Error" });
    expect(result.observation.containers[0]).toMatchObject({
      state: "waiting",
      reason: "PodInitializing",
    });
  }
});

test("a sidecar's exit code decides nothing", () => {
  const containers = [
    { name: "first", lastStatus: "STOPPED", exitCode: 0 },
    { name: "proxy", lastStatus: "STOPPED", exitCode: 143 },
    { name: "main", lastStatus: "STOPPED", exitCode: 0 },
  ];
  const fields = { ...lastWords, stopCode: "EssentialContainerExited", containers };
  expect(observed(fields, { spec: withInit }).phase).toBe("Succeeded");
});

test("with several containers all must have ended well", () => {
  const two: PodSpec = { restartPolicy: "Never", containers: [{ name: "a" }, { name: "b" }] };
  const phaseOf = (a: object, b: object) =>
    observed(
      {
        ...lastWords,
        stopCode: "EssentialContainerExited",
        containers: [
          { name: "a", ...a },
          { name: "b", ...b },
          { name: "gantry-waiter", exitCode: 0 },
        ],
      },
      { spec: two },
    ).phase;
  expect(phaseOf({ exitCode: 0 }, { exitCode: 0 })).toBe("Succeeded");
  expect(phaseOf({ exitCode: 0 }, { exitCode: 1 })).toBe("Failed");
  expect(phaseOf({ exitCode: 0 }, {})).toBe("Failed");
});

test("OnFailure: another task in the same Pod, which remembers the last one", () => {
  const onFailure = { ...spec, restartPolicy: "OnFailure" };
  const fields = { ...lastWords, stopCode: "EssentialContainerExited" };
  const result = outcome(
    { ...fields, containers: main({ exitCode: 2 }) },
    { spec: onFailure, intent: { restarts: 1 } },
  );
  expect(result).toMatchObject({
    kind: "restart",
    ranMs: 49_000,
    observation: { phase: "Running" },
  });
  expect(result.observation.containers[0]).toMatchObject({
    state: "waiting",
    reason: "CrashLoopBackOff",
    restartCount: 2,
    lastState: { state: "terminated", exitCode: 2 },
  });
  const done = outcome({ ...fields, containers: main({ exitCode: 0 }) }, { spec: onFailure });
  expect(done).toMatchObject({ kind: "ended", observation: { phase: "Succeeded" } });
  const always = { ...spec, restartPolicy: "Always" };
  expect(outcome({ ...fields, containers: main({ exitCode: 0 }) }, { spec: always }).kind).toBe(
    "restart",
  );
  const lost = outcome({ ...fields, containers: main() }, { spec: onFailure });
  expect(lost).toMatchObject({ kind: "ended", observation: { phase: "Failed" } });
});

test("a task that is lost ends Failed and uncounted", () => {
  const observation = lostTask({ spec, intent, nowMs }, "LaunchOutcomeUnknown", "no trace");
  expect(observation).toMatchObject({
    phase: "Failed",
    disruption: { reason: "LaunchOutcomeUnknown", message: "no trace" },
  });
  expect(observation.containers[0]).toMatchObject({
    exitCode: 137,
    reason: "ContainerStatusUnknown",
  });
});

const statuses = ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEPROVISIONING", "STOPPED"];

const history = (exitCode: number | undefined, stopCode: string): EcsTask[] =>
  statuses.map((lastStatus, n) =>
    taskOf({
      lastStatus,
      version: n + 1,
      ...(n >= 3 && { ...ran, containers: [{ name: "main", lastStatus: "RUNNING" }] }),
      ...(n >= 4 && { stopCode, containers: main({ exitCode }), executionStoppedAt: at(60) }),
      ...(n >= 5 && { stoppedAt: at(70) }),
    }),
  );

test("any order and any repetition of the same events gives the same end", () => {
  fc.assert(
    fc.property(
      fc.option(fc.constantFrom(0, 1, 137), { nil: undefined }),
      fc.constantFrom(
        "EssentialContainerExited",
        "SpotInterruption",
        "TaskFailedToStart",
        "UserInitiated",
      ),
      fc.array(fc.nat({ max: statuses.length - 1 }), { maxLength: 20 }),
      fc.integer(),
      (exitCode, stopCode, repeats, seed) => {
        const events = history(exitCode, stopCode);
        const all = [...events, ...repeats.map((n) => events[n] as EcsTask)];
        const shuffled = all
          .map((event, n) => ({ event, key: Math.sin(seed + n * 7.13) }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ event }) => event);
        let known: EcsTask | undefined;
        for (const event of shuffled) if (isNewer(event, known)) known = event;
        const straight = taskOutcome({
          task: events.at(-1) as EcsTask,
          spec,
          intent,
          settings,
          nowMs,
        });
        expect(taskOutcome({ task: known as EcsTask, spec, intent, settings, nowMs })).toEqual(
          straight,
        );
      },
    ),
  );
});

test("never a success without an exit code of 0 from each container, whatever ECS says", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...statuses, "DELETED", "NEW"),
      fc.option(
        fc.constantFrom(
          "EssentialContainerExited",
          "SpotInterruption",
          "TaskFailedToStart",
          "UserInitiated",
          "X",
        ),
        { nil: undefined },
      ),
      fc.option(fc.integer({ min: 1, max: 255 }), { nil: undefined }),
      fc.constantFrom(
        "",
        "CannotPullContainerError",
        "RESOURCE:CPU",
        "Host EC2 (instance i) stopped.",
      ),
      fc.boolean(),
      (lastStatus, stopCode, exitCode, stoppedReason, hasStop) => {
        const stop = { reason: "Deleted", atMs: START } as const;
        const result = outcome(
          { lastStatus, stopCode, stoppedReason, ...over, containers: main({ exitCode }) },
          { intent: hasStop ? { stop } : {} },
        );
        expect(result.observation.phase).not.toBe("Succeeded");
      },
    ),
  );
});

test("without versions the status decides, and a task that has stopped stays so", () => {
  const running = taskOf({ lastStatus: "RUNNING" });
  const done = taskOf({ lastStatus: "STOPPED", version: 3 });
  expect(isNewer(running, taskOf({ lastStatus: "PENDING" }))).toBe(true);
  expect(isNewer(taskOf({ lastStatus: "PENDING" }), running)).toBe(false);
  expect(isNewer(taskOf({ lastStatus: "RUNNING", version: 9 }), done)).toBe(false);
  expect(isNewer(running, undefined)).toBe(true);
});

test("only a liveness probe of an application container ends the task", () => {
  const exec = { exec: { command: ["ok"] } };
  const task = taskOf({
    containers: [
      { name: "main", healthStatus: "UNHEALTHY" },
      { name: "side", healthStatus: "UNHEALTHY" },
    ],
  });
  const withProbe = (probe: object): PodSpec => ({ containers: [{ name: "main", ...probe }] });
  expect(failsLiveness(task, withProbe({ livenessProbe: exec }))).toBe(true);
  expect(failsLiveness(task, withProbe({ readinessProbe: exec }))).toBe(false);
  expect(failsLiveness(task, withProbe({ startupProbe: exec }))).toBe(false);
  const sidecar = { name: "side", restartPolicy: "Always", livenessProbe: exec };
  expect(failsLiveness(task, { ...withProbe({}), initContainers: [sidecar] })).toBe(false);
  const well = taskOf({ containers: [{ name: "main", healthStatus: "HEALTHY" }] });
  expect(failsLiveness(well, withProbe({ livenessProbe: exec }))).toBe(false);
});

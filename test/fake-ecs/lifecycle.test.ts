// Tasks from PROVISIONING to STOPPED, with real processes behind them.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import {
  DescribeTasksCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
} from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import {
  definition,
  describeTask,
  fargate,
  fixture,
  inStatus,
  logOf,
  shell,
  start,
  until,
} from "./fixture.ts";

test("a task runs its command and ends with its exit code, times and log", async () => {
  const our = await fixture();
  const arn = await start(our, [shell("echo hello; exit 3")]);
  const task = await inStatus(our, arn, "STOPPED");
  expect(task).toMatchObject({
    desiredStatus: "STOPPED",
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    launchType: "FARGATE",
    startedBy: "gantry/test",
    containers: [{ name: "main", lastStatus: "STOPPED", exitCode: 3 }],
  });
  const times = [
    task.createdAt,
    task.pullStartedAt,
    task.pullStoppedAt,
    task.startedAt,
    task.stoppingAt,
    task.executionStoppedAt,
    task.stoppedAt,
  ].map((time) => time?.getTime() ?? Number.NaN);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(await logOf(our, arn)).toEqual(["hello"]);
  expect(our.fake.journal.runs).toMatchObject([
    { taskArn: arn, stopCode: "EssentialContainerExited", containers: [{ exitCode: 3 }] },
  ]);
});

test("overrides give command and environment; stderr is logged too, empty lines are not", async () => {
  const our = await fixture();
  const arn = await start(
    our,
    [
      shell("unused", {
        environment: [
          { name: "A", value: "def" },
          { name: "B", value: "b" },
        ],
      }),
    ],
    {
      overrides: {
        containerOverrides: [
          {
            name: "main",
            command: [
              'echo "$A $B $0"; echo; echo err > /dev/stderr; printf end > /dev/stdout',
              "zero",
            ],
            environment: [{ name: "A", value: "over" }],
          },
        ],
      },
    },
  );
  await inStatus(our, arn, "STOPPED");
  const lines = await until("three lines", async () => {
    const found = await logOf(our, arn);
    return found.length === 3 ? found : undefined;
  });
  expect(lines.toSorted()).toEqual(["end", "err", "over b zero"]);
  expect(our.fake.journal.runs[0]?.environment).toEqual({ A: "over" });
});

test("what is written long after the start is logged, and nothing breaks its pipe", async () => {
  const our = await fixture();
  const arn = await start(our, [shell("echo first; sleep 0.8; echo last && exit 5")]);
  const task = await inStatus(our, arn, "STOPPED");
  expect(task.containers).toMatchObject([{ exitCode: 5 }]);
  our.fake.clock.advance(1_000);
  expect(await logOf(our, arn)).toEqual(["first", "last"]);
});

test("StopTask: SIGTERM, then SIGKILL after stopTimeout; tags are erased; the reason stays", async () => {
  const our = await fixture({ timings: { secondMs: 50 } });
  const stubborn = shell("trap '' TERM; echo up; while :; do sleep 0.01; done", { stopTimeout: 2 });
  const arn = await start(our, [stubborn], { tags: [{ key: "k", value: "v" }] });
  await inStatus(our, arn, "RUNNING");
  await logOf(our, arn);
  expect((await describeTask(our, arn))?.tags).toEqual([{ key: "k", value: "v" }]);
  const reply = await our.ecs.send(new StopTaskCommand({ task: arn, reason: "enough" }));
  expect(reply.task).toMatchObject({ desiredStatus: "STOPPED", stoppedReason: "enough" });
  const task = await inStatus(our, arn, "STOPPED");
  expect(task).toMatchObject({
    stopCode: "UserInitiated",
    stoppedReason: "enough",
    tags: [],
    containers: [{ exitCode: 137 }],
  });
  const [run] = our.fake.journal.runs;
  expect(run?.containers).toMatchObject([{ signal: "SIGKILL" }]);
});

test("a trap that exits in time keeps its own code; a second StopTask changes nothing", async () => {
  const our = await fixture();
  const arn = await start(our, [
    shell("trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done"),
  ]);
  await logOf(our, arn);
  await our.ecs.send(new StopTaskCommand({ task: arn, reason: "first" }));
  await our.ecs.send(new StopTaskCommand({ task: arn, reason: "second" }));
  const task = await inStatus(our, arn, "STOPPED");
  expect(task).toMatchObject({ stoppedReason: "first", containers: [{ exitCode: 7 }] });
});

test("stopped before it runs: no exit code", async () => {
  const our = await fixture({ timings: { provisioningMs: 60_000 } });
  const arn = await start(our, [shell("true")]);
  await our.ecs.send(new StopTaskCommand({ task: arn }));
  const task = await inStatus(our, arn, "STOPPED");
  expect(task.stopCode).toBe("UserInitiated");
  expect(task.containers?.[0]?.exitCode).toBeUndefined();
  expect(task.startedAt).toBeUndefined();
  expect(our.fake.journal.runs[0]?.startedAtMs).toBeNull();
});

test("a program that does not exist: TaskFailedToStart with the reason on the container", async () => {
  const our = await fixture();
  const arn = await start(our, [shell("", { entryPoint: ["nosuch"] })]);
  const task = await inStatus(our, arn, "STOPPED");
  expect(task).toMatchObject({
    stopCode: "TaskFailedToStart",
    stoppedReason: "Task failed to start",
  });
  expect(task.containers?.[0]?.reason).toMatch(
    /^CannotStartContainerError: .*"nosuch": executable file not found/,
  );
  expect(task.containers?.[0]?.exitCode).toBeUndefined();
});

test.each([
  [
    "an image that can't be pulled",
    { images: { "busybox:1.36": { pullError: "CannotPullContainerError: no" } } },
    shell("true"),
    /^CannotPullContainerError: no$/,
  ],
  [
    "a log group that does not exist",
    { logGroups: [] },
    shell("true"),
    /^ResourceInitializationError: .*log group does not exist/,
  ],
  [
    "a secret that does not exist",
    {},
    shell("true", { secrets: [{ name: "S", valueFrom: "arn:aws:secretsmanager:x" }] }),
    /^ResourceInitializationError: .*secret arn:aws:secretsmanager:x/,
  ],
])("%s: TaskFailedToStart", async (_, options, container, reason) => {
  const our = await fixture(options);
  const task = await inStatus(our, await start(our, [container]), "STOPPED");
  expect(task.stopCode).toBe("TaskFailedToStart");
  expect(task.stoppedReason).toMatch(reason);
});

test("secrets by ARN, and the metadata endpoint", async () => {
  const our = await fixture({ secrets: { "arn:aws:ssm:p": "s3cret" } });
  const script = `echo "$S"; exec node -e 'fetch(process.env.ECS_CONTAINER_METADATA_URI_V4 + "/task").then((r) => r.json()).then((t) => console.log(t.TaskARN))'`;
  const arn = await start(our, [
    shell(script, { secrets: [{ name: "S", valueFrom: "arn:aws:ssm:p" }] }),
  ]);
  await inStatus(our, arn, "STOPPED");
  await until("two lines", async () => ((await logOf(our, arn)).length === 2 ? true : undefined));
  expect(await logOf(our, arn)).toEqual(["s3cret", arn]);
});

/** Volumes take mount namespaces, which this host may not allow. */
const canMount = spawnSync("unshare", ["--mount", "true"]).status === 0;

test.skipIf(!canMount)(
  "dependsOn SUCCESS chains init containers; the app starts after the last",
  async () => {
    const our = await fixture();
    const volume = { mountPoints: [{ sourceVolume: "data", containerPath: "/data" }] };
    const init = (name: string, script: string, after: string[] = []) =>
      shell(script, {
        name,
        essential: false,
        dependsOn: after.map((containerName) => ({ containerName, condition: "SUCCESS" as const })),
        ...volume,
      });
    const { taskDefinition } = await our.ecs.send(
      new RegisterTaskDefinitionCommand(
        definition(
          [
            init("i1", "sleep 0.05; echo 1 >> /data/order"),
            init("i2", "echo 2 >> /data/order", ["i1"]),
            shell("cat /data/order", {
              dependsOn: [{ containerName: "i2", condition: "SUCCESS" }],
              ...volume,
            }),
          ],
          { volumes: [{ name: "data" }] },
        ),
      ),
    );
    const { tasks } = await our.ecs.send(
      new RunTaskCommand(fargate(taskDefinition?.taskDefinitionArn ?? "")),
    );
    const arn = tasks?.[0]?.taskArn ?? "";
    const task = await inStatus(our, arn, "STOPPED");
    expect(task.containers?.map(({ name, exitCode, reason }) => [name, exitCode, reason])).toEqual([
      ["i1", 0, undefined],
      ["i2", 0, undefined],
      ["main", 0, undefined],
    ]);
    expect(await logOf(our, arn)).toEqual(["1", "2"]);
  },
);

test("a failing init container: the app never starts and has no exit code", async () => {
  const our = await fixture();
  const arn = await start(our, [
    shell("exit 9", { name: "init", essential: false }),
    shell("true", { dependsOn: [{ containerName: "init", condition: "SUCCESS" }] }),
  ]);
  const task = await inStatus(our, arn, "STOPPED");
  expect(task.stopCode).toBe("TaskFailedToStart");
  expect(task.containers?.map(({ exitCode }) => exitCode)).toEqual([9, undefined]);
});

test("HEALTHY waits for the health check; a sidecar ends after the app, in reverse order", async () => {
  const our = await fixture({ timings: { secondMs: 10 } });
  const side = shell(
    "trap 'echo side down; exit 0' TERM; sleep 0.2; touch up; while :; do sleep 0.01; done",
    {
      name: "side",
      essential: false,
      stopTimeout: 120,
      healthCheck: { command: ["CMD-SHELL", "test -e up"], interval: 5, retries: 10 },
    },
  );
  const arn = await start(our, [
    side,
    shell("echo app", { dependsOn: [{ containerName: "side", condition: "HEALTHY" }] }),
  ]);
  const task = await inStatus(our, arn, "STOPPED");
  expect(task.containers).toMatchObject([
    { name: "side", exitCode: 0, healthStatus: "HEALTHY" },
    { name: "main", exitCode: 0 },
  ]);
  expect(await logOf(our, arn, "side")).toContain("side down");
});

test.skipIf(!canMount)("a health check sees its container's volumes", async () => {
  const our = await fixture({ timings: { secondMs: 10 } });
  const mountPoints = [{ sourceVolume: "data", containerPath: "/fake-ecs-health" }];
  const side = shell("touch /fake-ecs-health/up; exec sleep 1000", {
    name: "side",
    essential: false,
    stopTimeout: 2,
    mountPoints,
    healthCheck: {
      command: ["CMD", "test", "-e", "/fake-ecs-health/up"],
      interval: 5,
      timeout: 60,
    },
  });
  const app = shell("true", { dependsOn: [{ containerName: "side", condition: "HEALTHY" }] });
  const { taskDefinition } = await our.ecs.send(
    new RegisterTaskDefinitionCommand(definition([side, app], { volumes: [{ name: "data" }] })),
  );
  const input = fargate(taskDefinition?.taskDefinitionArn ?? "");
  const arn = (await our.ecs.send(new RunTaskCommand(input))).tasks?.[0]?.taskArn ?? "";
  const task = await inStatus(our, arn, "STOPPED");
  expect(task).toMatchObject({ stopCode: "EssentialContainerExited" });
  expect(task.containers).toMatchObject([{ healthStatus: "HEALTHY" }, { exitCode: 0 }]);
});

test("startTimeout of a dependency that is never healthy: TaskFailedToStart", async () => {
  const our = await fixture({ timings: { secondMs: 10 } });
  const side = shell("sleep 1000", {
    name: "side",
    essential: false,
    startTimeout: 5,
    stopTimeout: 2,
    healthCheck: { command: ["CMD", "false"], interval: 5 },
  });
  const arn = await start(our, [
    side,
    shell("true", { dependsOn: [{ containerName: "side", condition: "HEALTHY" }] }),
  ]);
  const task = await inStatus(our, arn, "STOPPED");
  expect(task.stopCode).toBe("TaskFailedToStart");
  expect(task.containers?.[1]?.reason).toContain("startTimeout has passed");
});

test("what a container leaves running dies with it", async () => {
  const our = await fixture();
  const arn = await start(our, [shell("sleep 1000 & echo $!")]);
  await inStatus(our, arn, "STOPPED");
  const pid = Number((await logOf(our, arn))[0]);
  await until("its end", () => {
    try {
      process.kill(pid, 0);
      return undefined;
    } catch {
      return true;
    }
  });
});

test("ListTasks shows desired RUNNING unless told; startedBy is the only filter; records go after an hour", async () => {
  const our = await fixture();
  const arn = await start(our, [shell("exec sleep 1000", { stopTimeout: 2 })]);
  const list = async (input: ConstructorParameters<typeof ListTasksCommand>[0] = {}) =>
    (await our.ecs.send(new ListTasksCommand(input))).taskArns;
  expect(await list()).toEqual([arn]);
  expect(await list({ startedBy: "gantry/test" })).toEqual([arn]);
  expect(await list({ startedBy: "other" })).toEqual([]);
  expect(await list({ desiredStatus: "PENDING" })).toEqual([]);
  await expect(list({ startedBy: "gantry/test", desiredStatus: "RUNNING" })).rejects.toThrow(
    "only filter",
  );
  await our.ecs.send(new StopTaskCommand({ task: arn }));
  await inStatus(our, arn, "STOPPED");
  expect(await list()).toEqual([]);
  expect(await list({ desiredStatus: "STOPPED" })).toEqual([arn]);
  our.fake.clock.advance(3_600_000);
  const { tasks, failures } = await our.ecs.send(new DescribeTasksCommand({ tasks: [arn] }));
  expect(tasks).toEqual([]);
  expect(failures).toEqual([{ arn, reason: "MISSING" }]);
  expect(await list({ desiredStatus: "STOPPED" })).toEqual([]);
});

test("lists come in pages of 100 at most", async () => {
  const our = await fixture({ timings: { provisioningMs: 600_000 }, quotas: { fargateVcpu: 100 } });
  const taskDefinition =
    (await our.ecs.send(new RegisterTaskDefinitionCommand(definition([shell("true")]))))
      .taskDefinition?.taskDefinitionArn ?? "";
  const made = new Set<string>();
  for (let i = 0; i < 12; i += 1) {
    const { tasks } = await our.ecs.send(
      new RunTaskCommand(fargate(taskDefinition, { count: 10 })),
    );
    for (const { taskArn = "" } of tasks ?? []) made.add(taskArn);
  }
  const first = await our.ecs.send(new ListTasksCommand({}));
  expect(first.taskArns).toHaveLength(100);
  const second = await our.ecs.send(new ListTasksCommand({ nextToken: first.nextToken }));
  expect(second.nextToken).toBeUndefined();
  expect(new Set([...(first.taskArns ?? []), ...(second.taskArns ?? [])])).toEqual(made);
  const too = our.ecs.send(new DescribeTasksCommand({ tasks: [...made].slice(0, 101) }));
  await expect(too).rejects.toMatchObject({ name: "InvalidParameterException" });
});

test.skipIf(!canMount)(
  "volumes: below missing and existing directories, read-only, and EFS that outlives its task",
  async () => {
    const our = await fixture();
    const mountPoints = [
      { sourceVolume: "scratch", containerPath: "/fake-ecs-a/b" },
      { sourceVolume: "scratch", containerPath: "/etc/fake-ecs/ro", readOnly: true },
      { sourceVolume: "efs", containerPath: "/usr/share/fake-ecs" },
    ];
    const script = [
      "echo x > /fake-ecs-a/b/file && cat /etc/fake-ecs/ro/file",
      "touch /etc/fake-ecs/ro/y 2>/dev/null || echo refused",
      "cat /usr/share/fake-ecs/kept 2>/dev/null || echo kept > /usr/share/fake-ecs/kept",
      "test -e /etc/passwd && test -d /usr/bin && pwd",
    ].join("; ");
    const run = async (): Promise<string[]> => {
      our.fake.clock.advance(10);
      const { taskDefinition } = await our.ecs.send(
        new RegisterTaskDefinitionCommand(
          definition([shell(script, { mountPoints, workingDirectory: "/fake-ecs-a" })], {
            volumes: [
              { name: "scratch" },
              { name: "efs", efsVolumeConfiguration: { fileSystemId: "fs-1" } },
            ],
          }),
        ),
      );
      const input = fargate(taskDefinition?.taskDefinitionArn ?? "");
      const arn = (await our.ecs.send(new RunTaskCommand(input))).tasks?.[0]?.taskArn ?? "";
      await inStatus(our, arn, "STOPPED");
      our.fake.clock.advance(1_000);
      return logOf(our, arn);
    };
    expect(await run()).toEqual(["x", "refused", "/fake-ecs-a"]);
    expect(await run()).toEqual(["x", "refused", "kept", "/fake-ecs-a"]);
    const wrong = [
      ["nosuch", { entryPoint: ["nosuch"] as string[] }],
      ["/no/dir", { workingDirectory: "/no/dir" }],
    ] as const;
    for (const [text, more] of wrong) {
      our.fake.clock.advance(10);
      const container = shell("true", { mountPoints, ...more });
      const { taskDefinition } = await our.ecs.send(
        new RegisterTaskDefinitionCommand(
          definition([container], { volumes: [{ name: "scratch" }, { name: "efs" }] }),
        ),
      );
      const input = fargate(taskDefinition?.taskDefinitionArn ?? "");
      const arn = (await our.ecs.send(new RunTaskCommand(input))).tasks?.[0]?.taskArn ?? "";
      const task = await inStatus(our, arn, "STOPPED");
      expect(task).toMatchObject({ stopCode: "TaskFailedToStart" });
      expect(task.startedAt).toBeUndefined();
      expect(task.containers?.[0]?.reason).toContain(text);
    }
    for (const path of ["/fake-ecs-a", "/etc/fake-ecs", "/usr/share/fake-ecs"]) {
      expect(existsSync(path)).toBe(false);
    }
  },
);

test.skipIf(process.getuid?.() !== 0)(
  "user by number; a user that is none; a missing directory",
  async () => {
    const our = await fixture();
    const arn = await start(our, [shell("id -u; id -g", { user: "1234:2345" })]);
    await inStatus(our, arn, "STOPPED");
    our.fake.clock.advance(1_000);
    expect(await logOf(our, arn)).toEqual(["1234", "2345"]);
    const named = await inStatus(
      our,
      await start(our, [shell("true", { user: "nobody-here" })]),
      "STOPPED",
    );
    expect(named.containers?.[0]?.reason).toContain("unable to find user nobody-here");
    const lost = await inStatus(
      our,
      await start(our, [shell("true", { workingDirectory: "/no/dir" })]),
      "STOPPED",
    );
    expect(lost.containers?.[0]?.reason).toContain("/no/dir");
  },
);

test("an image's own command and environment; a task without any command", async () => {
  const image = {
    entryPoint: ["/bin/sh", "-c"],
    command: ['echo "$FROM"'],
    environment: { FROM: "image" },
  };
  const our = await fixture({ images: { "app:1": image } });
  const bare = { entryPoint: undefined, command: undefined };
  const arn = await start(our, [shell("", { ...bare, image: "app:1" })]);
  await inStatus(our, arn, "STOPPED");
  our.fake.clock.advance(1_000);
  expect(await logOf(our, arn)).toEqual(["image"]);
  const none = await inStatus(
    our,
    await start(our, [shell("", { ...bare, image: "other:1" })]),
    "STOPPED",
  );
  expect(none.containers?.[0]?.reason).toContain("no command specified");
});

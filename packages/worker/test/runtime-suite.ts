// What every runtime must do with a Pod. Run against each by `*.runtime.test.ts`.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { PodSpec } from "@gantry/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  LogOptions,
  Observation,
  RunnablePod,
  RunningPod,
  Runtime,
  RuntimeEvent,
} from "../src/runtime.ts";

type Container = NonNullable<PodSpec["containers"]>[number];

/** What a runtime can't do: the tests of it are left out, its own tests show how it refuses. */
export type Lack =
  | "supplementalGroups"
  | "hooks"
  | "tcpProbes"
  /** An Event for each probe that failed. */
  | "probeEvents"
  | "terminationMessages"
  /** Files of ConfigMaps and Secrets. */
  | "configFiles"
  | "volumesAcrossRestarts"
  /** Of logs: nothing is ever dropped. */
  | "rotation"
  /** A log's last line ends there whether or not the program ended it. */
  | "unendedLines";

export type Lacks = ReadonlyMap<Lack, string>;

/** A test that is skipped, with the reason, by a runtime that can't do it. */
const where =
  (lacks: Lacks, lack: Lack) =>
  (name: string, body: () => Promise<void>, timeoutMs?: number): void => {
    const reason = lacks.get(lack);
    test(
      name,
      async ({ skip }) => {
        if (reason !== undefined) skip(reason);
        await body();
      },
      timeoutMs,
    );
  };

/** What of the suite applies to a runtime. */
export interface RuntimeCapabilities {
  /** Programs really run: exit codes, output, env, hooks, probes. */
  readonly programs: boolean;
  /** Why volumes can't be mounted here; `null` when they can. */
  readonly noVolumes: string | null;
  /** Each with its reason. */
  readonly lacks?: Lacks;
  /** Pods are looked at now and then: a phase may be told of twice, and a short one never. */
  readonly looksNowAndThen?: boolean;
  /** Variables that containers have of it, by name. */
  readonly ownVariables?: readonly string[];
  /** Where containers come from an engine: what it does in its own way. */
  readonly engine?: EngineWays;
}

export interface EngineWays {
  /** Whether the number of the signal that ended a container is reported beside its exit code. */
  readonly signals: boolean;
  /** How a container whose program can't be started ends; `message` is part of its message. */
  readonly cannotStart: { reason: string; missing: number; denied: number; message: string };
  /** Whether a working directory that does not exist is made. */
  readonly makesWorkingDirs: boolean;
  /** Whether a line is in the log before its end was written. */
  readonly partialLines: boolean;
}

const processWays: EngineWays = {
  signals: true,
  cannotStart: {
    reason: "StartError",
    missing: 128,
    denied: 128,
    message: 'no program "nosuch"',
  },
  makesWorkingDirs: false,
  partialLines: true,
};

const DEADLINE_MS = 20_000;

export const until = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> => {
  const endMs = Date.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await sleep(5);
  }
};

export const runnable = (spec: PodSpec, extra: Partial<RunnablePod> = {}): RunnablePod => ({
  namespace: "default",
  name: "pod-1",
  uid: randomUUID(),
  labels: { app: "suite" },
  annotations: { note: "a note" },
  node: "node-1",
  serviceAccountName: "default",
  sources: new Map(),
  ...extra,
  spec: { restartPolicy: "Never", ...spec },
});

export const shell = (script: string, extra: Container = {}): Container => ({
  name: "main",
  image: "busybox",
  command: ["/bin/sh", "-c", script],
  ...extra,
});

export class Trial {
  readonly observations: Observation[] = [];
  readonly events: RuntimeEvent[] = [];
  running: RunningPod | null = null;
  readonly sink = {
    observed: (observation: Observation) => void this.observations.push(observation),
    event: (event: RuntimeEvent) => void this.events.push(event),
  };

  get last(): Observation | undefined {
    return this.observations.at(-1);
  }

  get ended(): Promise<Observation> {
    if (this.running === null) throw new Error("not launched");
    return this.running.ended;
  }

  reasons(): string[] {
    return this.events.map(({ reason }) => reason);
  }
}

export const launch = (runtime: Runtime, pod: RunnablePod): Trial => {
  const trial = new Trial();
  trial.running = runtime.launch(pod, trial.sink);
  return trial;
};

export const logText = async (
  runtime: Runtime,
  pod: RunnablePod,
  options: Partial<LogOptions> = {},
): Promise<string> => {
  let text = "";
  for await (const chunk of await runtime.logs(pod, { container: "main", ...options })) {
    text += String(chunk);
  }
  return text;
};

export const runtimeSuite = (
  name: string,
  makeRuntime: () => Promise<Runtime>,
  can: RuntimeCapabilities,
): void => {
  const ways = can.engine ?? processWays;
  const lacks = can.lacks ?? new Map<Lack, string>();
  describe(`${name} runtime`, () => {
    let runtime: Runtime;
    beforeAll(async () => {
      runtime = await makeRuntime();
    });
    afterAll(async () => {
      await runtime.close();
    });
    const run = async (spec: PodSpec, extra: Partial<RunnablePod> = {}) => {
      const pod = runnable(spec, extra);
      const trial = launch(runtime, pod);
      return { pod, trial, last: await trial.ended };
    };

    test("X1: Running, then Succeeded, in order and once", async () => {
      const { trial, last } = await run({ containers: [shell("exit 0")] });
      expect(last.phase).toBe("Succeeded");
      expect(last.ready).toBe(false);
      expect(last.containers[0]).toMatchObject({
        state: "terminated",
        reason: "Completed",
        exitCode: 0,
      });
      const phases = trial.observations
        .map(({ phase }) => phase)
        .filter((phase) => phase !== "Pending");
      const loosely = new Set(["Running", ...phases, last.phase]);
      const told = can.looksNowAndThen === true ? [...loosely] : phases;
      expect(told).toEqual(["Running", "Succeeded"]);
    });

    test("launching the same uid again gives the same Pod", async () => {
      const annotations = { "gantry.dev/simulated-run-ms": "200" };
      const pod = runnable({ containers: [shell("sleep 0.2; echo once")] }, { annotations });
      const first = launch(runtime, pod);
      const second = launch(runtime, pod);
      expect(await second.ended).toEqual(await first.ended);
    });

    test("X4: a stopped Pod ends Failed with 137", async () => {
      const annotations = { "gantry.dev/simulated-run-ms": "600000" };
      const pod = runnable(
        { containers: [shell("trap '' TERM; sleep 1000 & wait; wait")] },
        { annotations },
      );
      const trial = launch(runtime, pod);
      await until("Running", () => trial.last?.phase === "Running");
      trial.running?.stop(0);
      const last = await trial.ended;
      expect(last.phase).toBe("Failed");
      expect(last.containers[0]).toMatchObject({
        exitCode: 137,
        ...(ways.signals ? { signal: 9 } : {}),
      });
    });

    test("a Pod that is gone is not adopted", async () => {
      const pod = runnable({ containers: [shell("exit 0")] });
      expect(await runtime.adopt(pod, undefined, new Trial().sink)).toBeNull();
    });

    if (can.programs) {
      programs(run, () => runtime, { ...can, ways, lacks });
      lifecycle(run, () => runtime, lacks);
      logs(run, () => runtime, ways, lacks);
      describe.skipIf(can.noVolumes !== null)(`volumes (${can.noVolumes ?? "mounted"})`, () =>
        volumes(run, () => runtime, ways, lacks),
      );
    }
  });
};

type Run = (
  spec: PodSpec,
  extra?: Partial<RunnablePod>,
) => Promise<{ pod: RunnablePod; trial: Trial; last: Observation }>;

const programs = (
  run: Run,
  runtime: () => Runtime,
  {
    ways,
    lacks,
    ownVariables = [],
  }: Pick<RuntimeCapabilities, "ownVariables"> & { ways: EngineWays; lacks: Lacks },
): void => {
  test.each([[1], [42], [255]])("X2: exit code %i", async (code) => {
    const { last } = await run({ containers: [shell(`exit ${code}`)] });
    expect(last.phase).toBe("Failed");
    expect(last.containers[0]).toMatchObject({ reason: "Error", exitCode: code });
  });

  test.each([
    ["TERM", 143, 15],
    ["KILL", 137, 9],
  ])("X2: SIG%s gives %i", async (signal, exitCode, number) => {
    const { last } = await run({ containers: [shell(`kill -${signal} $$$$`)] });
    expect(last.containers[0]).toMatchObject({
      exitCode,
      ...(ways.signals ? { signal: number } : {}),
    });
  });

  test("a program that does not exist: the Pod fails, and the message says why", async () => {
    const { last, trial } = await run({
      containers: [{ name: "main", image: "perl:5", command: ["nosuch"] }],
    });
    expect(last.phase).toBe("Failed");
    const { reason, missing, message } = ways.cannotStart;
    expect(last.containers[0]).toMatchObject({ reason, exitCode: missing });
    expect(last.containers[0]?.message).toContain(message);
    expect(trial.events.some(({ type, reason }) => type === "Warning" && reason === "Failed")).toBe(
      true,
    );
  });

  test("a program that is not executable, and a directory that does not exist", async () => {
    const denied = await run({ containers: [{ name: "main", command: ["/etc/passwd"] }] });
    const { reason, denied: exitCode } = ways.cannotStart;
    expect(denied.last.containers[0]).toMatchObject({ reason, exitCode });
    const lost = await run({ containers: [shell("pwd", { workingDir: "/nosuch/dir" })] });
    if (ways.makesWorkingDirs) expect(await logText(runtime(), lost.pod)).toBe("/nosuch/dir\n");
    else expect(lost.last.containers[0]?.message).toContain("/nosuch/dir");
  });

  test("job-spec.md 6: command and args with $(VAR), env from every source, and nothing of ours", async () => {
    const container = shell("", {
      command: ["/bin/sh", "-c", 'echo "$0 $1"; env | sort', "$(GREETING)", "$(UNKNOWN)"],
      envFrom: [{ prefix: "P_", configMapRef: { name: "conf" } }],
      env: [
        { name: "GREETING", value: "hello $(P_WHO)" },
        { name: "ESCAPED", value: "$$(GREETING)" },
        { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "LABEL", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        {
          name: "LIMIT",
          valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } },
        },
        { name: "TOKEN", valueFrom: { secretKeyRef: { name: "sec", key: "token" } } },
        {
          name: "OPTIONAL",
          valueFrom: { configMapKeyRef: { name: "no", key: "no", optional: true } },
        },
      ],
      resources: { limits: { cpu: "250m" } },
    });
    const sources = new Map([
      ["configmap/conf", new Map([["WHO", Buffer.from("world")]])],
      ["secret/sec", new Map([["token", Buffer.from("s3cret")]])],
    ]);
    const { pod } = await run({ containers: [container] }, { sources });
    const lines = (await logText(runtime(), pod)).trimEnd().split("\n");
    expect(lines[0]).toBe("hello world $(UNKNOWN)");
    const names = lines.slice(1).map((line) => line.split("=")[0]);
    const own = ["_", "OLDPWD", "PWD", "SHLVL", "GANTRY_POD", ...ownVariables];
    expect(names.filter((name) => !own.includes(name ?? ""))).toEqual(
      [
        "ESCAPED",
        "GREETING",
        "HOME",
        "HOSTNAME",
        "LABEL",
        "LIMIT",
        "PATH",
        "POD",
        "P_WHO",
        "TOKEN",
      ].toSorted(),
    );
    expect(lines).toEqual(
      expect.arrayContaining([
        "ESCAPED=$(GREETING)",
        "POD=pod-1",
        "LABEL=suite",
        "LIMIT=250",
        "TOKEN=s3cret",
        "HOSTNAME=pod-1",
      ]),
    );
  });

  test("workingDir", async () => {
    const { pod } = await run({ containers: [shell("pwd", { workingDir: "/usr" })] });
    expect(await logText(runtime(), pod)).toBe("/usr\n");
  });

  const asUser = process.getuid?.() === 0 ? where(lacks, "supplementalGroups") : test.skip;
  asUser("runAsUser, runAsGroup and supplementalGroups", async () => {
    const securityContext = { runAsUser: 1234, runAsGroup: 2345, supplementalGroups: [3456] };
    const { pod } = await run({ securityContext, containers: [shell("id -u; id -g; id -G")] });
    expect(await logText(runtime(), pod)).toBe("1234\n2345\n2345 3456\n");
  });

  test("R46: OnFailure restarts in place, with lastState and restartCount, and keeps the phase", async () => {
    const script = "echo run; [ -e tried ] && exit 0; touch tried; exit 3";
    const { pod, trial, last } = await run({
      restartPolicy: "OnFailure",
      containers: [shell(script)],
    });
    expect(last.phase).toBe("Succeeded");
    expect(last.containers[0]).toMatchObject({
      restartCount: 1,
      exitCode: 0,
      lastState: { state: "terminated", exitCode: 3 },
    });
    expect(trial.observations.slice(0, -1).every(({ phase }) => phase !== "Failed")).toBe(true);
    expect(await logText(runtime(), pod, { previous: true })).toBe("run\n");
  });

  test("R46: CrashLoopBackOff from the second restart on; a stop ends the wait", async () => {
    const pod = runnable({ restartPolicy: "Always", containers: [shell("exit 1")] });
    const trial = launch(runtime(), pod);
    await until("CrashLoopBackOff", () => trial.last?.containers[0]?.reason === "CrashLoopBackOff");
    expect(trial.last?.phase).toBe("Running");
    expect(trial.reasons()).toContain("BackOff");
    trial.running?.stop(1);
    const last = await trial.ended;
    expect(last).toMatchObject({
      phase: "Failed",
      containers: [{ state: "terminated", exitCode: 1 }],
    });
  });

  test("X5: activeDeadlineSeconds", async () => {
    const { last, trial } = await run({
      activeDeadlineSeconds: 1,
      terminationGracePeriodSeconds: 1,
      containers: [shell("sleep 1000")],
    });
    const reason = "DeadlineExceeded";
    const message = "Pod was active on the node longer than the specified deadline";
    expect(last).toMatchObject({ phase: "Failed", reason, message });
    // A kubelet's Event; ecs says so in that of the stop.
    const told = trial.events.map((event) => `${event.reason}: ${event.message}`);
    expect(told.join("\n")).toMatch(/^DeadlineExceeded: |activeDeadlineSeconds are over$/m);
  });

  test("X4: SIGTERM first; a trap that exits 0 in time gives Succeeded", async () => {
    const script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done";
    const pod = runnable({ containers: [shell(script)] });
    const trial = launch(runtime(), pod);
    await until(
      "trap set",
      async () => (await logText(runtime(), pod).catch(() => "")) === "ready\n",
    );
    trial.running?.stop(10);
    expect((await trial.ended).phase).toBe("Succeeded");
    expect(await logText(runtime(), pod)).toMatch(/^ready\n(Terminated\n)?bye\n$/);
    expect(trial.reasons()).toContain("Killing");
  });

  test("X4: SIGKILL after the grace", async () => {
    const pod = runnable({
      containers: [shell("trap '' TERM; echo ready; while :; do sleep 0.02; done")],
    });
    const trial = launch(runtime(), pod);
    await until(
      "trap set",
      async () => (await logText(runtime(), pod).catch(() => "")) === "ready\n",
    );
    const startMs = Date.now();
    trial.running?.stop(1);
    expect((await trial.ended).containers[0]).toMatchObject({ exitCode: 137 });
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(950);
  });

  test("a Pod stopped while it starts ends, whatever was first", async () => {
    const trial = launch(runtime(), runnable({ containers: [shell("sleep 1000")] }));
    trial.running?.stop(0);
    expect((await trial.ended).phase).toBe("Failed");
  });
};

const lifecycle = (run: Run, runtime: () => Runtime, lacks: Lacks): void => {
  test("init containers run in order before the others; a failing one fails the Pod", async () => {
    const good = await run({
      initContainers: [
        shell("echo 1 >> ../home/order", { name: "i1" }),
        shell("echo 2 >> order", { name: "i2" }),
      ],
      containers: [shell("cat order")],
    });
    expect(await logText(runtime(), good.pod)).toBe("1\n2\n");
    expect(good.last.initContainers).toMatchObject([{ ready: true }, { ready: true }]);
    const bad = await run({
      initContainers: [shell("exit 7", { name: "i1" })],
      containers: [shell("true")],
    });
    expect(bad.last).toMatchObject({
      phase: "Failed",
      initContainers: [{ exitCode: 7 }],
      containers: [{ state: "waiting", reason: "PodInitializing" }],
    });
  });

  test("a sidecar starts first, does not hold the Pod up, and ends last", async () => {
    const sidecar = shell("trap 'exit 0' TERM; touch up; while :; do sleep 0.02; done", {
      name: "side",
      restartPolicy: "Always",
      startupProbe: {
        exec: { command: ["test", "-e", "up"] },
        periodSeconds: 1,
        failureThreshold: 10,
      },
    });
    const { last } = await run({ initContainers: [sidecar], containers: [shell("test -e up")] });
    expect(last.phase).toBe("Succeeded");
    expect(last.initContainers?.[0]).toMatchObject({ state: "terminated", exitCode: 0 });
  });

  test("several containers: Failed when one of them failed, after all ended", async () => {
    const { last } = await run({
      containers: [shell("exit 0", { name: "a" }), shell("sleep 0.1; exit 5", { name: "b" })],
    });
    expect(last).toMatchObject({ phase: "Failed", containers: [{ exitCode: 0 }, { exitCode: 5 }] });
  });

  test("a readiness probe makes the Pod ready, and not before", async () => {
    const pod = runnable({
      containers: [
        shell("sleep 0.3; touch ok; sleep 1000", {
          readinessProbe: { exec: { command: ["cat", "ok"] }, periodSeconds: 1 },
        }),
      ],
    });
    const trial = launch(runtime(), pod);
    await until("ready", () => trial.last?.ready === true);
    expect(trial.observations.find(({ phase }) => phase === "Running")?.ready).toBe(false);
    const unhealthy = trial.events.filter(({ reason }) => reason === "Unhealthy");
    if (!lacks.has("probeEvents")) {
      expect(unhealthy[0]?.message).toMatch(/^Readiness probe failed: /);
    }
    trial.running?.stop(0);
    await trial.ended;
  });

  where(lacks, "tcpProbes")("a failed liveness probe restarts the container", async () => {
    const pod = runnable({
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 1,
      containers: [
        shell("sleep 1000", {
          livenessProbe: { tcpSocket: { port: 1 }, periodSeconds: 1, failureThreshold: 1 },
        }),
      ],
    });
    const trial = launch(runtime(), pod);
    await until("restart", () => trial.last?.containers[0]?.restartCount === 1);
    expect(trial.reasons()).toContain("Unhealthy");
    const killing = trial.events.filter(({ reason }) => reason === "Killing");
    // The next run may have failed as well by now.
    expect(new Set(killing.map(({ message }) => message))).toEqual(
      new Set(["Container main failed liveness probe, will be restarted"]),
    );
    trial.running?.stop(0);
    await trial.ended;
  });

  where(lacks, "hooks")("postStart and preStop hooks", async () => {
    const pod = runnable({
      containers: [
        shell("trap 'cat post pre; exit 0' TERM; touch up; while :; do sleep 0.02; done", {
          lifecycle: {
            postStart: { exec: { command: ["/bin/sh", "-c", "echo post > post"] } },
            preStop: { exec: { command: ["/bin/sh", "-c", "echo pre > pre"] } },
          },
          readinessProbe: { exec: { command: ["test", "-e", "up"] }, periodSeconds: 1 },
        }),
      ],
    });
    const trial = launch(runtime(), pod);
    await until("ready", () => trial.last?.ready === true);
    trial.running?.stop(10);
    await trial.ended;
    expect(await logText(runtime(), pod)).toMatch(/post\npre\n$/);
  });

  const messages = where(lacks, "terminationMessages");
  messages("FallbackToLogsOnError takes the log's end as message, of a failure only", async () => {
    const terminationMessagePolicy = "FallbackToLogsOnError";
    const bad = await run({
      containers: [shell("echo why; exit 1", { terminationMessagePolicy })],
    });
    expect(bad.last.containers[0]?.message).toBe("why\n");
    const good = await run({ containers: [shell("echo fine", { terminationMessagePolicy })] });
    expect(good.last.containers[0]?.message).toBeUndefined();
  });
};

const logs = (run: Run, runtime: () => Runtime, ways: EngineWays, lacks: Lacks): void => {
  const end = lacks.has("unendedLines") ? "end\n" : "end";
  test("log options: tailLines, limitBytes, timestamps, sinceMs", async () => {
    const { pod } = await run({
      containers: [shell("for i in 1 2 3 4 5; do echo line $i; done; printf end")],
    });
    const text = (options: Partial<LogOptions>) => logText(runtime(), pod, options);
    expect(await text({})).toBe(`line 1\nline 2\nline 3\nline 4\nline 5\n${end}`);
    expect(await text({ tailLines: 2 })).toBe(`line 5\n${end}`);
    expect(await text({ tailLines: 0 })).toBe("");
    expect(await text({ tailLines: 100 })).toHaveLength(35 + end.length);
    expect(await text({ limitBytes: 8 })).toBe("line 1\nl");
    expect((await text({ tailLines: 1, timestamps: true })).trimEnd()).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z end$/,
    );
    expect(await text({ sinceMs: Date.now() + 1000 })).toBe("");
  });

  test("a partial line shows at once where it can; a follow ends with the container", async () => {
    const half = ways.partialLines ? "half" : "half\n";
    const pod = runnable({
      containers: [
        shell(`printf '${half}'; while [ ! -e go ]; do sleep 0.02; done; echo ' whole'`),
      ],
    });
    const trial = launch(runtime(), pod);
    await until("partial", async () => (await logText(runtime(), pod).catch(() => "")) === half);
    let followed = "";
    const stream = await runtime().logs(pod, { container: "main", follow: true });
    stream.on("data", (chunk) => (followed += String(chunk)));
    const end = new Promise((resolve) => stream.once("end", resolve));
    await until("followed", () => followed === half);
    trial.running?.stop(0);
    await end;
    await trial.ended;
    expect(followed).toBe(half);
  });

  test("output to /dev/stdout and /dev/stderr opened by name, and of a program that ends at once", async () => {
    const { pod } = await run({
      containers: [shell("echo a > /dev/stdout; echo b > /dev/stderr")],
    });
    expect((await logText(runtime(), pod)).split("\n").toSorted().join("")).toBe("ab");
  });

  where(lacks, "rotation")(
    "rotation keeps the newest files, and a tail runs across them",
    async () => {
      const { pod } = await run({
        containers: [
          shell("i=0; while [ $i -lt 20000 ]; do echo line number $i; i=$((i+1)); done"),
        ],
      });
      const text = await logText(runtime(), pod);
      expect(text.endsWith("line number 19999\n")).toBe(true);
      expect(text.startsWith("line number 0\n")).toBe(false);
      const tail = (await logText(runtime(), pod, { tailLines: 3000 })).split("\n");
      expect(tail[0]).toBe("line number 17000");
    },
  );

  test("logs that are not there say why", async () => {
    const pod = runnable({ containers: [shell("sleep 1000")] });
    await expect(logText(runtime(), pod)).rejects.toThrow(
      'container "main" in pod "pod-1" is waiting to start: ContainerCreating',
    );
    const trial = launch(runtime(), pod);
    await until("Running", () => trial.last?.phase === "Running");
    await expect(logText(runtime(), pod, { previous: true })).rejects.toThrow(
      'previous terminated container "main" in pod "pod-1" not found',
    );
    trial.running?.stop(0);
    await trial.ended;
  });
};

const volumes = (run: Run, runtime: () => Runtime, ways: EngineWays, lacks: Lacks): void => {
  const mounted = (script: string, mountPath: string, extra: Container = {}): Container =>
    shell(script, { volumeMounts: [{ name: "data", mountPath }], ...extra });

  const kept = where(lacks, "volumesAcrossRestarts");
  kept(
    "conformance.md 1.2 failOnce: an emptyDir outlives container restarts and is shared",
    async () => {
      const { pod, last } = await run({
        restartPolicy: "OnFailure",
        volumes: [{ name: "data", emptyDir: {} }],
        initContainers: [mounted("echo init > /data/init", "/data", { name: "i" })],
        containers: [
          mounted("cat /data/init; [ -r /data/foo ] && exit 0; touch /data/foo; exit 1", "/data"),
        ],
      });
      expect(last).toMatchObject({ phase: "Succeeded", containers: [{ restartCount: 1 }] });
      expect(await logText(runtime(), pod)).toBe("init\n");
    },
  );

  where(lacks, "configFiles")(
    "configMap and secret files, read-only, with their modes, below a directory that exists",
    async () => {
      const sources = new Map([
        [
          "configmap/conf",
          new Map([
            ["a.txt", Buffer.from("A")],
            ["b.txt", Buffer.from("B")],
          ]),
        ],
      ]);
      const { pod } = await run(
        {
          volumes: [
            {
              name: "data",
              configMap: {
                name: "conf",
                defaultMode: 0o400,
                items: [{ key: "a.txt", path: "sub/x" }],
              },
            },
          ],
          containers: [
            mounted(
              "cat /etc/suite/conf/sub/x; stat -c ' %a' /etc/suite/conf/sub/x; touch /etc/suite/conf/y || echo refused; cat /etc/passwd | grep -c ^root:",
              "/etc/suite/conf",
            ),
          ],
        },
        { sources },
      );
      expect((await logText(runtime(), pod)).replaceAll(/touch: .*\n/g, "")).toBe(
        "A 400\nrefused\n1\n",
      );
    },
  );

  test("a probe and a program that does not exist beside mounts", async () => {
    const spec = { volumes: [{ name: "data", emptyDir: {} }] };
    const pod = runnable({
      ...spec,
      containers: [
        mounted("touch /data/ok; sleep 1000", "/data", {
          readinessProbe: { exec: { command: ["cat", "/data/ok"] }, periodSeconds: 1 },
        }),
      ],
    });
    const trial = launch(runtime(), pod);
    await until("ready", () => trial.last?.ready === true);
    trial.running?.stop(0);
    await trial.ended;
    const { last } = await run({
      ...spec,
      containers: [mounted("", "/data", { command: ["nosuch"] })],
    });
    const { reason, missing, message } = ways.cannotStart;
    expect(last.containers[0]).toMatchObject({ reason, exitCode: missing });
    expect(last.containers[0]?.message).toContain(message);
  });

  const messages = where(lacks, "terminationMessages");
  messages("termination message from its file", async () => {
    const { last } = await run({
      containers: [shell("echo -n done > /dev/termination-log; exit 3")],
    });
    expect(last.containers[0]).toMatchObject({
      exitCode: 3,
      message: expect.stringContaining("done"),
    });
  });
};

// Pods in real containers: what conformance.md asks of a node, volumes, security, resources.
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, canBePrivileged, noEngine, PAUSE } from "../testing/dockerd.ts";
import type { DockerRuntime } from "../src/docker/docker-runtime.ts";
import { busybox, type Container, DockerTrials, runOn } from "./docker-trial.ts";
import { launch, logText, runnable, until } from "./runtime-suite.ts";

describe.skipIf(noEngine !== null)(`Pods in containers (${noEngine ?? "a real engine"})`, () => {
  let trials: DockerTrials;
  let runtime: DockerRuntime;
  let shared: string;
  beforeAll(async () => {
    trials = await DockerTrials.start();
    shared = join(trials.root, "host-paths");
    mkdirSync(shared);
    runtime = await trials.open("pods", {
      allowedHostPaths: [shared],
      allowPrivileged: true,
      volumeCheckMs: 100,
    });
  });
  afterAll(() => trials?.stop());

  const mounted = (script: string, extra: Container = {}): Container =>
    busybox(script, { volumeMounts: [{ name: "data", mountPath: "/data" }], ...extra });
  const onHost = (path: string, type = "DirectoryOrCreate") => [
    { name: "data", hostPath: { path: join(shared, path), type } },
  ];

  describe("conformance.md 1.2", () => {
    const volumes = [{ name: "data", emptyDir: {} }];
    const oddFails =
      "if [ $(expr ${JOB_COMPLETION_INDEX} % 2) -ne 0 ]; then exit 1; else exit 0; fi";

    test("an empty command takes the image's: busybox exits 0, pause stays until SIGTERM", async () => {
      const { last } = await runOn(runtime, { containers: [{ name: "c", image: BUSYBOX }] });
      expect(last).toMatchObject({ phase: "Succeeded", containers: [{ exitCode: 0 }] });
      const trial = launch(runtime, runnable({ containers: [{ name: "c", image: PAUSE }] }));
      await until("Running", () => trial.last?.phase === "Running");
      trial.running?.stop(30);
      expect(await trial.ended).toMatchObject({
        phase: "Succeeded",
        containers: [{ reason: "Completed", exitCode: 0 }],
      });
    });

    test.each([
      ["succeed", "exit 0", undefined, /^0$/],
      ["fail", "exit 1", undefined, /^1$/],
      ["randomlySucceedOrFail", "exit $(( $RANDOM / 16384 ))", undefined, /^[01]$/],
      ["failOddSucceedEven, odd", oddFails, "3", /^1$/],
      ["failOddSucceedEven, even", oddFails, "4", /^0$/],
    ])("%s", async (_, script, index, exitCode) => {
      const env = index === undefined ? [] : [{ name: "JOB_COMPLETION_INDEX", value: index }];
      const { last } = await runOn(runtime, { containers: [mounted(script, { env })], volumes });
      expect(`${last.containers[0]?.exitCode}`).toMatch(exitCode);
    });

    test("J2, J19 failOnce on the node: a marker on a hostPath outlives the Pod", async () => {
      const script = "if [[ -r /data/foo ]] ; then exit 0 ; else touch /data/foo ; exit 1 ; fi";
      // As in the test of Kubernetes, where this machine has all that privileged needs.
      const container = mounted(script, { securityContext: { privileged: canBePrivileged } });
      const spec = { volumes: onHost("job-e2e/abc"), containers: [container] };
      expect((await runOn(runtime, spec)).last.containers[0]).toMatchObject({ exitCode: 1 });
      expect((await runOn(runtime, spec)).last.phase).toBe("Succeeded");
      expect(readdirSync(join(shared, "job-e2e/abc"))).toEqual(["foo"]);
    });

    test("J3 failOncePerIndex: the index comes from the downward API", async () => {
      const marker = "/data/foo-$JOB_COMPLETION_INDEX";
      const fieldPath = "metadata.annotations['batch.kubernetes.io/job-completion-index']";
      const container = mounted(`[[ -r ${marker} ]] && exit 0; touch ${marker}; exit 42`, {
        env: [{ name: "JOB_COMPLETION_INDEX", valueFrom: { fieldRef: { fieldPath } } }],
      });
      const annotations = { "batch.kubernetes.io/job-completion-index": "2" };
      const spec = { volumes: onHost("per-index"), containers: [container] };
      const first = await runOn(runtime, spec, { annotations });
      expect(first.last.containers[0]).toMatchObject({ exitCode: 42 });
      expect((await runOn(runtime, spec, { annotations })).last.phase).toBe("Succeeded");
      expect(existsSync(join(shared, "per-index/foo-2"))).toBe(true);
    });

    test("J4 notTerminateOncePerIndex: ready by an exec probe each second; a grace of 1 s", async () => {
      const pod = runnable({
        terminationGracePeriodSeconds: 1,
        volumes: onHost("once"),
        containers: [
          mounted("[[ -r /data/foo ]] && exit 0; touch /data/foo; sleep 1000000", {
            readinessProbe: {
              exec: { command: ["/bin/sh", "-c", "cat /data/foo"] },
              periodSeconds: 1,
            },
          }),
        ],
      });
      const trial = launch(runtime, pod);
      await until("ready", () => trial.last?.ready === true);
      const startMs = Date.now();
      trial.running?.stop(1);
      expect((await trial.ended).containers[0]).toMatchObject({ exitCode: 137 });
      expect(Date.now() - startMs).toBeGreaterThanOrEqual(950);
    });

    test("J7: a SIGTERM trap that sleeps 5 s and exits 143 is waited for", async () => {
      const script = "trap 'sleep 5; exit 143' TERM; touch /up; while :; do sleep 0.1; done";
      const pod = runnable({
        containers: [
          busybox(script, {
            readinessProbe: { exec: { command: ["test", "-e", "/up"] }, periodSeconds: 1 },
          }),
        ],
      });
      const trial = launch(runtime, pod);
      await until("trap set", () => trial.last?.ready === true);
      const startMs = Date.now();
      trial.running?.stop(30);
      expect((await trial.ended).containers[0]).toMatchObject({ exitCode: 143, reason: "Error" });
      expect(Date.now() - startMs).toBeGreaterThanOrEqual(4900);
    });

    test("J18 failOnce: an emptyDir is kept across restarts in place", async () => {
      const { last } = await runOn(runtime, {
        restartPolicy: "OnFailure",
        volumes: [{ name: "data", emptyDir: {} }],
        containers: [mounted("[[ -r /data/foo ]] && exit 0; touch /data/foo; exit 1")],
      });
      expect(last).toMatchObject({ phase: "Succeeded", containers: [{ restartCount: 1 }] });
    });
  });

  describe("volumes", () => {
    test("those of a Pod that has ended are removed, its log stays", async () => {
      const { pod } = await runOn(runtime, {
        volumes: [{ name: "data", emptyDir: {} }],
        containers: [mounted("echo there > /data/x; cat /data/x")],
      });
      const directory = join(trials.root, "pods", "docker", "pods", pod.uid);
      await until("no volumes", () => !existsSync(join(directory, "volumes")));
      expect(existsSync(directory)).toBe(true);
      expect(await logText(runtime, pod)).toBe("there\n");
    });

    test("medium Memory is a tmpfs of its size, shared, and kept across restarts", async () => {
      const { pod, last } = await runOn(runtime, {
        restartPolicy: "OnFailure",
        volumes: [{ name: "data", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } }],
        initContainers: [mounted("echo one > /data/a", { name: "init" })],
        containers: [
          mounted(
            "cat /data/*; grep -c ' /data tmpfs' /proc/mounts; dd if=/dev/zero of=/data/big bs=1M count=2 2>/dev/null && exit 9; rm /data/big; [ -e /data/b ] && exit 0; echo two > /data/b; exit 1",
          ),
        ],
      });
      expect(last).toMatchObject({ phase: "Succeeded", containers: [{ restartCount: 1 }] });
      expect(await logText(runtime, pod)).toBe("one\ntwo\n1\n");
      await runtime.remove(pod);
      expect((await trials.left()).filter((name) => name.includes(pod.uid))).toEqual([]);
    });

    test("an emptyDir above its sizeLimit: Evicted", async () => {
      const { last, trial } = await runOn(runtime, {
        volumes: [{ name: "data", emptyDir: { sizeLimit: "1Mi" } }],
        containers: [mounted("dd if=/dev/zero of=/data/big bs=1M count=2; sleep 1000")],
      });
      const message = 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". ';
      expect(last).toMatchObject({ phase: "Failed", reason: "Evicted", message });
      expect(trial.reasons()).toContain("Evicted");
    });

    test.each([
      ["Directory", "file", "is not a directory"],
      ["File", "directory", "is not a file"],
      ["Socket", "file", "is not a socket file"],
      ["Directory", "missing", "is not a directory"],
    ])("hostPath %s on a %s: FailedMount, and the Pod waits", async (type, path, message) => {
      writeFileSync(join(shared, "file"), "");
      mkdirSync(join(shared, "directory"), { recursive: true });
      const pod = runnable({ volumes: onHost(path, type), containers: [mounted("true")] });
      const trial = launch(runtime, pod);
      await until("FailedMount", () => trial.reasons().includes("FailedMount"));
      expect(trial.events[0]).toMatchObject({
        type: "Warning",
        message: expect.stringMatching(
          new RegExp(`^MountVolume.SetUp failed for volume "data" : .*${message}$`),
        ),
      });
      expect(trial.last?.phase ?? "Pending").toBe("Pending");
      trial.running?.stop(0);
      expect((await trial.ended).phase).toBe("Failed");
    });

    test("a link below an allowed path that leads out of it is refused", async () => {
      symlinkSync("/etc", join(shared, "out"));
      const pod = runnable({ volumes: onHost("out", ""), containers: [mounted("true")] });
      const trial = launch(runtime, pod);
      await until("FailedMount", () => trial.reasons().includes("FailedMount"));
      expect(trial.events[0]?.message).toContain("leads to /etc, which this worker does not allow");
      trial.running?.stop(0);
      await trial.ended;
    });

    test("a link that a container made in its volume does not lead a subPath out of it", async () => {
      const volumeMounts = [{ name: "data", mountPath: "/sub", subPath: "sub" }];
      const pod = runnable({
        volumes: [{ name: "data", emptyDir: {} }],
        initContainers: [mounted("ln -s /etc /data/sub", { name: "init" })],
        containers: [busybox("ls /sub", { volumeMounts })],
      });
      const trial = launch(runtime, pod);
      await until("refused", () => trial.last?.containers[0]?.reason === "CreateContainerError");
      expect(trial.last?.containers[0]?.message).toBe("subPath sub leads out of its volume");
      trial.running?.stop(0);
      await trial.ended;
      await runtime.remove(pod);
    });
  });

  describe("security and resources", () => {
    test("readOnlyRootFilesystem, capabilities, no new privileges", async () => {
      const { pod } = await runOn(runtime, {
        containers: [
          busybox(
            "touch /x 2>/dev/null || echo read-only; grep -E 'CapEff|NoNewPrivs' /proc/self/status",
            {
              securityContext: {
                readOnlyRootFilesystem: true,
                allowPrivilegeEscalation: false,
                capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
              },
            },
          ),
        ],
      });
      expect((await logText(runtime, pod)).replaceAll("\t", " ")).toBe(
        "read-only\nCapEff: 0000000000000400\nNoNewPrivs: 1\n",
      );
    });

    test("runAsNonRoot with an image that runs as root: CreateContainerConfigError", async () => {
      const pod = runnable({
        containers: [busybox("true", { securityContext: { runAsNonRoot: true } })],
      });
      const trial = launch(runtime, pod);
      await until(
        "refused",
        () => trial.last?.containers[0]?.reason === "CreateContainerConfigError",
      );
      expect(trial.last).toMatchObject({ phase: "Pending" });
      expect(trial.last?.containers[0]?.message).toContain("image will run as root");
      trial.running?.stop(0);
      await trial.ended;
    });

    test("over its memory limit: OOMKilled with 137; cpu as asked", async () => {
      const { pod, last } = await runOn(runtime, {
        containers: [
          busybox("exec tail /dev/zero", {
            resources: { limits: { memory: "16Mi", cpu: "500m" }, requests: { cpu: "250m" } },
          }),
        ],
      });
      expect(last.containers[0]).toMatchObject({ reason: "OOMKilled", exitCode: 137 });
      const name = `gantry-${pod.uid}-main-0`;
      const { HostConfig } = await trials.engine.docker.getContainer(name).inspect();
      expect(HostConfig).toMatchObject({ NanoCpus: 5e8, CpuShares: 256, Memory: 16 * 2 ** 20 });
    });

    test("what a worker without allowPrivileged refuses, by path", async () => {
      const careful = await trials.open("careful");
      const rejections = careful.admit({
        hostPID: true,
        hostNetwork: true,
        volumes: [
          { name: "a", hostPath: { path: "/etc" } },
          { name: "b", nfs: { server: "s", path: "/" } },
        ],
        containers: [
          busybox("true", {
            securityContext: { privileged: true, capabilities: { add: ["SYS_ADMIN", "KILL"] } },
            livenessProbe: { grpc: { port: 1 } },
            resources: { limits: { "nvidia.com/gpu": "1" } },
          }),
        ],
      });
      expect(rejections.map(({ path }) => path)).toEqual([
        "containers[0].livenessProbe.grpc",
        "containers[0].securityContext.privileged",
        "containers[0].securityContext.capabilities.add",
        "containers[0].resources.limits.nvidia.com/gpu",
        "volumes[0].hostPath.path",
        "volumes[1].nfs",
        "hostNetwork",
        "hostPID",
      ]);
      const probed = {
        containers: [busybox("true", { readinessProbe: { tcpSocket: { port: 1 } } })],
      };
      expect(careful.admit(probed).map(({ path }) => path)).toEqual([
        "containers[0].readinessProbe.tcpSocket",
      ]);
    });
  });

  describe("what a Pod's containers share", () => {
    test("the network and, when asked, the processes; not the root filesystem", async () => {
      const { pod, last } = await runOn(runtime, {
        shareProcessNamespace: true,
        containers: [
          busybox("touch /mine; echo hello | nc -l -p 7000; sleep 0.2", { name: "server" }),
          busybox(
            "until nc 127.0.0.1 7000 2>/dev/null; do sleep 0.05; done; ps | grep -c '[/]wait'; ls /mine 2>/dev/null || echo apart; hostname",
          ),
        ],
      });
      expect(last.phase).toBe("Succeeded");
      expect(await logText(runtime, pod)).toMatch(/^hello\n1\napart\npod-1\n$/);
    });

    test("an httpGet probe over the host's network", async () => {
      const port = 20_000 + (process.pid % 10_000);
      const httpGet = { path: "/", port };
      const pod = runnable({
        hostNetwork: true,
        containers: [
          busybox(
            `mkdir /www; echo ok > /www/index.html; exec httpd -f -p 127.0.0.1:${port} -h /www`,
            {
              readinessProbe: { httpGet, periodSeconds: 1 },
            },
          ),
        ],
      });
      const trial = launch(runtime, pod);
      await until("ready", () => trial.last?.ready === true);
      expect(trial.last?.podIP).toBe(trial.last?.hostIP);
      trial.running?.stop(0);
      await trial.ended;
    });

    test("a terminal's output is in the log", async () => {
      const { pod } = await runOn(runtime, {
        containers: [busybox("test -t 1 && echo one; echo two", { tty: true })],
      });
      expect(await logText(runtime, pod)).toBe("one\r\ntwo\r\n");
      expect(await logText(runtime, pod, { timestamps: true, tailLines: 1 })).toMatch(
        /^\d{4}-\S+Z two\r\n$/,
      );
    });
  });

  test("Events and status of a plain run, in order", async () => {
    const { trial, last } = await runOn(runtime, { containers: [busybox("exit 0")] });
    expect(trial.events).toEqual([
      {
        type: "Normal",
        reason: "Pulled",
        message: `Container image "${BUSYBOX}" already present on machine and can be accessed by the pod`,
        fieldPath: "spec.containers{main}",
      },
      expect.objectContaining({ reason: "Created", message: "Container created" }),
      expect.objectContaining({ reason: "Started", message: "Container started" }),
    ]);
    expect(last.containers[0]).toMatchObject({
      containerID: expect.stringMatching(/^docker:\/\/[0-9a-f]{64}$/),
      imageID: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    const { startedAtMs = 0, finishedAtMs = 0 } = last.containers[0] ?? {};
    expect(finishedAtMs).toBeGreaterThanOrEqual(startedAtMs);
    expect(Math.abs(Date.now() - finishedAtMs)).toBeLessThan(30_000);
  });

  test("nothing is left of a Pod that was removed, running or ended, and others' are not touched", async () => {
    const other = await trials.open("other-worker");
    const pod = runnable({
      volumes: [{ name: "data", emptyDir: {} }],
      containers: [mounted("sleep 1000")],
    });
    const trial = launch(runtime, pod);
    await until("Running", () => trial.last?.phase === "Running");
    expect((await runtime.list()).map(({ uid }) => uid)).toContain(pod.uid);
    expect(await other.list()).toEqual([]);
    await other.remove(pod);
    expect((await runtime.list()).find(({ uid }) => uid === pod.uid)).toEqual({
      uid: pod.uid,
      namespace: "default",
      name: "pod-1",
    });
    for (const each of await runtime.list()) await runtime.remove(each);
    expect(await runtime.list()).toEqual([]);
    expect(await trials.left()).toEqual([]);
    expect(readdirSync(join(trials.root, "pods/docker/pods"))).toEqual([]);
  });
});

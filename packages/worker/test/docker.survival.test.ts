// Killed workers, an engine that goes away, containers that somebody removes: nothing is missed.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noEngine } from "../testing/dockerd.ts";
import type { DockerRuntimeOptions } from "../src/docker/docker-runtime.ts";
import { EngineWatch } from "../src/docker/engine-watch.ts";
import type { RunnablePod } from "../src/runtime.ts";
import { compileKilledWorker, type CompiledWorker } from "./docker-compiled.ts";
import { busybox, type Container, DockerTrials, runOn } from "./docker-trial.ts";
import { launch, logText, runnable, Trial, until } from "./runtime-suite.ts";

describe.skipIf(noEngine !== null)(`survival (${noEngine ?? "a real engine"})`, () => {
  let trials: DockerTrials;
  let worker: CompiledWorker;
  beforeAll(async () => {
    worker = compileKilledWorker();
    trials = await DockerTrials.start();
  });
  afterAll(async () => {
    await trials?.stop();
    worker?.remove();
  });

  /** Runs the Pod in a worker that is killed as soon as one of its observations shows this. */
  const runAndKill = async (
    options: DockerRuntimeOptions,
    pod: RunnablePod,
    shows: string,
  ): Promise<void> => {
    const child: ChildProcess = spawn(
      process.execPath,
      [worker.path, JSON.stringify(options), JSON.stringify(pod)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const gone = new Promise((resolve) => child.once("exit", resolve));
    await new Promise<void>((resolve) => {
      child.stdout?.on("data", (chunk) => {
        if (String(chunk).includes(shows)) resolve();
      });
    });
    child.kill("SIGKILL");
    await gone;
  };

  const containerOf = (pod: RunnablePod, restart = 0): Docker.Container =>
    trials.engine.docker.getContainer(`gantry-${pod.uid}-main-${restart}`);
  const mounted = (script: string, extra: Container = {}): Container =>
    busybox(script, { volumeMounts: [{ name: "data", mountPath: "/data" }], ...extra });
  const data = [{ name: "data", emptyDir: {} }];
  const fileOf = (name: string, pod: RunnablePod, file: string): string =>
    join(trials.root, name, "docker/pods", pod.uid, "volumes/data", file);

  const adopt = async (name: string, pod: RunnablePod) => {
    const runtime = await trials.open(name);
    const trial = new Trial();
    trial.running = await runtime.adopt(pod, undefined, trial.sink);
    return { runtime, trial };
  };

  test("a killed worker: the Pod runs on and is adopted with its log", async () => {
    const script = "echo early; while [ ! -e /data/go ]; do sleep 0.02; done; echo late; exit 42";
    const pod = runnable({ volumes: data, containers: [mounted(script)] });
    await runAndKill(trials.options("runs-on"), pod, '"Running"');
    const { runtime, trial } = await adopt("runs-on", pod);
    await until("adopted", () => trial.last?.phase === "Running");
    writeFileSync(fileOf("runs-on", pod, "go"), "");
    expect((await trial.ended).containers[0]).toMatchObject({ exitCode: 42, restartCount: 0 });
    expect(await logText(runtime, pod)).toBe("early\nlate\n");
    expect(trial.reasons()).toEqual([]);
  });

  test("a killed worker: an end meanwhile keeps its exit code, times and message", async () => {
    const script = "sleep 0.3; echo -n why > /dev/termination-log; exit 43";
    const pod = runnable({ activeDeadlineSeconds: 1, containers: [busybox(script)] });
    await runAndKill(trials.options("meanwhile"), pod, '"Running"');
    await containerOf(pod).wait();
    const { State } = await containerOf(pod).inspect();
    // The deadline passes with no worker there: the end came before it.
    await until("past the deadline", () => Date.now() > Date.parse(State.StartedAt) + 1100);
    const { trial } = await adopt("meanwhile", pod);
    const last = await trial.ended;
    expect(last).toMatchObject({
      phase: "Failed",
      containers: [{ exitCode: 43, message: "why", finishedAtMs: Date.parse(State.FinishedAt) }],
    });
    expect(last.reason).toBeUndefined();
  });

  test("a killed worker: init containers are not run again, restarts are counted on", async () => {
    const script =
      "[ -e /data/go ]; first=$?; echo main >> /data/order; [ $first = 0 ] && exit 0; while [ ! -e /data/go ]; do sleep 0.02; done; exit 5";
    const pod = runnable({
      restartPolicy: "OnFailure",
      volumes: data,
      initContainers: [mounted("echo init >> /data/order", { name: "init" })],
      containers: [mounted(script)],
    });
    await runAndKill(trials.options("restarts"), pod, '"state":"running","startedAtMs"');
    const { trial } = await adopt("restarts", pod);
    await until("adopted", () => trial.last?.containers[0]?.state === "running");
    const order = (): string => readFileSync(fileOf("restarts", pod, "order"), "utf8");
    await until("the program to have looked", () => order().includes("main"));
    writeFileSync(fileOf("restarts", pod, "go"), "");
    const last = await trial.ended;
    expect(last).toMatchObject({
      phase: "Succeeded",
      initContainers: [{ restartCount: 0, exitCode: 0 }],
      containers: [{ restartCount: 1, exitCode: 0, lastState: { exitCode: 5 } }],
    });
    expect(order()).toBe("init\nmain\nmain\n");
  });

  test("a Pod that had ended is reported again as it was, without its containers", async () => {
    const runtime = await trials.open("ended");
    const { pod, last } = await runOn(runtime, { containers: [busybox("exit 6")] });
    await runtime.close();
    await containerOf(pod).remove();
    const { trial } = await adopt("ended", pod);
    expect(await trial.ended).toEqual(last);
  });

  test("R85: a machine that was restarted: lost, with a disruption, and not started again", async () => {
    const runtime = await trials.open("rebooted");
    const pod = runnable({
      restartPolicy: "OnFailure",
      initContainers: [busybox("exit 0", { name: "init" })],
      containers: [busybox("sleep 1000")],
    });
    const before = launch(runtime, pod);
    await until("Running", () => before.last?.phase === "Running");
    await runtime.close();
    // As after a restart of the machine: it started after the container, which is found dead.
    await until(
      "time has passed",
      () => Date.now() > (before.last?.containers[0]?.startedAtMs ?? 0) + 50,
    );
    const bootedAtMs = Date.now();
    await containerOf(pod).kill();
    await containerOf(pod).wait();
    const restarted = await trials.open("rebooted", { bootedAtMs });
    const trial = new Trial();
    trial.running = await restarted.adopt(pod, undefined, trial.sink);
    expect(await trial.ended).toMatchObject({
      phase: "Failed",
      reason: "NodeRebooted",
      disruption: { reason: "TerminationByKubelet" },
      initContainers: [{ exitCode: 0, reason: "Completed" }],
      containers: [{ exitCode: 137, reason: "ContainerStatusUnknown", restartCount: 0 }],
    });
    expect(trial.reasons()).toEqual(["NodeRebooted"]);
  });

  test("a container that somebody removed: Failed with 137, once", async () => {
    const runtime = await trials.open("removed");
    const pod = runnable({ containers: [busybox("sleep 1000")] });
    const trial = launch(runtime, pod);
    await until("Running", () => trial.last?.phase === "Running");
    await containerOf(pod).remove({ force: true });
    expect((await trial.ended).containers[0]).toMatchObject({ exitCode: 137 });
  });

  test("without the engine's events the resync sees an end", async () => {
    const docker = new Docker({ socketPath: trials.engine.socketPath });
    const warnings: unknown[] = [];
    docker.getEvents = ((_options: unknown, done: (error: Error) => void) =>
      done(new Error("no events today"))) as unknown as typeof docker.getEvents;
    const log = { warn: (...all: unknown[]) => void warnings.push(all) };
    const watch = new EngineWatch(docker, "nobody", log as never, 100);
    watch.open();
    const container = await docker.createContainer({
      Image: "busybox:1.36",
      Entrypoint: ["sh", "-c", "sleep 0.2; exit 3"],
      HostConfig: { NetworkMode: "none" },
    });
    await container.start();
    const ended = await watch.ended(container.id);
    expect(ended?.State.ExitCode).toBe(3);
    expect(warnings).toHaveLength(1);
    await watch.close();
    await container.remove();
  });

  test("an engine that is restarted: Pods' ends are reported, and new Pods run", async () => {
    const runtime = await trials.open("engine");
    const pod = runnable({
      containers: [busybox("trap 'exit 7' TERM; while :; do sleep 0.02; done")],
    });
    const trial = launch(runtime, pod);
    await until("Running", () => trial.last?.phase === "Running");
    await trials.engine.restart();
    const last = await trial.ended;
    expect(last.phase).toBe("Failed");
    expect([7, 137]).toContain(last.containers[0]?.exitCode);
    expect((await runOn(runtime, { containers: [busybox("exit 0")] })).last.phase).toBe(
      "Succeeded",
    );
  });
});

// What the docker runtime's tests share: a private engine and runtimes on it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PodSpec } from "@gantry/core";
import { BUSYBOX, startEngine, type TestEngine } from "../testing/dockerd.ts";
import { DockerRuntime, type DockerRuntimeOptions } from "../src/docker/docker-runtime.ts";
import type { Observation, RunnablePod } from "../src/runtime.ts";
import { launch, runnable, type Trial } from "./runtime-suite.ts";

export type Container = NonNullable<PodSpec["containers"]>[number];

/** Short, so that tests see several rounds. */
export const quickBackoff = { initialMs: 200, maxMs: 1000, resetAfterMs: 600_000 };

export const busybox = (script: string, extra: Container = {}): Container => ({
  name: "main",
  image: BUSYBOX,
  command: ["/bin/sh", "-c", script],
  ...extra,
});

export class DockerTrials {
  readonly engine: TestEngine;
  readonly root = mkdtempSync(join(tmpdir(), "gantry-docker-"));
  readonly #runtimes: DockerRuntime[] = [];

  private constructor(engine: TestEngine) {
    this.engine = engine;
  }

  static async start(): Promise<DockerTrials> {
    return new DockerTrials(await startEngine());
  }

  options(name: string, extra: Partial<DockerRuntimeOptions> = {}): DockerRuntimeOptions {
    return {
      dataDir: join(this.root, name),
      socketPath: this.engine.socketPath,
      network: "none",
      backoff: quickBackoff,
      ...extra,
    };
  }

  async open(name: string, extra: Partial<DockerRuntimeOptions> = {}): Promise<DockerRuntime> {
    const runtime = await DockerRuntime.open(this.options(name, extra));
    this.#runtimes.push(runtime);
    return runtime;
  }

  /** Everything that the engine has, but for images. */
  async left(): Promise<string[]> {
    const { docker } = this.engine;
    const containers = await docker.listContainers({ all: true });
    const { Volumes } = await docker.listVolumes();
    return [...containers.flatMap(({ Names }) => Names), ...Volumes.map(({ Name }) => Name)];
  }

  async stop(): Promise<void> {
    await Promise.all(this.#runtimes.map((runtime) => runtime.close()));
    await this.engine.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}

export const runOn = async (
  runtime: DockerRuntime,
  spec: PodSpec,
  extra: Partial<RunnablePod> = {},
): Promise<{ pod: RunnablePod; trial: Trial; last: Observation }> => {
  const pod = runnable(spec, extra);
  const trial = launch(runtime, pod);
  return { pod, trial, last: await trial.ended };
};

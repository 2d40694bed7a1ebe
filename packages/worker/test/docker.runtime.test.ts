// The shared suite on the docker runtime with a real engine, and what only it promises.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PodSpec } from "@gantry/core";
import { afterAll, beforeAll, describe } from "vitest";
import { BUSYBOX, noEngine, startEngine, type TestEngine } from "../testing/dockerd.ts";
import { DockerRuntime, type DockerRuntimeOptions } from "../src/docker/docker-runtime.ts";
import type { Runtime } from "../src/runtime.ts";
import { runtimeSuite } from "./runtime-suite.ts";

type Container = NonNullable<PodSpec["containers"]>[number];

/** What the suite's Pods need here: an image, and a directory that outlives restarts. */
const prepared = (spec: PodSpec): PodSpec => {
  const container = (from: Container): Container => ({
    ...from,
    image: BUSYBOX,
    imagePullPolicy: "IfNotPresent",
    workingDir: from.workingDir ?? "/pod/home",
    volumeMounts: [...(from.volumeMounts ?? []), { name: "home", mountPath: "/pod/home" }],
  });
  const kills = spec.containers?.some(({ command }) => command?.join(" ").includes("kill -"));
  return {
    ...spec,
    // The kernel spares the first process of a namespace what it sends itself.
    ...(kills === true ? { shareProcessNamespace: true } : {}),
    ...(spec.initContainers === undefined
      ? {}
      : { initContainers: spec.initContainers.map(container) }),
    containers: (spec.containers ?? []).map(container),
    volumes: [...(spec.volumes ?? []), { name: "home", emptyDir: {} }],
  };
};

const withPrepared = (runtime: Runtime): Runtime => ({
  name: runtime.name,
  admit: (spec) => runtime.admit(spec),
  launch: (pod, sink) => runtime.launch({ ...pod, spec: prepared(pod.spec) }, sink),
  adopt: (pod, handle, sink) => runtime.adopt(pod, handle, sink),
  logs: (pod, options) => runtime.logs(pod, options),
  remove: (pod) => runtime.remove(pod),
  list: () => runtime.list(),
  close: () => runtime.close(),
});

describe.skipIf(noEngine !== null)(`a real engine (${noEngine ?? "here"})`, () => {
  let engine: TestEngine;
  let root: string;
  const optionsFor = (name: string): DockerRuntimeOptions => ({
    dataDir: join(root, name),
    socketPath: engine.socketPath,
    network: "none",
    logLimits: { maxFileBytes: 500_000, maxFiles: 2 },
  });
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "gantry-docker-"));
    engine = await startEngine();
  });
  afterAll(async () => {
    await engine?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  runtimeSuite(
    "docker",
    async () => withPrepared(await DockerRuntime.open({ ...optionsFor("suite"), network: "host" })),
    {
      programs: true,
      noVolumes: null,
      engine: {
        signals: false,
        cannotStart: {
          reason: "ContainerCannotRun",
          missing: 127,
          denied: 126,
          message: 'exec: "nosuch": executable file not found',
        },
        makesWorkingDirs: true,
        partialLines: false,
      },
    },
  );
});

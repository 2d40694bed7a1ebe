// The shared suite on the ecs runtime with a fake of ECS, and how it refuses what a task can't do.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEcsSettings, type PodSpec } from "@gantry/core";
import { Store } from "@gantry/store";
import type { RunnablePod, Runtime } from "@gantry/worker";
import { EcsRuntime } from "@gantry/worker/testing/ecs";
import { type Lack, runtimeSuite, shell } from "@gantry/worker/testing/runtime-suite";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Clients, clientsOf } from "../fake-ecs/clients.ts";
import { type FakeEcs, startFakeEcs } from "../fake-ecs/fake-ecs.ts";
import { gantryConfig } from "../fake-ecs/gantry-config.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { unlimited } from "./ecs-cell.ts";

type Container = NonNullable<PodSpec["containers"]>[number];

/** A second of stopTimeout and of health checks: the grace of 30 s is 1.2 s. */
const SECOND_MS = 40;

const secretArn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:sec-AbCdEf:token::";

let root: string;
let fake: FakeEcs;
let clients: Clients;
let redis: TestRedis;
let store: Store;
let opened: EcsRuntime;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "gantry-ecs-suite-"));
  chmodSync(root, 0o777);
  fake = await startFakeEcs({
    rates: null,
    quotas: { fargateVcpu: 1000 },
    timings: { secondMs: SECOND_MS, logMs: 0 },
    secrets: { [secretArn]: "s3cret" },
  });
  clients = clientsOf(fake);
  redis = await startRedis();
  store = new Store({ connection: { url: redis.url } });
  await store.open();
  opened = await open();
});
afterAll(async () => {
  await opened.close();
  await store.close();
  await redis.stop();
  await fake.close();
  rmSync(root, { recursive: true, force: true });
});

const open = (): Promise<EcsRuntime> =>
  EcsRuntime.open({
    settings: parseEcsSettings(
      gantryConfig(fake, {
        rates: { ...unlimited, logEvents: { burst: 1000, perSecond: 1000 } },
        secrets: { "default/sec/token": secretArn },
        waiter: { image: "busybox" },
        logs: { group: "gantry", drainSeconds: 0 },
        watch: { safetyPollSeconds: 1 },
      }),
    ),
    store,
    log: pino({ level: "silent" }),
    holder: "suite",
    // Inputs are checked against the model.
    clients,
  });

/** What the suite's Pods need here: a directory of their own, which the programs of this host share. */
const prepared = ({ spec, uid }: RunnablePod): PodSpec => {
  const home = join(root, uid, "home");
  const container = (from: Container): Container => ({
    ...from,
    image: from.image ?? "busybox",
    workingDir: from.workingDir ?? home,
  });
  return {
    ...spec,
    ...(spec.initContainers === undefined
      ? {}
      : { initContainers: spec.initContainers.map(container) }),
    containers: (spec.containers ?? []).map(container),
  };
};

const suited = (runtime: Runtime): Runtime => ({
  name: runtime.name,
  admit: (spec) => runtime.admit(spec),
  launch: (pod, sink) => {
    const spec = prepared(pod);
    const rejections = runtime.admit(spec);
    if (rejections.length > 0) throw new Error(JSON.stringify(rejections));
    mkdirSync(join(root, pod.uid, "home"), { recursive: true, mode: 0o777 });
    return runtime.launch({ ...pod, spec }, sink);
  },
  adopt: (pod, handle, sink) => runtime.adopt(pod, handle, sink),
  logs: (pod, options) => runtime.logs(pod, options),
  remove: (pod) => runtime.remove(pod),
  list: () => runtime.list(),
  close: async () => {},
});

/** What a task can't do, and why. */
const lacks: Readonly<Record<Lack, string>> = {
  supplementalGroups: "a task's user has no further groups",
  hooks: "a task has no lifecycle hooks",
  tcpProbes: "a task's health checks are commands",
  configFiles: "a task has no files of ConfigMaps and Secrets",
  probeEvents: "a task tells the outcome of health checks, not each of them",
  terminationMessages: "nothing can be read from a stopped task's files",
  volumesAcrossRestarts: "a container that restarts is a task of its own, with volumes of its own",
  rotation: "CloudWatch Logs drops nothing",
  unendedLines: "CloudWatch Logs ends each line",
};

/** A Pod that asks for it. */
const refused: Readonly<Partial<Record<Lack, PodSpec>>> = {
  supplementalGroups: {
    securityContext: { runAsUser: 1, supplementalGroups: [3456] },
    containers: [shell("id")],
  },
  hooks: {
    containers: [shell("true", { lifecycle: { preStop: { exec: { command: ["true"] } } } })],
  },
  tcpProbes: { containers: [shell("true", { livenessProbe: { tcpSocket: { port: 1 } } })] },
  configFiles: {
    volumes: [{ name: "data", configMap: { name: "conf" } }],
    containers: [shell("true", { volumeMounts: [{ name: "data", mountPath: "/data" }] })],
  },
};

runtimeSuite("ecs", async () => suited(opened), {
  programs: true,
  noVolumes: null,
  looksNowAndThen: true,
  lacks: new Map(Object.entries(lacks) as [Lack, string][]),
  ownVariables: [
    "AWS_EXECUTION_ENV",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "ECS_CONTAINER_METADATA_URI_V4",
    "ECS_CONTAINER_METADATA_URI",
    "GANTRY_POD_UID",
    "GANTRY_ATTEMPT",
    "GANTRY_JOB",
  ],
  engine: {
    signals: false,
    cannotStart: {
      reason: "StartError",
      missing: 128,
      denied: 128,
      message: "executable file not found",
    },
    makesWorkingDirs: false,
    partialLines: false,
  },
});

describe("what a task can't do is refused", () => {
  test.each(Object.entries(refused))("%s", (_lack, spec) => {
    const rejections = opened.admit(spec);
    expect(rejections).toHaveLength(1);
    expect(rejections[0]?.path).toMatch(/^(securityContext|containers\[0\]|volumes\[0\])/);
    expect(rejections[0]?.message).not.toBe("");
  });

  test.each([
    ["hostNetwork", { hostNetwork: true }],
    ["hostPID", { hostPID: true }],
    ["containers[0].securityContext.privileged", { privileged: true }],
    ["volumes[0].hostPath", { volumes: [{ name: "h", hostPath: { path: "/" } }] }],
    ["terminationGracePeriodSeconds", { terminationGracePeriodSeconds: 121 }],
  ])("%s", (path, { privileged, ...spec }: PodSpec & { privileged?: boolean }) => {
    const securityContext = privileged === true ? { securityContext: { privileged } } : {};
    const found = opened.admit({ containers: [shell("true", securityContext)], ...spec });
    expect(found.map((one) => one.path)).toEqual([path]);
  });
});

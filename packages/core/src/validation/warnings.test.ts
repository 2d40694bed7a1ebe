// Warnings about Pods, Jobs and CronJobs (job-spec 3.1, 6).
import { describe, expect, test } from "vitest";
import {
  jobManifest,
  podManifest,
  storedJob,
  storedPod,
  templateSpec,
} from "../../test/manifests.ts";
import { defaultCronJob } from "../defaults/cron-job.ts";
import type { Container } from "../schema/container.ts";
import type { CronJobSpec } from "../schema/batch.ts";
import type { PodSpec } from "../schema/pod.ts";
import { cronJobWarnings, jobWarnings } from "./job-warnings.ts";
import { podWarnings } from "./pod-warnings.ts";

const container = (name: string, patch: Container = {}): Container => ({
  name,
  image: "busybox:1.36",
  ...patch,
});
const hidden = 'hides previous definition of "A", which may be dropped when using apply';
const port = (patch: NonNullable<Container["ports"]>[number]): Container => ({
  ports: [{ containerPort: 80, ...patch }],
});

describe("6 warnings about Pods", () => {
  type Case = readonly [string, PodSpec, readonly string[]];
  const cases: readonly Case[] = [
    ["nothing to say", {}, []],
    [
      "env, where the later hides the earlier",
      {
        containers: [
          container("c", {
            env: [
              { name: "A", value: "1" },
              { name: "A", value: "2" },
              { name: "A", value: "$(A)" },
              { name: "A", value: "$(A) and more" },
              { name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
            ],
          }),
        ],
      },
      [1, 2, 4].map((i) => `spec.containers[0].env[${i}]: ${hidden}`),
    ],
    [
      "fractions of bytes, init containers first",
      {
        initContainers: [container("i", { resources: { limits: { memory: "100m" } } })],
        containers: [container("c", { resources: { requests: { "ephemeral-storage": "1.5" } } })],
      },
      [
        "spec.initContainers[0].resources.limits[memory]: fractional byte value " +
          '"100m" is invalid, must be an integer',
        "spec.initContainers[0].resources.requests[memory]: fractional byte value " +
          '"100m" is invalid, must be an integer',
        "spec.containers[0].resources.requests[ephemeral-storage]: fractional byte " +
          'value "1500m" is invalid, must be an integer',
      ],
    ],
    [
      "pull secrets",
      { imagePullSecrets: [{ name: "a" }, { name: "a" }, {}] },
      [
        'spec.imagePullSecrets[1].name: duplicate name "a"',
        'spec.imagePullSecrets[2].name: invalid empty name ""',
      ],
    ],
    [
      "negative grace",
      { terminationGracePeriodSeconds: -1 },
      [
        "spec.terminationGracePeriodSeconds: must be >= 0; negative values are " +
          "invalid and will be treated as 1",
      ],
    ],
    [
      "ports",
      {
        containers: [
          container("a", port({ name: "web" })),
          container("b", port({ name: "web" })),
          container("d", port({ hostPort: 8080 })),
          container("e", port({ hostPort: 8080, hostIP: "127.0.0.1" })),
        ],
      },
      [
        "spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
        "spec.containers[2].ports[0]: overlapping port definition with spec.containers[0].ports[0]",
        "spec.containers[2].ports[0]: overlapping port definition with spec.containers[1].ports[0]",
        "spec.containers[3].ports[0]: overlapping port definition with spec.containers[0].ports[0]",
        "spec.containers[3].ports[0]: overlapping port definition with spec.containers[1].ports[0]",
        "spec.containers[3].ports[0]: dangerously ambiguous port definition with " +
          "spec.containers[2].ports[0]",
        'spec.containers[1].ports[0]: duplicate port name "web" with spec.containers[0].ports[0], ' +
          "services and probes that select ports by name will use spec.containers[0].ports[0]",
      ],
    ],
    [
      "host IP without host port",
      { containers: [container("a", port({ hostIP: "::1" }))] },
      [
        "spec.containers[0].ports[0]: hostIP set without hostPort: " +
          "{Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:::1}",
      ],
    ],
    [
      "volume types of the past",
      {
        volumes: [
          { name: "a", gitRepo: {} },
          { name: "b", glusterfs: {} },
        ],
      },
      [
        "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
        "spec.volumes[1].glusterfs: deprecated in v1.25, non-functional in v1.26+",
      ],
    ],
  ];
  test.each(cases)("%s", (_, spec, warnings) => {
    expect(podWarnings(storedPod(spec))).toEqual(warnings);
  });

  test("a name that is no DNS label", () => {
    const pod = podManifest();
    expect(podWarnings({ ...pod, metadata: { name: "a.b" } })).toEqual([
      "metadata.name: this is used in the Pod's hostname, which can result in surprising " +
        "behavior; a DNS label is recommended: [must not contain dots]",
    ]);
  });
});

const nameWarning =
  "metadata.name: this is used in Pod names and hostnames, which can result in surprising " +
  "behavior; a DNS label is recommended: [must not contain dots]";

describe("3.1, 6 warnings about Jobs", () => {
  const many = { completionMode: "Indexed", completions: 100_001, parallelism: 10_001 };
  const manyWarning =
    "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher " +
    "than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail";
  const grace = { template: { spec: templateSpec({ terminationGracePeriodSeconds: -1 }) } };
  const graceWarning =
    "spec.template.spec.terminationGracePeriodSeconds: must be >= 0; " +
    "negative values are invalid and will be treated as 1";

  test("at creation", () => {
    expect(jobWarnings(storedJob())).toEqual([]);
    expect(jobWarnings(storedJob({}, "a.b"))).toEqual([nameWarning]);
    expect(jobWarnings(storedJob(many))).toEqual([manyWarning]);
    expect(jobWarnings(storedJob({ ...many, completions: 100_000 }))).toEqual([]);
    expect(jobWarnings(storedJob({ ...many, backoffLimitPerIndex: 1 }))).toEqual([]);
    expect(jobWarnings(storedJob({ ...many, ...grace }))).toEqual([manyWarning, graceWarning]);
  });

  test("at update: of the spec only, and only if it changed", () => {
    const old = { ...storedJob(grace, "a.b"), metadata: { name: "a.b", generation: 1 } };
    expect(jobWarnings(old, old)).toEqual([]);
    const next = { ...old, metadata: { name: "a.b", generation: 2 } };
    expect(jobWarnings(next, old)).toEqual([graceWarning]);
  });
});

describe("6 warnings about CronJobs", () => {
  const cronJob = (spec: CronJobSpec, generation = 1) =>
    defaultCronJob({
      metadata: { name: "a.b", generation },
      spec: { schedule: "@daily", jobTemplate: { spec: jobManifest().spec }, ...spec },
    });
  const zoned = { schedule: "TZ=UTC 0 * * * *" };
  const zoneWarning =
    "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, " +
    "see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";

  test("the name at creation, the zone in the schedule at update", () => {
    expect(cronJobWarnings(cronJob({}))).toEqual([nameWarning]);
    expect(cronJobWarnings(cronJob(zoned, 2), cronJob(zoned))).toEqual([zoneWarning]);
    expect(cronJobWarnings(cronJob(zoned), cronJob(zoned))).toEqual([]);
    expect(cronJobWarnings(cronJob({}, 2), cronJob(zoned))).toEqual([]);
  });

  test("paths lead through the Job template", () => {
    const spec = templateSpec({ imagePullSecrets: [{}] });
    const jobTemplate = { spec: { template: { spec } } };
    expect(cronJobWarnings(cronJob({ jobTemplate }, 2), cronJob({}))).toEqual([
      'spec.jobTemplate.spec.template.spec.imagePullSecrets[0].name: invalid empty name ""',
    ]);
  });
});

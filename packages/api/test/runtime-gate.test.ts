// What a runtime can't run is refused when it is submitted, by what workers publish on their Nodes.
import {
  DEFAULT_RUNTIME_ANNOTATION,
  parseEcsSettings,
  publishEcsSettings,
  runtimeSettingsAnnotation,
} from "@gantry/core";
import { createObject, Txn } from "@gantry/store";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ApiUnderTest, JOBS, PODS, podManifest } from "./api-under-test.ts";

const CRON_JOBS = "/apis/batch/v1/namespaces/default/cronjobs";

let api: ApiUnderTest;
beforeEach(async () => {
  api = await ApiUnderTest.start();
});
afterEach(() => api.stop());

const settings = publishEcsSettings(
  parseEcsSettings({
    engineId: "test",
    region: "eu-west-1",
    lanes: [{ name: "fargate", cluster: "jobs", launchType: "FARGATE" }],
    network: { subnets: [{ id: "subnet-1" }], securityGroups: [] },
    executionRoleArn: "arn:aws:iam::1:role/exec",
  }),
);

const addNode = async (annotations: Record<string, string>): Promise<void> => {
  const txn = new Txn();
  const node = {
    kind: "Node",
    apiVersion: "v1",
    metadata: {
      name: "worker-1",
      uid: "w1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      annotations,
    },
    spec: {},
    status: { conditions: [{ type: "Ready", status: "True" }] },
  };
  createObject(txn, "nodes", node, Date.now());
  expect((await api.store.commit(txn)).ok).toBe(true);
};

const addEcsWorker = (): Promise<void> => addNode({ [runtimeSettingsAnnotation("ecs")]: settings });

const template = (spec: object): object => ({
  spec: {
    restartPolicy: "Never",
    runtimeClassName: "ecs",
    containers: [{ name: "main", image: "busybox:1.36" }],
    ...spec,
  },
});

const job = (name: string, spec: object): object => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name },
  spec: { template: template(spec) },
});

const reasonOf = (path: string): string =>
  `${path}: Forbidden: not supported by runtime ecs-fargate: a task has a network interface of its own`;

test("a Job is refused with the path of each field, also in a dry run", async () => {
  await addEcsWorker();
  const bad = job("bad", { hostNetwork: true, hostPID: true });
  for (const query of ["", "?dryRun=All"]) {
    const { status, body } = await api.post(`${JOBS}${query}`, bad);
    expect(status).toBe(422);
    expect(body).toMatchObject({ kind: "Status", reason: "Invalid", details: { name: "bad" } });
    expect(body.message).toContain(reasonOf("spec.template.spec.hostNetwork"));
    expect(body.details.causes).toEqual([
      {
        reason: "FieldValueForbidden",
        message:
          "Forbidden: not supported by runtime ecs-fargate: a task has a network interface of its own",
        field: "spec.template.spec.hostNetwork",
      },
      expect.objectContaining({ field: "spec.template.spec.hostPID" }),
    ]);
  }
  expect((await api.get(`${JOBS}/bad`)).status).toBe(404);
  expect((await api.post(JOBS, job("good", {}))).status).toBe(201);
});

test("a CronJob and a Pod are refused at their own paths", async () => {
  await addEcsWorker();
  const cronJob = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "cron" },
    spec: {
      schedule: "* * * * *",
      jobTemplate: { spec: { template: template({ hostNetwork: true }) } },
    },
  };
  const cron = await api.post(CRON_JOBS, cronJob);
  expect([cron.status, cron.body.details.causes[0].field]).toEqual([
    422,
    "spec.jobTemplate.spec.template.spec.hostNetwork",
  ]);
  const manifest = podManifest("pod") as { spec: object };
  const spec = { ...manifest.spec, runtimeClassName: "ecs", hostNetwork: true };
  const pod = await api.post(PODS, { ...manifest, spec });
  expect([pod.status, pod.body.details.causes[0].field]).toEqual([422, "spec.hostNetwork"]);
});

test("an update is refused when it changes the template to something that can't run", async () => {
  await addEcsWorker();
  const cronJob = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "cron" },
    spec: { schedule: "* * * * *", jobTemplate: { spec: { template: template({}) } } },
  };
  expect((await api.post(CRON_JOBS, cronJob)).status).toBe(201);
  const patch = (spec: object) => api.send("PATCH", `${CRON_JOBS}/cron`, { body: { spec } });
  const bad = { jobTemplate: { spec: { template: { spec: { hostNetwork: true } } } } };
  const refused = await patch(bad);
  expect([refused.status, refused.body.details.causes[0].field]).toEqual([
    422,
    "spec.jobTemplate.spec.template.spec.hostNetwork",
  ]);
  expect((await patch({ suspend: true })).status).toBe(200);
});

test("what was admitted before there were rules can still be changed in other ways", async () => {
  const old = { ...job("old", { hostNetwork: true }) } as { spec: object };
  expect((await api.post(JOBS, old)).status).toBe(201);
  await addEcsWorker();
  const changed = await api.send("PATCH", `${JOBS}/old`, { body: { spec: { parallelism: 0 } } });
  expect(changed.status).toBe(200);
});

test("what is ignored is told by a Warning header", async () => {
  await addEcsWorker();
  const { status, headers } = await api.post(JOBS, job("warned", { schedulerName: "mine" }));
  expect(status).toBe(201);
  expect(headers.get("warning")).toContain(
    "spec.template.spec.schedulerName: runtime ecs-fargate: ignored: ECS places the task",
  );
});

test("without a worker that publishes rules everything is accepted", async () => {
  expect((await api.post(JOBS, job("early", { hostNetwork: true }))).status).toBe(201);
});

test("Pods that name no runtime go by the workers' default, others by none", async () => {
  await addNode({
    [runtimeSettingsAnnotation("ecs")]: settings,
    [DEFAULT_RUNTIME_ANNOTATION]: "ecs",
  });
  const none = { hostNetwork: true, runtimeClassName: undefined };
  expect((await api.post(JOBS, job("unnamed", none))).status).toBe(422);
  const other = { hostNetwork: true, runtimeClassName: "docker" };
  expect((await api.post(JOBS, job("docker", other))).status).toBe(201);
});

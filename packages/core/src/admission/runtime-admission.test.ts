// Admission by what workers publish on their Nodes.
import { expect, test } from "vitest";
import { publishEcsSettings } from "../ecs/published-settings.ts";
import { type EcsSettingsFile, parseEcsSettings } from "../ecs/settings.ts";
import type { Node } from "../schema/node.ts";
import { DEFAULT_RUNTIME_ANNOTATION, runtimeSettingsAnnotation } from "./node-annotations.ts";
import { admitOnRuntime, hasAdmission, runtimesOfNodes } from "./runtime-admission.ts";

const settings = (change: Partial<EcsSettingsFile> = {}): string =>
  publishEcsSettings(
    parseEcsSettings({
      engineId: "test",
      region: "eu-west-1",
      lanes: [{ name: "fargate", cluster: "jobs", launchType: "FARGATE" }],
      network: { subnets: [{ id: "subnet-1" }], securityGroups: [] },
      executionRoleArn: "arn:aws:iam::1:role/exec",
      ...change,
    }),
  );

const node = (annotations: Record<string, string>, ready = true): Node => ({
  metadata: { annotations },
  status: { conditions: [{ type: "Ready", status: ready ? "True" : "Unknown" }] },
});
const ecs = (text = settings(), ready = true): Node =>
  node({ [runtimeSettingsAnnotation("ecs")]: text }, ready);

const pod = (spec: object) => ({
  namespace: "ns",
  annotations: {},
  spec: { containers: [{ name: "a", image: "x" }], ...spec },
});
const refused = (nodes: readonly Node[], spec: object): string[] | undefined =>
  admitOnRuntime(runtimesOfNodes(nodes), pod(spec))?.rejections.map(({ path }) => path);

const hostNetwork = { runtimeClassName: "ecs", hostNetwork: true };

test("without a worker of the runtime nothing is known, and nothing refused", () => {
  expect(refused([], hostNetwork)).toBeUndefined();
  expect(refused([node({})], hostNetwork)).toBeUndefined();
});

test("what no worker can run is refused, and what one can is not", () => {
  expect(refused([ecs()], hostNetwork)).toEqual(["hostNetwork"]);
  expect(refused([ecs()], { runtimeClassName: "ecs" })).toEqual([]);
  const metal = settings({ lanes: [{ name: "m", cluster: "c", launchType: "EC2" }] });
  const grace = { runtimeClassName: "ecs", terminationGracePeriodSeconds: 600 };
  expect(refused([ecs()], grace)).toEqual(["terminationGracePeriodSeconds"]);
  expect(refused([ecs(), ecs(metal)], grace)).toEqual([]);
});

test("Nodes whose worker is gone count only while there is no other", () => {
  const metal = settings({ lanes: [{ name: "m", cluster: "c", launchType: "EC2" }] });
  const grace = { runtimeClassName: "ecs", terminationGracePeriodSeconds: 600 };
  expect(refused([ecs(), ecs(metal, false)], grace)).toEqual(["terminationGracePeriodSeconds"]);
  expect(refused([ecs(settings(), false)], hostNetwork)).toEqual(["hostNetwork"]);
});

test("settings that can't be read refuse nothing", () => {
  expect(refused([ecs("{}")], hostNetwork)).toBeUndefined();
  expect(refused([ecs(), ecs("{}")], hostNetwork)).toBeUndefined();
});

test("a Pod without a runtime goes by the default, where all workers agree on it", () => {
  const own = {
    [runtimeSettingsAnnotation("ecs")]: settings(),
    [DEFAULT_RUNTIME_ANNOTATION]: "ecs",
  };
  expect(refused([node(own)], { hostNetwork: true })).toEqual(["hostNetwork"]);
  const other = node({ [DEFAULT_RUNTIME_ANNOTATION]: "process" });
  expect(refused([node(own), other], { hostNetwork: true })).toBeUndefined();
  expect(refused([ecs()], { hostNetwork: true })).toBeUndefined();
});

test("other runtimes are not asked about", () => {
  expect(hasAdmission("simulated")).toBe(false);
  expect([undefined, "", "ecs", "process", "docker"].every(hasAdmission)).toBe(true);
  expect(refused([ecs()], { runtimeClassName: "process", hostNetwork: true })).toBeUndefined();
});

const host = (allowedHostPaths: string[]): Node =>
  node({
    [runtimeSettingsAnnotation("process")]: JSON.stringify({
      mountRefusal: null,
      allowedHostPaths,
      isRoot: true,
      uid: 0,
      gid: 0,
    }),
  });

test("a hostPath that one worker allows is not refused", () => {
  const containers = [{ name: "a", image: "x", command: ["true"] }];
  const volumes = [{ name: "v", hostPath: { path: "/srv/data" } }];
  const spec = { runtimeClassName: "process", containers, volumes };
  expect(refused([host([])], spec)).toEqual(["volumes[0].hostPath.path"]);
  expect(refused([host([]), host(["/srv"])], spec)).toEqual([]);
  const text = JSON.stringify({ allowedHostPaths: [], allowPrivileged: false, network: "none" });
  const docker = node({ [runtimeSettingsAnnotation("docker")]: text });
  expect(refused([docker, host(["/srv"])], { ...spec, runtimeClassName: "docker" })).toEqual([
    "volumes[0].hostPath.path",
  ]);
});

// Table tests of placement: requests, node affinity, taints, fit and what is said of a misfit.
import { describe, expect, test } from "vitest";
import type { PodSpec } from "../schema/pod.ts";
import { fits, placementNode, type PlacementNode } from "./fits.ts";
import { matchesNode } from "./node-affinity.ts";
import { amountsOf, podRequests } from "./requests.ts";
import { secondsToStay, tolerates, untolerated } from "./taints.ts";
import { GATED_MESSAGE, unschedulableCondition, unschedulableMessage } from "./unschedulable.ts";

const container = (requests: Record<string, string>, extra = {}) => ({
  name: "c",
  resources: { requests },
  ...extra,
});
const amount = (spec: PodSpec, name: string) => podRequests(spec).get(name);
const nano = (text: string) => amountsOf({ x: text }).get("x");

describe("a Pod's requests", () => {
  test.each<[string, PodSpec, string]>([
    [
      "sum of containers",
      { containers: [container({ cpu: "1" }), container({ cpu: "500m" })] },
      "1500m",
    ],
    [
      "a limit is a request",
      { containers: [{ name: "c", resources: { limits: { cpu: "2" } } }] },
      "2",
    ],
    [
      "a request goes before a limit",
      { containers: [{ name: "c", resources: { limits: { cpu: "2" }, requests: { cpu: "1" } } }] },
      "1",
    ],
    [
      "an init container that is larger than all",
      { initContainers: [container({ cpu: "3" })], containers: [container({ cpu: "1" })] },
      "3",
    ],
    [
      "an init container that is smaller",
      { initContainers: [container({ cpu: "1" })], containers: [container({ cpu: "2" })] },
      "2",
    ],
    [
      "a sidecar runs beside the containers",
      {
        initContainers: [container({ cpu: "1" }, { restartPolicy: "Always" })],
        containers: [container({ cpu: "2" })],
      },
      "3",
    ],
    [
      "an init container beside the sidecar before it",
      {
        initContainers: [
          container({ cpu: "1" }, { restartPolicy: "Always" }),
          container({ cpu: "4" }),
        ],
        containers: [container({ cpu: "2" })],
      },
      "5",
    ],
    [
      "an init container before the sidecar",
      {
        initContainers: [
          container({ cpu: "4" }),
          container({ cpu: "1" }, { restartPolicy: "Always" }),
        ],
        containers: [container({ cpu: "2" })],
      },
      "4",
    ],
    [
      "those of the Pod as a whole, and its overhead",
      {
        containers: [container({ cpu: "1" })],
        resources: { requests: { cpu: "6" } },
        overhead: { cpu: "1" },
      },
      "7",
    ],
  ])("%s", (_, spec, cpu) => {
    expect(amount(spec, "cpu")).toBe(nano(cpu));
  });

  test("one place, whatever else", () => {
    expect([...podRequests({ containers: [{ name: "c" }] })]).toEqual([["pods", nano("1")]]);
  });
});

describe("node affinity", () => {
  const node = { name: "n1", labels: { zone: "a", size: "10", empty: "" } };
  const affinity = (...nodeSelectorTerms: object[]): PodSpec => ({
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
    },
  });
  const term = (key: string, operator: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });
  test.each<[string, PodSpec, boolean]>([
    ["nothing asked", {}, true],
    ["nodeSelector equal", { nodeSelector: { zone: "a" } }, true],
    ["nodeSelector of another value", { nodeSelector: { zone: "b" } }, false],
    ["nodeSelector of no label", { nodeSelector: { other: "" } }, false],
    ["nodeSelector, a name of every object", { nodeSelector: { constructor: "x" } }, false],
    ["In", affinity(term("zone", "In", "b", "a")), true],
    ["In, no such label", affinity(term("other", "In", "a")), false],
    ["NotIn", affinity(term("zone", "NotIn", "a")), false],
    ["NotIn, no such label", affinity(term("other", "NotIn", "a")), true],
    ["Exists", affinity(term("empty", "Exists")), true],
    ["Exists, no such label", affinity(term("other", "Exists")), false],
    ["DoesNotExist", affinity(term("other", "DoesNotExist")), true],
    ["DoesNotExist, there", affinity(term("zone", "DoesNotExist")), false],
    ["Gt", affinity(term("size", "Gt", "9")), true],
    ["Gt, equal", affinity(term("size", "Gt", "10")), false],
    ["Gt, no number", affinity(term("zone", "Gt", "9")), false],
    ["Lt", affinity(term("size", "Lt", "11")), true],
    ["Lt, no such label", affinity(term("other", "Lt", "11")), false],
    ["an operator that is none", affinity(term("size", "Near", "10")), false],
    ["the second of two terms", affinity(term("zone", "In", "b"), term("size", "Exists")), true],
    [
      "one of a term's requirements fails",
      affinity({
        matchExpressions: [
          ...term("zone", "In", "a").matchExpressions,
          ...term("size", "Lt", "1").matchExpressions,
        ],
      }),
      false,
    ],
    ["an empty term", affinity({}), false],
    ["no term", affinity(), false],
    [
      "matchFields",
      affinity({ matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] }),
      true,
    ],
    [
      "matchFields of another",
      affinity({ matchFields: [{ key: "metadata.name", operator: "NotIn", values: ["n1"] }] }),
      false,
    ],
    [
      "selector and affinity both",
      { nodeSelector: { zone: "b" }, ...affinity(term("zone", "Exists")) },
      false,
    ],
  ])("%s: %#", (_, spec, matches) => {
    expect(matchesNode(spec, node)).toBe(matches);
  });
});

describe("taints", () => {
  const taint = { key: "gpu", value: "yes", effect: "NoSchedule" };
  test.each([
    ["equal", { key: "gpu", operator: "Equal", value: "yes", effect: "NoSchedule" }, true],
    ["Equal by default, any effect", { key: "gpu", value: "yes" }, true],
    ["another value", { key: "gpu", value: "no" }, false],
    ["another effect", { key: "gpu", value: "yes", effect: "NoExecute" }, false],
    ["Exists", { key: "gpu", operator: "Exists" }, true],
    ["Exists without key tolerates all", { operator: "Exists" }, true],
    ["another key", { key: "disk", operator: "Exists" }, false],
  ])("%s", (_, toleration, expected) => {
    expect(tolerates(toleration, taint)).toBe(expected);
  });

  test.each<[string, object[], object[], number | undefined]>([
    ["no taint", [], [], undefined],
    ["NoSchedule drives nothing out", [{ key: "a", effect: "NoSchedule" }], [], undefined],
    ["untolerated", [{ key: "a", effect: "NoExecute" }], [], 0],
    ["tolerated", [{ key: "a", effect: "NoExecute" }], [{ operator: "Exists" }], undefined],
    [
      "tolerated for a while: the shortest",
      [
        { key: "a", effect: "NoExecute" },
        { key: "b", effect: "NoExecute" },
      ],
      [
        { key: "a", operator: "Exists", tolerationSeconds: 300 },
        { key: "b", operator: "Exists", tolerationSeconds: 20 },
      ],
      20,
    ],
    [
      "one of two untolerated",
      [
        { key: "a", effect: "NoExecute" },
        { key: "b", effect: "NoExecute" },
      ],
      [{ key: "a", operator: "Exists" }],
      0,
    ],
    [
      "a negative time is none",
      [{ key: "a", effect: "NoExecute" }],
      [{ key: "a", operator: "Exists", tolerationSeconds: -1 }],
      0,
    ],
  ])("time to stay, %s", (_, taints, tolerations, seconds) => {
    expect(secondsToStay(taints, tolerations)).toBe(seconds);
  });

  test("PreferNoSchedule keeps nothing away; NoExecute does", () => {
    expect(untolerated([{ key: "a", effect: "PreferNoSchedule" }], [])).toBeUndefined();
    expect(untolerated([{ key: "a", effect: "NoExecute" }], [])?.key).toBe("a");
  });
});

describe("fit", () => {
  const node: PlacementNode = {
    name: "n1",
    labels: { zone: "a" },
    taints: [],
    unschedulable: false,
    allocatable: amountsOf({ cpu: "4", memory: "8Gi", pods: "10" }),
    runtimes: ["process"],
  };
  const cpu = (text: string): PodSpec => ({ containers: [container({ cpu: text })] });
  const misfit = (reasons: string[], lasting: boolean) => ({ ok: false, reasons, lasting });
  test.each<[string, PodSpec, Partial<PlacementNode>, Record<string, string>, unknown]>([
    ["an empty node", cpu("4"), {}, {}, { ok: true }],
    ["exactly what is free", cpu("1"), {}, { cpu: "3" }, { ok: true }],
    ["a little more", cpu("1001m"), {}, { cpu: "3" }, misfit(["Insufficient cpu"], false)],
    ["larger than the node", cpu("5"), {}, {}, misfit(["Insufficient cpu"], true)],
    [
      "a resource that it lacks",
      { containers: [container({ "x.io/gpu": "1" })] },
      {},
      {},
      misfit(["Insufficient x.io/gpu"], true),
    ],
    [
      "nothing of a resource that it lacks",
      { containers: [container({ "x.io/gpu": "0" })] },
      {},
      {},
      { ok: true },
    ],
    [
      "several",
      { containers: [container({ memory: "9Gi", cpu: "5" })] },
      {},
      { pods: "10" },
      misfit(["Too many pods", "Insufficient cpu", "Insufficient memory"], true),
    ],
    ["full of Pods", {}, {}, { pods: "10" }, misfit(["Too many pods"], false)],
    ["cordoned", {}, { unschedulable: true }, {}, misfit(["node(s) were unschedulable"], true)],
    [
      "cordoned and tolerated",
      { tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }] },
      { unschedulable: true },
      {},
      { ok: true },
    ],
    [
      "tainted",
      {},
      { taints: [{ key: "gpu", value: "yes", effect: "NoExecute" }] },
      {},
      misfit(["node(s) had untolerated taint {gpu: yes}"], true),
    ],
    [
      "another node",
      { nodeSelector: { zone: "b" } },
      {},
      {},
      misfit(["node(s) didn't match Pod's node affinity/selector"], true),
    ],
    [
      "a runtime that it lacks",
      { runtimeClassName: "docker" },
      {},
      {},
      misfit(["node(s) didn't match Pod's node affinity/selector"], true),
    ],
  ])("%s", (_, spec, change, used, expected) => {
    expect(fits(spec, { ...node, ...change }, amountsOf(used))).toEqual(expected);
  });

  test("a Node's object as placement sees it", () => {
    const seen = placementNode({
      metadata: {
        name: "n",
        labels: { a: "b" },
        annotations: { "gantry.dev/runtimes": "process,docker" },
      },
      spec: { unschedulable: true, taints: [{ key: "t", effect: "NoSchedule" }] },
      status: { allocatable: { cpu: "2" }, conditions: [{ type: "Ready", status: "Unknown" }] },
    });
    expect(seen).toEqual({
      name: "n",
      labels: { a: "b" },
      taints: [
        { key: "t", effect: "NoSchedule" },
        { key: "node.kubernetes.io/unreachable", effect: "NoSchedule" },
      ],
      unschedulable: true,
      allocatable: new Map([["cpu", nano("2")]]),
      runtimes: ["process", "docker"],
    });
  });
});

describe("a Pod that fits nowhere", () => {
  test("reasons are counted over nodes and sorted", () => {
    expect(
      unschedulableMessage([
        ["Insufficient cpu"],
        ["node(s) were unschedulable"],
        ["Insufficient cpu", "Too many pods"],
      ]),
    ).toBe(
      "0/3 nodes are available: 1 Too many pods, 1 node(s) were unschedulable, 2 Insufficient cpu.",
    );
    expect(unschedulableMessage([])).toBe("no nodes available to schedule pods");
  });

  test("a gated Pod has another reason", () => {
    expect(unschedulableCondition(undefined, GATED_MESSAGE, 0).reason).toBe("SchedulingGated");
  });

  test("the condition keeps the time of the first refusal", () => {
    const first = unschedulableCondition(undefined, "one", 1_000);
    expect(first).toEqual({
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message: "one",
      lastTransitionTime: "1970-01-01T00:00:01Z",
    });
    expect(unschedulableCondition([first], "two", 9_000)).toEqual({ ...first, message: "two" });
  });
});

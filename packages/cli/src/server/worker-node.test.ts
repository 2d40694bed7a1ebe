// What a worker's options come to, and which of them are refused.
import { expect, test } from "vitest";
import { workerNode, type NodeOptions } from "./worker-node.ts";

test("nothing given: measured, without labels, taints or host paths", () => {
  expect(workerNode({})).toEqual({ capacity: {}, labels: {}, taints: [], allowedHostPaths: [] });
});

test("everything given", () => {
  expect(
    workerNode({
      cpu: "3500m",
      memory: "8Gi",
      pods: 20,
      label: ["pool=batch", "example.com/spot"],
      taint: ["gpu=yes:NoSchedule", "draining:NoExecute"],
      allowHostPath: ["/srv/data/", "/tmp/../mnt"],
    }),
  ).toEqual({
    capacity: { cpu: "3500m", memory: "8Gi", pods: 20 },
    labels: { pool: "batch", "example.com/spot": "" },
    taints: [
      { key: "gpu", value: "yes", effect: "NoSchedule" },
      { key: "draining", effect: "NoExecute" },
    ],
    allowedHostPaths: ["/srv/data/", "/mnt"],
  });
});

test.each<[NodeOptions, string]>([
  [{ cpu: "two" }, "--cpu two: quantities must match"],
  [{ memory: "0" }, "--memory 0: it must be more than 0"],
  [{ label: ["-x=1"] }, "--label -x=1: name part must consist of"],
  [{ label: ["x=a b"] }, "--label x=a b: a valid label must be"],
  [{ taint: ["gpu=yes"] }, "--taint gpu=yes: write KEY=VALUE:EFFECT"],
  [{ taint: ["gpu:Never"] }, "--taint gpu:Never: write KEY=VALUE:EFFECT"],
  [{ allowHostPath: ["data"] }, "--allow-host-path data: it must be absolute"],
])("%j is refused", (options, message) => {
  expect(() => workerNode(options)).toThrow(message);
});

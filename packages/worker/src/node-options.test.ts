// What a worker's options and its users each make of the Node's labels and taints.
import type { Taint } from "@gantry/core";
import type { StoredObject } from "@gantry/store";
import { expect, test } from "vitest";
import { mergeOptions, type NodeOptions, REGISTERED_ANNOTATION } from "./node-options.ts";

const gpu: Taint = { key: "gpu", value: "yes", effect: "NoSchedule" };
const maintenance: Taint = { key: "maintenance", effect: "NoExecute" };

const stored = (last: NodeOptions, labels: Record<string, string>, spec: object): StoredObject => ({
  kind: "Node",
  apiVersion: "v1",
  metadata: {
    name: "n",
    uid: "u",
    creationTimestamp: "2026-11-23T00:00:00Z",
    labels,
    annotations: { [REGISTERED_ANNOTATION]: JSON.stringify(last) },
  },
  spec,
});

test.each<[string, NodeOptions, StoredObject | undefined, object, object]>([
  [
    "a first start",
    { labels: { a: "1" }, taints: [gpu] },
    undefined,
    { a: "1" },
    { taints: [gpu] },
  ],
  [
    "the same options again: users' changes stand",
    { labels: { a: "1", b: "1" }, taints: [gpu] },
    stored(
      { labels: { a: "1", b: "1" }, taints: [gpu] },
      { a: "2", mine: "x" },
      { unschedulable: true, taints: [maintenance] },
    ),
    { a: "2", mine: "x" },
    { unschedulable: true, taints: [maintenance] },
  ],
  [
    "options that are new or changed are applied",
    { labels: { a: "3" }, taints: [gpu] },
    stored({ labels: { a: "1" }, taints: [] }, { a: "2" }, { taints: [{ ...gpu, value: "no" }] }),
    { a: "3" },
    { taints: [gpu] },
  ],
  [
    "options that are gone take what they made with them, and nothing else",
    { labels: {}, taints: [] },
    stored(
      { labels: { a: "1", b: "1" }, taints: [gpu] },
      { a: "1", b: "2" },
      { taints: [gpu, maintenance] },
    ),
    { b: "2" },
    { taints: [maintenance] },
  ],
])("%s", (_, options, before, labels, spec) => {
  const merged = mergeOptions(options, before);
  expect(merged.labels).toEqual(labels);
  expect(merged.spec).toEqual(spec);
  expect(JSON.parse(merged.registered)).toEqual(options);
});

test("an annotation edited by hand counts as none", () => {
  const before = stored({ labels: {}, taints: [] }, { a: "1" }, {});
  before.metadata.annotations = { [REGISTERED_ANNOTATION]: "{" };
  expect(mergeOptions({ labels: { a: "2" }, taints: [] }, before).labels).toEqual({ a: "2" });
});

import { expect, it } from "vitest";
import { renderListItem, renderObject } from "./encode.ts";
import { kindOfObject, kindOfResource } from "./kinds.ts";

it("kinds are found by resource and by kind", () => {
  expect(kindOfResource("batch/v1", "jobs")).toBe(kindOfObject("batch/v1", "Job"));
  expect(kindOfResource("v1", "events")?.group).toBe("");
  expect(kindOfResource("events.k8s.io/v1", "events")?.group).toBe("events.k8s.io");
  expect(kindOfResource("v1", "jobs")).toBeUndefined();
});

it("objects are printed in Kubernetes' order", () => {
  const object = {
    spec: {},
    metadata: { name: "x", finalizers: [] },
    apiVersion: "v1",
    kind: "Pod",
  };
  expect(JSON.stringify(renderObject(object))).toBe(
    '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"},"spec":{}}',
  );
  expect(renderListItem(object)).toEqual({ metadata: { name: "x" }, spec: {} });
});

import { describe, expect, test } from "vitest";
import { negotiate } from "./negotiate.ts";

const table = "application/json;as=Table;v=v1;g=meta.k8s.io";

describe("Accept", () => {
  test.each([
    [undefined, "json", "object"],
    ["", "json", "object"],
    ["*/*", "json", "object"],
    ["application/json, */*", "json", "object"],
    ["application/yaml", "yaml", "object"],
    ["application/vnd.kubernetes.protobuf,application/json", "json", "object"],
    ["application/json;q=0.1,application/yaml;q=0.9", "yaml", "object"],
    [
      `${table},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`,
      "json",
      "Table",
    ],
    ["application/json;as=Table;v=v9;g=meta.k8s.io,application/json", "json", "object"],
  ] as const)("%s", (header, format, shape) => {
    expect(negotiate(header, { list: false })).toEqual({ format, shape });
  });

  test("PartialObjectMetadata is for objects, its List for lists, and watches show objects", () => {
    const one = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    const many = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    expect(negotiate(one, { list: false }).shape).toBe("PartialObjectMetadata");
    expect(negotiate(many, { list: true }).shape).toBe("PartialObjectMetadata");
    expect(negotiate(one, { list: true, watch: true }).shape).toBe("PartialObjectMetadata");
    expect(() => negotiate(one, { list: true })).toThrow("406");
  });

  test.each(["text/plain", "application/vnd.kubernetes.protobuf", `application/json;q=0`])(
    "%s is 406",
    (header) => {
      expect(() => negotiate(header, { list: false })).toThrow("406: Not Acceptable");
    },
  );

  test("a watch is JSON only", () => {
    expect(() => negotiate("application/yaml", { list: true, watch: true })).toThrow("406");
  });
});

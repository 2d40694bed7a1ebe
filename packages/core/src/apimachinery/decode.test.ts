import { array, assert, constantFrom, letrec, oneof, property, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { job } from "../schema/batch.ts";
import { secret } from "../schema/config.ts";
import { event } from "../schema/event.ts";
import { pod } from "../schema/pod.ts";
import { decodeMessage } from "./decode.ts";
import { decodeObject, fieldValidation } from "./decode-object.ts";
import { ApiError } from "./errors.ts";
import { duplicateKeys, parseJson, parseJsonStrict } from "./json-scan.ts";
import { jobKind } from "./kinds.ts";

const target = { group: "batch", version: "v1", kind: "Job", schema: job };

function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "no error";
}

const spec = (fields: object): object => ({ spec: fields });
const container = (fields: object): object =>
  spec({ template: { spec: { containers: [{ name: "c", ...fields }] } } });

describe("decode: values of the wrong type, in Go's words", () => {
  it.each<[string, object, string]>([
    [
      "string for int32",
      spec({ completions: "six" }),
      "cannot unmarshal string into Go struct field JobSpec.spec.completions of type int32",
    ],
    [
      "bool for string, in a list",
      container({ env: [{ name: "A", value: true }] }),
      "cannot unmarshal bool into Go struct field EnvVar.spec.template.spec.containers.env.value " +
        "of type string",
    ],
    [
      "int32 overflow",
      spec({ parallelism: 2147483648 }),
      "cannot unmarshal number 2147483648 into Go struct field JobSpec.spec.parallelism of type int32",
    ],
    [
      "fraction",
      spec({ parallelism: 1.5 }),
      "cannot unmarshal number 1.5 into Go struct field JobSpec.spec.parallelism of type int32",
    ],
    [
      "string for a struct",
      { spec: "x" },
      "cannot unmarshal string into Go struct field Job.spec of type v1.JobSpec",
    ],
    [
      "object for a list",
      spec({ template: { spec: { containers: {} } } }),
      "cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers " +
        "of type []v1.Container",
    ],
    [
      "number in a map of strings",
      { metadata: { labels: { a: 1 } } },
      "cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
    ],
    [
      "list for a map",
      { metadata: { labels: [] } },
      "cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
    ],
    [
      "after a nested message, its parent is named again",
      { metadata: { ownerReferences: [{ name: "x" }], generation: "1" } },
      "cannot unmarshal string into Go struct field ObjectMeta.metadata.generation of type int64",
    ],
  ])("%s", (_title, value, text) => {
    expect(errorOf(() => decodeMessage(job, value))).toBe(`json: ${text}`);
  });

  it.each<[string, unknown, string]>([
    ["no time", "yesterday", 'cannot parse "yesterday" as "2006"'],
    ["no zone", "2026-11-23T08:00:00", 'cannot parse "" as "Z07:00"'],
    ["a date", "2026-11-23", 'cannot parse "" as "T"'],
  ])("a time that is %s", (_title, text, tail) => {
    const message = errorOf(() => decodeMessage(job, { metadata: { creationTimestamp: text } }));
    expect(message).toBe(`parsing time "${String(text)}" as "2006-01-02T15:04:05Z07:00": ${tail}`);
  });

  it("a month out of range", () => {
    const value = { metadata: { creationTimestamp: "2026-13-01T00:00:00Z" } };
    expect(errorOf(() => decodeMessage(job, value))).toBe(
      'parsing time "2026-13-01T00:00:00Z": month out of range',
    );
  });

  it("base64 and quantities", () => {
    expect(errorOf(() => decodeMessage(secret, { data: { a: "a*==" } }))).toBe(
      "illegal base64 data at input byte 1",
    );
    const wrong = container({ resources: { limits: { cpu: "many" } } });
    expect(errorOf(() => decodeMessage(job, wrong))).toContain("quantities must match the regular");
  });

  it("__proto__ is refused as a key and changes no prototype", () => {
    const value = JSON.parse('{"metadata":{"annotations":{"__proto__":"x"}}}') as unknown;
    expect(errorOf(() => decodeMessage(job, value))).toContain("is not supported");
    const field = JSON.parse('{"__proto__":{"polluted":true}}') as unknown;
    const decoded = decodeMessage(job, field);
    expect(decoded.unknownFields).toEqual(["__proto__"]);
    expect((decoded.value as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("decode: values that are accepted", () => {
  it("drops nulls, sorts maps, canonicalises quantities and times", () => {
    const { value } = decodeMessage(pod, {
      metadata: {
        labels: { b: "2", a: "1" },
        annotations: null,
        creationTimestamp: "2026-11-23T10:37:31.9+02:00",
      },
      spec: {
        containers: [{ resources: { limits: { cpu: 1, memory: "1024Mi" } } }],
        volumes: [{ emptyDir: { sizeLimit: "0.5Gi" } }],
      },
    });
    expect(JSON.stringify(value)).toBe(
      JSON.stringify({
        metadata: { labels: { a: "1", b: "2" }, creationTimestamp: "2026-11-23T08:37:31Z" },
        spec: {
          containers: [{ resources: { limits: { cpu: "1", memory: "1Gi" } } }],
          volumes: [{ emptyDir: { sizeLimit: "512Mi" } }],
        },
      }),
    );
  });

  it("a null item is the zero value", () => {
    const { value } = decodeMessage(pod, {
      metadata: { finalizers: [null], labels: { a: null } },
      spec: { containers: [null] },
    });
    expect(value).toEqual({
      metadata: { finalizers: [""], labels: { a: "" } },
      spec: { containers: [{}] },
    });
  });

  it("int or string, and microseconds", () => {
    const port = { httpGet: { port: "web" } };
    const { value } = decodeMessage(pod, { spec: { containers: [{ livenessProbe: port }] } });
    expect(value.spec?.containers?.[0]?.livenessProbe).toEqual(port);
    const decoded = decodeMessage(event, { eventTime: "2026-11-23T08:37:31.5Z" });
    expect(decoded.value.eventTime).toBe("2026-11-23T08:37:31.500000Z");
  });
});

describe("decodeObject: field validation", () => {
  const body = spec({
    complétions: 3,
    template: { spec: { containers: [{ name: "c", comand: ["a"] }] } },
  });

  it("Strict refuses unknown and duplicate fields", () => {
    expect(errorOf(() => decodeObject(target, body, "Strict"))).toBe(
      'Job in version "v1" cannot be handled as a Job: strict decoding error: ' +
        'unknown field "spec.complétions", unknown field "spec.template.spec.containers[0].comand"',
    );
    expect(errorOf(() => decodeObject(target, {}, "Strict", ["spec.parallelism"]))).toContain(
      'strict decoding error: duplicate field "spec.parallelism"',
    );
  });

  it("Warn tells them, Ignore drops them; names match exactly", () => {
    expect(decodeObject(target, body, "Warn").warnings).toEqual([
      'unknown field "spec.complétions"',
      'unknown field "spec.template.spec.containers[0].comand"',
    ]);
    const { object, warnings } = decodeObject(target, spec({ Parallelism: 2 }), "Ignore");
    expect(warnings).toEqual([]);
    expect(object).toEqual({ apiVersion: "batch/v1", kind: "Job", spec: {} });
  });

  it("another kind or version is refused", () => {
    expect(errorOf(() => decodeObject(target, { kind: "Pod", apiVersion: "v1" }, "Warn"))).toBe(
      'Pod in version "v1" cannot be handled as a Job: ' +
        "converting (v1.Pod) to (batch.Job): unknown conversion",
    );
    expect(() => decodeObject(target, { kind: "Job", apiVersion: "v1" }, "Warn")).toThrow(ApiError);
  });

  it("the parameter", () => {
    expect(fieldValidation(undefined)).toBe("Warn");
    expect(fieldValidation("Strict")).toBe("Strict");
    expect(() => fieldValidation("strict")).toThrow(ApiError);
  });
});

describe("json text", () => {
  it("finds duplicate keys by path", () => {
    const text = '{"spec":{"a":1,"a":2,"items":[{"x":1},{"x":1,"\\u0078":2}]},"spec":{}}';
    expect(parseJsonStrict(text).duplicates).toEqual(["spec.a", "spec.items[1].x", "spec"]);
    expect(duplicateKeys('{"a":{"b":1},"c":{"b":1}}')).toEqual([]);
  });

  it("finds them whatever stands around keys and within strings", () => {
    const key = constantFrom("a", "b", '\\":', "\\u0061", "__proto__");
    const space = constantFrom("", " ", "\n\t ");
    const text = letrec<{ value: string; object: string }>((tie) => ({
      value: oneof(
        { maxDepth: 4 },
        key.map((name) => `"${name}:"`),
        constantFrom("1", "null", "[]"),
        tie("object"),
        array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(",")}]`),
      ),
      object: array(tuple(key, space, tie("value")), { maxLength: 4 }).map(
        (fields) => `{${fields.map(([name, gap, value]) => `"${name}"${gap}:${value}`).join(",")}}`,
      ),
    })).object;
    assert(
      property(text, (given) => {
        expect(parseJsonStrict(given)).toEqual({
          value: JSON.parse(given) as unknown,
          duplicates: duplicateKeys(given),
        });
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["{", "unexpected end of JSON input"],
    ["", "unexpected end of JSON input"],
    ["abc", "invalid character 'a' looking for beginning of value"],
    ["{a:1}", "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ["[1 2]", "invalid character '2' after array element"],
    ["nul", "unexpected end of JSON input"],
    ["nulx", "invalid character 'x' in literal null (expecting 'l')"],
    ["{} x", "invalid character 'x' after top-level value"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['"\\q"', "invalid character 'q' in string escape code"],
    ["-x", "invalid character 'x' in numeric literal"],
  ])("%j: %s", (text, message) => {
    expect(errorOf(() => parseJson(text))).toBe(message);
    expect(errorOf(() => parseJsonStrict(text))).toBe(message);
  });

  it("refuses text nested too deep", () => {
    expect(errorOf(() => duplicateKeys("[".repeat(100_000)))).toBe("exceeded max depth");
  });

  it("accepts what JSON.parse accepts", () => {
    const text = ' {"a":[1,-2.5e+3,true,false,null,"\\u00e9\\n",{}],"b":{"c":[]}} ';
    expect(parseJsonStrict(text)).toEqual({ value: JSON.parse(text) as unknown, duplicates: [] });
  });
});

it("kinds carry the schemas", () => {
  expect(decodeObject(jobKind, { metadata: { name: "x" } }, "Strict").object).toEqual({
    metadata: { name: "x" },
    apiVersion: "batch/v1",
    kind: "Job",
  });
});

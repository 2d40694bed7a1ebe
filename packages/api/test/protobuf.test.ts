// Protobuf bodies: recorded ones of kubectl, round trips, and bytes that are none.
import {
  ApiError,
  cronJobKind,
  jobKind,
  kindOfObject,
  kinds,
  podKind,
  secretKind,
} from "@gantry/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { decodeProtobuf } from "../src/protobuf/decode-protobuf.ts";
import { reviewSchema } from "../src/reviews/review-schemas.ts";
import { encodeProtobuf } from "./encode-protobuf.ts";
import { bodyOf, exchanges, recordingsMissing } from "./recordings.ts";

const schemaOf = (apiVersion: string, kind: string): z.ZodObject | undefined =>
  kindOfObject(apiVersion, kind)?.schema ?? reviewSchema(apiVersion, kind);
const decode = (body: Buffer): Record<string, unknown> => decodeProtobuf(body, schemaOf);

const failure = (body: Buffer): unknown => {
  try {
    return decode(body);
  } catch (error) {
    return error;
  }
};

describe.skipIf(recordingsMissing !== undefined)(
  `recorded bodies${recordingsMissing === undefined ? "" : ` (skipped: ${recordingsMissing})`}`,
  () => {
    const recorded = recordingsMissing === undefined ? exchanges("exchanges-protobuf.jsonl") : [];
    const at = (n: number) => recorded[n - 1]!;
    const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? "", "base64");

    it("kubectl create job", () => {
      expect(decode(bytes(at(1).request.bodyBase64))).toEqual({
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "hello-once" },
        spec: {
          template: {
            metadata: {},
            spec: {
              containers: [
                {
                  name: "hello-once",
                  image: "busybox:1.36",
                  command: ["echo", "hi"],
                  resources: {},
                },
              ],
              restartPolicy: "Never",
            },
          },
        },
        status: {},
      });
    });

    it("kubectl create cronjob", () => {
      const object = decode(bytes(at(2).request.bodyBase64));
      expect(object).toMatchObject({
        apiVersion: "batch/v1",
        kind: "CronJob",
        metadata: { name: "tick" },
        spec: { schedule: "*/5 * * * *", jobTemplate: { metadata: { name: "tick" } } },
      });
    });

    it("answers in protobuf equal the same object's JSON", () => {
      const json = bodyOf(at(5)) as Record<string, object>;
      expect(decode(bytes(at(2).response.bodyBase64))).toEqual(json);
    });

    it("every recorded request and answer of a kind that is served", () => {
      let decoded = 0;
      for (const { request, response } of recorded) {
        for (const text of [request.bodyBase64, response.bodyBase64]) {
          const body = bytes(text);
          if (body.length === 0) continue;
          const result = failure(body);
          if (result instanceof ApiError) {
            expect(result.message).toMatch(/is registered for version/);
          } else {
            expect(result).toHaveProperty("kind");
            decoded += 1;
          }
        }
      }
      expect(decoded).toBeGreaterThan(20);
    });
  },
);

describe("round trips", () => {
  const cases: [string, z.ZodObject, Record<string, unknown>][] = [
    [
      "pointers keep their zeros, plain values lose them",
      jobKind.schema,
      {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "a", creationTimestamp: "2026-11-23T08:37:31Z" },
        spec: { parallelism: 0, suspend: false, backoffLimit: 0, ttlSecondsAfterFinished: 0 },
      },
    ],
    [
      "nested volumes, probes, env, quantities, int-or-string, maps",
      podKind.schema,
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "p", labels: { a: "", b: "c" } },
        spec: {
          nodeSelector: { x: "y" },
          volumes: [
            { name: "e", emptyDir: {} },
            {
              name: "s",
              secret: { secretName: "s", defaultMode: 420, items: [{ key: "k", path: "p" }] },
            },
          ],
          containers: [
            {
              name: "c",
              resources: { limits: { cpu: "100m", memory: "1Gi" } },
              env: [
                {
                  name: "A",
                  valueFrom: { configMapKeyRef: { name: "m", key: "k", optional: false } },
                },
              ],
              livenessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 5 },
              readinessProbe: { tcpSocket: { port: 80 } },
            },
          ],
        },
        status: {
          containerStatuses: [
            { name: "c", ready: false, restartCount: 0, state: { terminated: { exitCode: 0 } } },
          ],
        },
      },
    ],
    [
      "bytes as base64",
      secretKind.schema,
      { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data: { a: "AP8=", b: "" } },
    ],
    [
      "fieldsV1 and times with offsets in between",
      cronJobKind.schema,
      {
        apiVersion: "batch/v1",
        kind: "CronJob",
        metadata: {
          name: "c",
          managedFields: [
            { manager: "m", time: "1969-12-31T23:59:59Z", fieldsV1: { "f:spec": {} } },
          ],
        },
        spec: { schedule: "* * * * *", startingDeadlineSeconds: 9_007_199_254_740_991 },
      },
    ],
  ];
  it.each(cases)("%s", (_title, schema, object) => {
    expect(decode(encodeProtobuf(object, schema))).toEqual(object);
  });

  it("zeros of plain values are as good as absent", () => {
    const object = {
      apiVersion: "batch/v1",
      kind: "Job",
      spec: {
        template: { spec: { containers: [{ name: "c", image: "", stdin: false, tty: true }] } },
      },
      status: { active: 0, succeeded: 1, ready: 0 },
    };
    expect(decode(encodeProtobuf(object, jobKind.schema))).toEqual({
      apiVersion: "batch/v1",
      kind: "Job",
      spec: { template: { spec: { containers: [{ name: "c", tty: true }] } } },
      status: { succeeded: 1, ready: 0 },
    });
  });
});

describe("bytes that are no object get 400", () => {
  const sample = encodeProtobuf(
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p", labels: { a: "b" }, creationTimestamp: "2026-11-23T08:37:31Z" },
      spec: { containers: [{ name: "c", resources: { limits: { cpu: "1" } } }], priority: 3 },
    },
    podKind.schema,
  );

  it.each([
    ["empty", Buffer.alloc(0)],
    ["JSON", Buffer.from("{}")],
    ["no envelope", Buffer.from("k8s\0\xff\xff\xff\xff", "latin1")],
    ["a length beyond the end", Buffer.from("k8s\0\x12\xff\xff\xff\xff\x0f", "latin1")],
    ["an unserved kind", Buffer.from("k8s\0\n\x08\n\x02v1\x12\x02No", "latin1")],
    ["deeply nested groups", Buffer.concat([sample, Buffer.alloc(100_000, 0x0b)])],
  ])("%s", (_title, body) => {
    const error = failure(body);
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).code).toBe(400);
  });

  it("every truncation is an object or a 400", () => {
    for (let length = 0; length < sample.length; length++) {
      const result = failure(sample.subarray(0, length));
      if (result instanceof Error) expect((result as ApiError).code).toBe(400);
    }
  });

  it("a __proto__ key sets nothing", () => {
    const labels = Object.defineProperty({}, "__proto__", { value: "x", enumerable: true });
    const body = encodeProtobuf(
      { apiVersion: "v1", kind: "Pod", metadata: { labels } },
      podKind.schema,
    );
    expect((failure(body) as ApiError).code).toBe(400);
  });

  it("any change of any byte is an object or a 400", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const body = Buffer.from(sample);
          for (const [at, value] of changes) body[at] = value;
          const result = failure(body);
          return !(result instanceof Error) || (result instanceof ApiError && result.code === 400);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("random bytes for every kind are an object or a 400", () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.uint8Array({ maxLength: 200 }), (kind, raw) => {
        const head = encodeProtobuf({ apiVersion: kind.apiVersion, kind: kind.kind }, kind.schema);
        const body = Buffer.concat([
          head.subarray(0, -2),
          Buffer.from([0x12, raw.length & 0x7f]),
          raw,
        ]);
        const result = failure(body);
        return !(result instanceof Error) || (result instanceof ApiError && result.code === 400);
      }),
      { numRuns: 2_000 },
    );
  });
});

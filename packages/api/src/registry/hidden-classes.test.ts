// Objects of one kind have one hidden class: what reads them is several times slower otherwise.
import { runInThisContext } from "node:vm";
import { setFlagsFromString } from "node:v8";
import { decodeObject, jobKind, prepareMetaForCreate } from "@gantry/core";
import { Txn } from "@gantry/store";
import { describe, expect, test } from "vitest";
import { withOwners } from "../verbs/ownership.ts";
import { jobs } from "./batch.ts";
import { Objects } from "./objects.ts";
import type { ApiObject } from "./strategy.ts";

setFlagsFromString("--allow-natives-syntax");
const sameClass = runInThisContext("(a, b) => %HaveSameMap(a, b)") as (
  a: object,
  b: object,
) => boolean;

const objects = new Objects({} as never, {} as never);

const manifest = (n: number): unknown => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: `job-${n}`, labels: { app: `a${n}` } },
  spec: {
    completions: n,
    template: {
      metadata: { annotations: { note: `n${n}` } },
      spec: { restartPolicy: "Never", containers: [{ name: "main", image: `image:${n}` }] },
    },
  },
});

/** The steps of a create, in order. */
const steps: Readonly<Record<string, (object: ApiObject, n: number) => ApiObject>> = {
  decoded: (_, n) => decodeObject(jobKind, manifest(n), "Warn").object as ApiObject,
  "with metadata": (object, n) => ({
    ...object,
    metadata: prepareMetaForCreate(object.metadata, {
      uid: `uid-${n}`,
      nowMs: n,
      namespace: "default",
      suffix: "",
      generation: 1,
    }),
  }),
  defaulted: (object) => jobs.prepareCreate(object),
  owned: (object) =>
    withOwners(jobs, undefined, object, { manager: "m", subresource: undefined, nowMs: 0 }),
  admitted: (object) => jobs.admitCreate?.(object) ?? object,
  stored: (object) => objects.create(new Txn(), jobs, object, 0) as unknown as ApiObject,
};

const partsOf = (value: unknown, path = "Job"): [string, object][] =>
  typeof value !== "object" || value === null
    ? []
    : [
        [path, value],
        ...Object.entries(value).flatMap(([name, part]) => partsOf(part, `${path}.${name}`)),
      ];

describe("on the way of a create", () => {
  // The first ones teach V8 which classes there are.
  let made: ApiObject[] = Array.from({ length: 100 }, () => ({}));
  test.each(Object.entries(steps))(
    "%s Jobs have one hidden class in all their parts",
    (_, step) => {
      made = made.map(step);
      const last = new Map(partsOf(made.at(-1)));
      const others = partsOf(made.at(-2)).filter(([path, part]) => {
        const other = last.get(path);
        return other === undefined || !sameClass(part, other);
      });
      expect(others.map(([path]) => path)).toEqual([]);
    },
  );
});

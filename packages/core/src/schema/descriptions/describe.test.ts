// Descriptions speak of messages and fields that there are.
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { kinds } from "../../apimachinery/kinds.ts";
import { selfSubjectReview } from "../authentication.ts";
import {
  selfSubjectAccessReview,
  selfSubjectRulesReview,
  subjectAccessReview,
} from "../authorization.ts";
import { typeInfo } from "../message.ts";
import { deleteOptions, status } from "../meta.ts";
import { eviction } from "../policy.ts";
import { batchDescriptions } from "./batch.ts";
import { containerDescriptions } from "./container.ts";
import { describeField, describeMessage, requiredFields } from "./describe.ts";
import { metaDescriptions } from "./meta.ts";
import { otherDescriptions } from "./other.ts";
import { podDescriptions } from "./pod.ts";
import { requiredByMessage } from "./required.ts";

const messages = new Map<string, ReadonlySet<string>>();

function walk(schema: z.ZodType): void {
  const def = schema.def as {
    type: string;
    innerType?: z.ZodType;
    element?: z.ZodType;
    valueType?: z.ZodType;
  };
  for (const inner of [def.innerType, def.element, def.valueType])
    if (inner !== undefined) walk(inner);
  if (def.type !== "object") return;
  const name = typeInfo.get(schema)?.name ?? "";
  if (messages.has(name)) return;
  const { shape } = schema as z.ZodObject;
  messages.set(name, new Set(Object.keys(shape)));
  for (const field of Object.values(shape)) walk(field as z.ZodType);
}
for (const { schema } of kinds) walk(schema);
const others = [
  selfSubjectReview,
  selfSubjectAccessReview,
  selfSubjectRulesReview,
  subjectAccessReview,
];
for (const schema of [...others, deleteOptions, status, eviction]) walk(schema);

describe("descriptions", () => {
  it("name messages and fields of the schemas only", () => {
    const unknown: string[] = [];
    const tables = [
      batchDescriptions,
      containerDescriptions,
      metaDescriptions,
      otherDescriptions,
      podDescriptions,
    ];
    for (const [message, fields] of tables.flatMap((table) => Object.entries(table))) {
      for (const field of Object.keys(fields)) {
        if (
          !messages.has(message) ||
          (field !== "" && messages.get(message)?.has(field) !== true)
        ) {
          unknown.push(`${message}.${field}`);
        }
      }
    }
    expect(unknown).toEqual([]);
  });

  it("required fields are there, in order", () => {
    const unknown: string[] = [];
    for (const [message, fields] of Object.entries(requiredByMessage)) {
      expect(fields, message).toEqual([...fields].sort());
      for (const field of fields) {
        if (messages.get(message)?.has(field) !== true) unknown.push(`${message}.${field}`);
      }
    }
    expect(unknown).toEqual([]);
  });

  it("of what is not described are empty; of what all kinds share are the same", () => {
    expect(describeMessage("io.k8s.nothing")).toBe("");
    expect(describeField("io.k8s.nothing", "constructor")).toBe("");
    expect(describeField("io.k8s.nothing", "kind")).toContain("kind of the object");
    expect(requiredFields("io.k8s.nothing")).toEqual([]);
  });
});

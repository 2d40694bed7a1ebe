// How each message stands in protobuf, derived once from the fields of its schema.
import { fieldInfo, invariant, typeInfo } from "@gantry/core";
import type { z } from "zod";

export type ScalarForm =
  | "string"
  | "bool"
  | "int32"
  | "int64"
  | "bytes"
  | "time"
  | "microTime"
  | "quantity"
  | "intOrString"
  | "rawObject";

export type ValueForm =
  | { readonly form: ScalarForm }
  | { readonly form: "message"; readonly plan: () => MessagePlan }
  | { readonly form: "map"; readonly value: ValueForm }
  /** A list inside a map: protobuf wraps it in a message whose field 1 repeats. */
  | { readonly form: "wrappedList"; readonly item: ValueForm };

export interface FieldPlan {
  readonly name: string;
  readonly repeated: boolean;
  readonly value: ValueForm;
  /** Its zero (0, false) means that it was left out: not a pointer in Go, and omitempty. */
  readonly zeroIsAbsent: boolean;
}

/** Fields by number; a nested plan holds fields that JSON shows in the outer object. */
export interface MessagePlan {
  readonly fields: ReadonlyMap<number, FieldPlan | MessagePlan>;
}

const forms: Readonly<Record<string, ScalarForm>> = {
  string: "string",
  bool: "bool",
  int32: "int32",
  int64: "int64",
  "[]uint8": "bytes",
  "v1.Time": "time",
  "v1.MicroTime": "microTime",
  "resource.Quantity": "quantity",
  "intstr.IntOrString": "intOrString",
  "map[string]interface {}": "rawObject",
};

/**
 * Numbers and booleans that are plain values with omitempty in Go. Go writes their zeros on the
 * wire; all other numbers and booleans are pointers (a zero was meant) or shown even when zero.
 */
const plainValues: Readonly<Record<string, readonly string[]>> = {
  "io.k8s.api.batch.v1.JobStatus": ["active", "succeeded", "failed"],
  "io.k8s.api.core.v1.Container": ["stdin", "stdinOnce", "tty"],
  "io.k8s.api.core.v1.ContainerImage": ["sizeBytes"],
  "io.k8s.api.core.v1.ContainerPort": ["hostPort"],
  "io.k8s.api.core.v1.ContainerStateTerminated": ["signal"],
  "io.k8s.api.core.v1.EphemeralContainer": ["stdin", "stdinOnce", "tty"],
  "io.k8s.api.core.v1.Event": ["count"],
  "io.k8s.api.core.v1.EventSeries": ["count"],
  "io.k8s.api.core.v1.GCEPersistentDiskVolumeSource": ["partition"],
  "io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource": ["partition"],
  "io.k8s.api.core.v1.NodeSpec": ["unschedulable"],
  "io.k8s.api.core.v1.PodCondition": ["observedGeneration"],
  "io.k8s.api.core.v1.PodSpec": ["hostNetwork", "hostPID", "hostIPC"],
  "io.k8s.api.core.v1.PodStatus": ["observedGeneration"],
  "io.k8s.api.core.v1.Probe": [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ],
  "io.k8s.api.core.v1.ServicePort": ["nodePort"],
  "io.k8s.api.core.v1.ServiceSpec": ["publishNotReadyAddresses", "healthCheckNodePort"],
  "io.k8s.api.events.v1.Event": ["deprecatedCount"],
  "io.k8s.api.authorization.v1.SubjectAccessReviewStatus": ["denied"],
  "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": ["generation"],
  "io.k8s.apimachinery.pkg.apis.meta.v1.Status": ["code"],
  "io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails": ["retryAfterSeconds"],
};

/** `readOnly` of volumes and mounts is a plain value except in these. */
const readOnlyPointers = new Set([
  "io.k8s.api.core.v1.AzureDiskVolumeSource",
  "io.k8s.api.core.v1.CSIVolumeSource",
]);

const zeroIsAbsent = (message: string, field: string, value: ValueForm): boolean => {
  if (value.form === "string") return true;
  if (field === "readOnly") return !readOnlyPointers.has(message);
  return plainValues[message]?.includes(field) ?? false;
};

const unwrap = (schema: z.ZodType): z.ZodType =>
  schema.def.type === "optional" ? unwrap((schema as z.ZodOptional<z.ZodType>).unwrap()) : schema;

function valueForm(schema: z.ZodType): ValueForm {
  const form = forms[typeInfo.get(schema)?.go ?? ""];
  if (form !== undefined) return { form };
  const { type } = schema.def;
  if (type === "object") return { form: "message", plan: () => planOf(schema as z.ZodObject) };
  if (type === "record") {
    const { valueType } = schema as z.ZodRecord<z.ZodString, z.ZodType>;
    return { form: "map", value: valueForm(unwrap(valueType)) };
  }
  if (type === "array") {
    const { element } = schema as z.ZodArray<z.ZodType>;
    return { form: "wrappedList", item: valueForm(unwrap(element)) };
  }
  return { form: "string" };
}

function fieldPlan(message: string, name: string, schema: z.ZodType): FieldPlan {
  if (schema.def.type === "array") {
    const value = valueForm(unwrap((schema as z.ZodArray<z.ZodType>).element));
    return { name, repeated: true, value, zeroIsAbsent: false };
  }
  const value = valueForm(schema);
  return { name, repeated: false, value, zeroIsAbsent: zeroIsAbsent(message, name, value) };
}

type Fields = Map<number, FieldPlan | MessagePlan>;

/** The fields of a message nested at `number`, made when first needed. */
function nested(fields: Fields, number: number): Fields {
  let inner = fields.get(number);
  if (inner === undefined) fields.set(number, (inner = { fields: new Map() }));
  invariant("fields" in inner, "a nesting field is no value");
  return inner.fields as Fields;
}

const plans = new WeakMap<z.ZodObject, MessagePlan>();

/** Throws an invariant error for a schema without field numbers. */
export function planOf(schema: z.ZodObject): MessagePlan {
  const known = plans.get(schema);
  if (known !== undefined) return known;
  const fields: Fields = new Map();
  const plan: MessagePlan = { fields };
  plans.set(schema, plan);
  const message = typeInfo.get(schema)?.name ?? "";
  for (const [name, field] of Object.entries(schema.shape)) {
    const path = fieldInfo.get(field as z.ZodType)?.proto;
    // apiVersion and kind are in the envelope.
    if (path === undefined) continue;
    let at = fields;
    for (const number of path.slice(0, -1)) at = nested(at, number);
    const last = path.at(-1);
    invariant(last !== undefined, "a field has a number");
    at.set(last, fieldPlan(message, name, unwrap(field as z.ZodType)));
  }
  return plan;
}

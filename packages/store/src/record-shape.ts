// Whether a stored object has the shape that its readers count on: an edit by hand may have broken it.
import type { Resource } from "./keys.ts";

type Fields = Readonly<Record<string, unknown>>;

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isNumber: Check = (value) => typeof value === "number";
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isFieldsList: Check = (value) => Array.isArray(value) && value.every(isFields);
const isTextList: Check = (value) => Array.isArray(value) && value.every(isText);

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

interface Shape {
  readonly at: readonly string[];
  readonly check: Check;
}

const shape = (path: string, check: Check): Shape => ({ at: path.split("."), check });

const anyObject: readonly Shape[] = [
  shape("metadata", isFields),
  shape("metadata.name", isText),
  shape("metadata.uid", isText),
  shape("metadata.labels", optional(isFields)),
  shape("metadata.annotations", optional(isFields)),
  shape("metadata.finalizers", optional(isTextList)),
  shape("metadata.ownerReferences", optional(isFieldsList)),
];

const shapes: Readonly<Partial<Record<Resource, readonly Shape[]>>> = {
  // The record as it is decoded: its cells are checked there, but not what some of them hold.
  pods: [
    shape("conditions", optional(isFieldsList)),
    shape("meta", optional(isFields)),
    shape("meta.labels", optional(isFields)),
    shape("meta.annotations", optional(isFields)),
    shape("meta.finalizers", optional(isTextList)),
    shape("meta.ownerReferences", optional(isFieldsList)),
    shape("spec", optional(isFields)),
    shape("spec.containers", optional(isFieldsList)),
    shape("spec.initContainers", optional(isFieldsList)),
  ],
  jobs: [
    ...anyObject,
    shape("metadata.namespace", isText),
    shape("spec", isFields),
    shape("spec.template", isFields),
    shape("spec.selector", optional(isFields)),
    shape("spec.parallelism", optional(isNumber)),
    shape("spec.completions", optional(isNumber)),
    shape("spec.backoffLimit", optional(isNumber)),
    shape("status", isFields),
    shape("status.conditions", optional(isFieldsList)),
    shape("status.startTime", optional(isText)),
    shape("status.completedIndexes", optional(isText)),
    shape("status.failedIndexes", optional(isText)),
  ],
  cronjobs: [
    ...anyObject,
    shape("metadata.namespace", isText),
    shape("spec", isFields),
    shape("spec.schedule", isText),
    shape("spec.timeZone", optional(isText)),
    shape("spec.jobTemplate", isFields),
    shape("spec.jobTemplate.spec", optional(isFields)),
    shape("status", optional(isFields)),
    shape("status.active", optional(isFieldsList)),
    shape("status.lastScheduleTime", optional(isText)),
  ],
};

const valueAt = (object: unknown, path: readonly string[]): unknown => {
  let value = object;
  for (const field of path) value = isFields(value) ? value[field] : undefined;
  return value;
};

/** The first field that is not what it must be. Looks only at what code reads without asking. */
export const misshapenField = (resource: Resource, object: unknown): string | undefined => {
  if (!isFields(object)) return "the object";
  const wrong = (shapes[resource] ?? anyObject).find(
    ({ at, check }) => !check(valueAt(object, at)),
  );
  return wrong?.at.join(".");
};

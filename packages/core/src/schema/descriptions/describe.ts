// What messages and fields mean, for OpenAPI and `kubectl explain`; apart from the schemas to keep those short.
import { batchDescriptions } from "./batch.ts";
import { containerDescriptions } from "./container.ts";
import { metaDescriptions } from "./meta.ts";
import { otherDescriptions } from "./other.ts";
import { podDescriptions } from "./pod.ts";
import { requiredByMessage } from "./required.ts";
import type { Descriptions } from "./text-table.ts";

const all: Descriptions = {
  ...metaDescriptions,
  ...batchDescriptions,
  ...podDescriptions,
  ...containerDescriptions,
  ...otherDescriptions,
};

/** Fields that mean the same in every kind. */
const common: Readonly<Record<string, string>> = {
  apiVersion:
    "The group and version in which this object is written, such as batch/v1. The server accepts " +
    "those it lists under /apis.",
  kind: "The kind of the object, such as Job. It cannot be changed.",
  metadata: "Name, namespace, labels and what else every object has.",
  spec: "What is wanted.",
  status: "What is the case. Written by the system; read-only.",
};

const own = (message: string, field: string): string | undefined =>
  Object.hasOwn(all, message) && Object.hasOwn(all[message] ?? {}, field)
    ? all[message]?.[field]
    : undefined;

/** Empty for a message without one. `message` is its OpenAPI name. */
export const describeMessage = (message: string): string => own(message, "") ?? "";

/** Empty for a field without one. */
export const describeField = (message: string, field: string): string =>
  own(message, field) ?? (Object.hasOwn(common, field) ? (common[field] ?? "") : "");

/** Fields that must be given, in alphabetical order. */
export const requiredFields = (message: string): readonly string[] =>
  requiredByMessage[message] ?? [];

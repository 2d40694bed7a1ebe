// metadata.managedFields: who owns which field, after each write.
import { blank } from "@gantry/core";
import type { FastifyRequest } from "fastify";
import type { FieldPath } from "../apply/field-set.ts";
import { updateManagedFields } from "../apply/update-managed-fields.ts";
import type { ApiObject, Strategy } from "../registry/strategy.ts";
import type { Subresource } from "./update.ts";

/** Names of managers are bounded by Kubernetes. */
const MANAGER_MAX = 128;

/** The manager that a request names, else its client's program. */
export const managerOf = (request: FastifyRequest, fieldManager: string | undefined): string => {
  if (fieldManager !== undefined) return fieldManager;
  const agent = request.headers["user-agent"] ?? "";
  return (agent.split("/")[0] ?? "").slice(0, MANAGER_MAX) || "unknown";
};

const nothing: readonly FieldPath[] = [];
const spec: readonly FieldPath[] = [["f:spec"]];
const status: readonly FieldPath[] = [["f:status"]];

/** What an endpoint of a kind does not write; always the same list for the same endpoint. */
export const ignoredFields = (
  strategy: Strategy,
  subresource: Subresource | undefined,
): readonly FieldPath[] => {
  if (strategy.status === undefined) return nothing;
  return subresource === "status" ? spec : status;
};

export interface Author {
  readonly manager: string;
  readonly subresource: Subresource | undefined;
  readonly nowMs: number;
}

/** The object with its owners after this write; Events have none, since nobody shares them. */
export const withOwners = (
  strategy: Strategy,
  live: ApiObject | undefined,
  next: ApiObject,
  author: Author,
): ApiObject => {
  if (strategy.resource === "events") return withFields(next, []);
  const managedFields = updateManagedFields({
    live,
    next,
    manager: author.manager,
    schema: strategy.schema,
    apiVersion: strategy.apiVersion,
    subresource: author.subresource ?? "",
    ignored: ignoredFields(strategy, author.subresource),
    nowMs: author.nowMs,
  });
  return withFields(next, managedFields);
};

const withFields = (object: ApiObject, managedFields: readonly object[]): ApiObject => {
  const { metadata } = object;
  if (managedFields.length > 0) {
    return { ...blank, ...object, metadata: { ...blank, ...metadata, managedFields } } as ApiObject;
  }
  if (metadata?.managedFields === undefined) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...blank, ...object, metadata: rest };
};

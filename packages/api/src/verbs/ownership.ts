// metadata.managedFields: who owns which field, after each write.
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

/** What an endpoint of a kind does not write. */
export const ignoredFields = (
  strategy: Strategy,
  subresource: Subresource | undefined,
): readonly FieldPath[] => {
  if (strategy.status === undefined) return [];
  return subresource === "status" ? [["f:spec"]] : [["f:status"]];
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
  const { managedFields: _, ...metadata } = next.metadata ?? {};
  if (strategy.resource === "events") return { ...next, metadata };
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
  if (managedFields.length === 0) return { ...next, metadata };
  return { ...next, metadata: { ...metadata, managedFields } } as ApiObject;
};

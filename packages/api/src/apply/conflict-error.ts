// The 409 of an apply that touches what other managers own.
import { ApiError, errorStatus, goQuote } from "@gantry/core";
import type { OwnershipConflict } from "./apply-patch.ts";
import { pathText } from "./field-set.ts";
import type { Manager } from "./managers.ts";

function managerText({ name, operation, apiVersion, subresource }: Manager): string {
  const of = subresource === "" ? "" : ` with subresource ${goQuote(subresource)}`;
  return `${goQuote(name)}${of}${operation === "Update" ? ` using ${apiVersion}` : ""}`;
}

function messageOf(conflicts: readonly OwnershipConflict[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1 && first !== undefined) {
    const text = `conflict with ${managerText(first.manager)}: ${pathText(first.path)}`;
    return `Apply failed with 1 conflict: ${text}`;
  }
  const byManager = new Map<string, string[]>();
  for (const { manager, path } of conflicts) {
    const text = managerText(manager);
    byManager.set(text, [...(byManager.get(text) ?? []), `- ${pathText(path)}`]);
  }
  const parts = [...byManager].map(
    ([manager, paths]) => `conflicts with ${manager}:\n${paths.join("\n")}`,
  );
  return `Apply failed with ${conflicts.length} conflicts: ${parts.join("\n")}`;
}

export function conflictError(conflicts: readonly OwnershipConflict[]): ApiError {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${managerText(manager)}`,
    field: pathText(path),
  }));
  return new ApiError(errorStatus(409, "Conflict", messageOf(conflicts), { causes }));
}

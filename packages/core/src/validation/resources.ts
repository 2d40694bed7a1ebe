// Requests and limits of containers (job-spec 6).
import { allOf } from "../apimachinery/all-of.ts";
import {
  type FieldErrors,
  forbidden,
  invalid,
  negativeDetail,
  required,
} from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { isQualifiedName } from "../apimachinery/name-rules.ts";
import { compareQuantities, formatQuantity, parseQuantity } from "../apimachinery/quantity.ts";
import type { ResourceRequirements } from "../schema/container.ts";
import { named } from "./checks.ts";

const computeResources = ["cpu", "memory", "ephemeral-storage"];
/** Known to Kubernetes, though not of containers. */
const otherStandardResources = [
  "requests.cpu",
  "requests.memory",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "persistentvolumeclaims",
  "configmaps",
  "storage",
  "requests.storage",
  "services.nodeports",
  "services.loadbalancers",
];
const nanoPerOne = 1_000_000_000n;

const isHugePages = (name: string): boolean => name.startsWith("hugepages-");
const isOfContainers = (name: string): boolean =>
  computeResources.includes(name) || isHugePages(name);
const isNative = (name: string): boolean =>
  !name.includes("/") || name.split("/")[0]?.endsWith("kubernetes.io") === true;
const isExtended = (name: string): boolean =>
  !isNative(name) &&
  !name.startsWith("requests.") &&
  isQualifiedName(`requests.${name}`).length === 0;
/** More may be used than is asked for; of all others request and limit are one. */
const isOvercommittable = (name: string): boolean => isNative(name) && !isHugePages(name);

function validateName(name: string, path: FieldPath): FieldErrors {
  const errors = named(name, isQualifiedName, path);
  if (!name.includes("/")) {
    if (!isOfContainers(name)) {
      if (!otherStandardResources.includes(name) && errors.length === 0) {
        errors.push(invalid(path, name, "must be a standard resource type or fully qualified"));
      }
      errors.push(invalid(path, name, "must be a standard resource for containers"));
    }
  } else if (!isNative(name) && !isExtended(name)) {
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

function validateQuantity(name: string, text: string, path: FieldPath): FieldErrors {
  const quantity = parseQuantity(text);
  const errors: FieldErrors = [];
  if (quantity.nano < 0n) errors.push(invalid(path, formatQuantity(quantity), negativeDetail));
  if (isExtended(name) && quantity.nano % nanoPerOne !== 0n) {
    errors.push(invalid(path, formatQuantity(quantity), "must be an integer"));
  }
  return errors;
}

const validateEntry = (name: string, text: string, path: FieldPath): FieldErrors =>
  allOf(validateName(name, path.key(name)), validateQuantity(name, text, path.key(name)));

function validateAgainstLimit(
  name: string,
  requestText: string,
  limitText: string | undefined,
  path: FieldPath,
): FieldErrors {
  const free = isOvercommittable(name);
  if (limitText === undefined) {
    const detail = "Limit must be set for non overcommitable resources";
    return free ? [] : [required(path.child("limits"), detail)];
  }
  const request = parseQuantity(requestText);
  const limit = parseQuantity(limitText);
  const order = compareQuantities(request, limit);
  if (order === 0 || (free && order < 0)) return [];
  const relation = free ? "less than or equal" : "equal";
  const detail = `must be ${relation} to ${name} limit of ${formatQuantity(limit)}`;
  return [invalid(path.child("requests"), formatQuantity(request), detail)];
}

/** Expects defaulted requirements: all quantities parse. */
export function validateResources(
  resources: ResourceRequirements | undefined,
  path: FieldPath,
): FieldErrors {
  if (resources?.limits === undefined && resources?.requests === undefined) return [];
  const limits = resources?.limits ?? {};
  const requests = resources?.requests ?? {};
  const errors = Object.entries(limits).flatMap(([name, text]) =>
    validateEntry(name, text, path.child("limits")),
  );
  for (const [name, text] of Object.entries(requests)) {
    errors.push(
      ...validateEntry(name, text, path.child("requests")),
      ...validateAgainstLimit(name, text, limits[name], path),
    );
  }
  const names = allOf(Object.keys(limits), Object.keys(requests));
  if (names.some(isHugePages) && !names.includes("cpu") && !names.includes("memory")) {
    errors.push(forbidden(path, "HugePages require cpu or memory"));
  }
  return errors;
}

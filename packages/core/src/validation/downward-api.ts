// References to a Pod's own fields, of environment variables and of volumes (job-spec 6).
import { type FieldErrors, invalid, notSupported, required } from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";
import { isQualifiedName } from "../apimachinery/name-rules.ts";
import { parseQuantity } from "../apimachinery/quantity.ts";
import type { ObjectFieldSelector, ResourceFieldSelector } from "../schema/reference.ts";

const envFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
const volumeFields = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];
/** Fields of a Pod that a selector can name, though not all can be referred to everywhere. */
const podFields = new Set([
  ...envFields,
  ...volumeFields,
  "spec.restartPolicy",
  "spec.schedulerName",
  "status.phase",
]);

const envResources = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];
const hugePages = ["limits.hugepages-", "requests.hugepages-"];

const cpuDivisors = ["1m", "1"];
const byteDivisors = [
  "1",
  "1k",
  "1M",
  "1G",
  "1T",
  "1P",
  "1E",
  "1Ki",
  "1Mi",
  "1Gi",
  "1Ti",
  "1Pi",
  "1Ei",
];

function validateSubscript(path: string, subscript: string, at: FieldPath): FieldErrors {
  const fieldAt = at.child("fieldPath");
  if (path !== "metadata.labels" && path !== "metadata.annotations") {
    const text = `${path}['${subscript}']`;
    const detail = `error converting fieldPath: field label does not support subscript: ${text}`;
    return [invalid(fieldAt, text, detail)];
  }
  const name = path === "metadata.annotations" ? subscript.toLowerCase() : subscript;
  return isQualifiedName(name).map((message) => invalid(at, subscript, message));
}

/** `place`: which fields may be referred to there. */
export function validateFieldRef(
  selector: ObjectFieldSelector,
  place: "env" | "volume",
  path: FieldPath,
): FieldErrors {
  const { apiVersion, fieldPath } = selector;
  if (!apiVersion) return [required(path.child("apiVersion"))];
  if (!fieldPath) return [required(path.child("fieldPath"))];
  const at = path.child("fieldPath");
  const refused = (reason: string): FieldErrors => [
    invalid(at, fieldPath, `error converting fieldPath: ${reason}`),
  ];
  if (apiVersion !== "v1") return refused(`unsupported pod version: ${apiVersion}`);
  const [, base, subscript] = /^(.+)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (base !== undefined && subscript !== undefined)
    return validateSubscript(base, subscript, path);
  if (!podFields.has(fieldPath)) return refused(`field label not supported: ${fieldPath}`);
  const supported = place === "env" ? envFields : volumeFields;
  return supported.includes(fieldPath) ? [] : [notSupported(at, fieldPath, supported)];
}

function validateDivisor(resource: string, divisor: string, path: FieldPath): FieldErrors {
  if (parseQuantity(divisor).nano === 0n) return [];
  const name = resource.slice(resource.indexOf(".") + 1);
  const supported = name === "cpu" ? cpuDivisors : byteDivisors;
  if (supported.includes(divisor)) return [];
  const list = name === "cpu" ? supported.join(" and ") : supported.join(", ");
  const kind = name.startsWith("hugepages-") ? "hugepages" : name;
  const detail = `only divisor's values ${list} are supported with the ${kind} resource`;
  return [invalid(path.child("divisor"), resource, detail)];
}

export function validateResourceFieldRef(
  selector: ResourceFieldSelector,
  place: "env" | "volume",
  path: FieldPath,
): FieldErrors {
  const { resource, containerName, divisor = "0" } = selector;
  if (place === "volume" && !containerName) return [required(path.child("containerName"))];
  if (!resource) return [required(path.child("resource"))];
  if (!envResources.includes(resource) && !hugePages.some((start) => resource.startsWith(start))) {
    return [notSupported(path.child("resource"), resource, envResources)];
  }
  return validateDivisor(resource, divisor, path);
}

// The options that requests carry in their query, checked as Kubernetes checks them.
import {
  badRequest,
  type FieldErrors,
  fieldPath,
  forbiddenField,
  goQuote,
  invalidField,
  invalidObject,
  unsupportedField,
} from "@gantry/core";
import type { FastifyRequest } from "fastify";

/** Read only: requests without a query share one. */
export type Query = Pick<URLSearchParams, "get" | "getAll" | "has">;

/** Kubernetes' own queries are far below this. */
const QUERY_MAX_BYTES = 65_536;

const noQuery: Query = new URLSearchParams();

export const queryOf = (request: FastifyRequest): Query => {
  const url = request.raw.url ?? "";
  const at = url.indexOf("?");
  if (at < 0) return noQuery;
  if (url.length - at > QUERY_MAX_BYTES) throw badRequest("the query is too long");
  return new URLSearchParams(url.slice(at + 1));
};

/** As Kubernetes reads booleans of queries: present and neither `false` (Python's `False`) nor `0`. */
export const flag = (query: Query, name: string): boolean => {
  const value = query.get(name)?.toLowerCase();
  return value !== undefined && value !== "false" && value !== "0";
};

const optional = (query: Query, name: string): string | undefined => {
  const value = query.get(name);
  return value === null || value === "" ? undefined : value;
};

const integer = (query: Query, name: string): number | undefined => {
  const text = optional(query, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  }
  if (!Number.isSafeInteger(value)) {
    throw badRequest(`strconv.ParseInt: parsing "${text}": value out of range`);
  }
  return value;
};

export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  readonly fieldManager: string | undefined;
  readonly force: boolean;
}

const MANAGER_MAX = 128;

const dryRunErrors = (values: readonly string[]): FieldErrors =>
  values.some((value) => value !== "All") ? [unsupportedField("dryRun", values, ["All"])] : [];

const validations: readonly string[] = ["Strict", "Warn", "Ignore"];

/** Options of create, update and patch; `type` is `CreateOptions`, `UpdateOptions` or `PatchOptions`. */
export const writeOptions = (query: Query, type: string): WriteOptions => {
  const dryRun = query.getAll("dryRun").filter((value) => value !== "");
  const validation = optional(query, "fieldValidation") ?? "Warn";
  const fieldManager = optional(query, "fieldManager");
  const errors = dryRunErrors(dryRun);
  if (!validations.includes(validation)) {
    errors.push(unsupportedField("fieldValidation", validation, ["Ignore", "Strict", "Warn"]));
  }
  if ((fieldManager?.length ?? 0) > MANAGER_MAX) {
    errors.push(
      invalidField("fieldManager", fieldManager, `may not be more than ${MANAGER_MAX} bytes`),
    );
  }
  const force = flag(query, "force");
  if (errors.length > 0) throw invalidObject(type, "meta.k8s.io", "", errors);
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: validation as FieldValidation,
    fieldManager,
    force,
  };
};

export interface ListOptions {
  readonly watch: boolean;
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly limit: number;
  readonly continueToken: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly resourceVersionMatch: string | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean;
  readonly timeoutSeconds: number | undefined;
}

const checkWatch = (options: ListOptions, sendInitialEvents: string | null): FieldErrors => {
  const errors: FieldErrors = [];
  const match = options.resourceVersionMatch;
  const matchPath = fieldPath("resourceVersionMatch");
  if (sendInitialEvents !== null) {
    if (match !== "NotOlderThan") {
      const detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
      errors.push(forbiddenField(matchPath, detail));
    }
    return errors;
  }
  if (match !== undefined) {
    const detail =
      "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
    errors.push(forbiddenField(matchPath, detail));
  }
  return errors;
};

const checkList = (options: ListOptions, sendInitialEvents: string | null): FieldErrors => {
  const errors: FieldErrors = [];
  const { resourceVersion, resourceVersionMatch: match } = options;
  const path = fieldPath("resourceVersionMatch");
  if (sendInitialEvents !== null) {
    errors.push(forbiddenField("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  }
  if (match === undefined) return errors;
  if (options.continueToken !== undefined) {
    errors.push(
      forbiddenField(path, "resourceVersionMatch is forbidden when continue is provided"),
    );
  }
  if (resourceVersion === undefined) {
    errors.push(
      forbiddenField(path, "resourceVersionMatch is forbidden unless resourceVersion is provided"),
    );
  }
  if (match !== "Exact" && match !== "NotOlderThan") {
    errors.push(unsupportedField(path, match, ["Exact", "NotOlderThan", ""]));
  } else if (match === "Exact" && resourceVersion === "0") {
    errors.push(
      forbiddenField(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
    );
  }
  return errors;
};

/** Revisions are decimal counters; anything else is refused with Kubernetes' words. */
const checkRevision = (version: string | undefined): void => {
  if (version === undefined || /^\d{1,20}$/.test(version)) return;
  const why = `strconv.ParseUint: parsing ${goQuote(version)}: invalid syntax`;
  throw badRequest(`resourceVersion: Invalid value: ${goQuote(version)}: ${why}`);
};

export const listOptions = (query: Query): ListOptions => {
  const initial = query.get("sendInitialEvents");
  const options: ListOptions = {
    watch: flag(query, "watch"),
    labelSelector: query.get("labelSelector") ?? "",
    fieldSelector: query.get("fieldSelector") ?? "",
    limit: Math.max(0, integer(query, "limit") ?? 0),
    continueToken: optional(query, "continue"),
    resourceVersion: optional(query, "resourceVersion"),
    resourceVersionMatch: optional(query, "resourceVersionMatch"),
    allowWatchBookmarks: flag(query, "allowWatchBookmarks"),
    sendInitialEvents: flag(query, "sendInitialEvents"),
    timeoutSeconds: integer(query, "timeoutSeconds"),
  };
  const errors = options.watch ? checkWatch(options, initial) : checkList(options, initial);
  if (errors.length > 0) throw invalidObject("ListOptions", "meta.k8s.io", "", errors);
  checkRevision(options.resourceVersion);
  if (options.continueToken !== undefined && options.resourceVersion !== undefined) {
    if (options.resourceVersion !== "0") {
      throw badRequest("specifying resource version is not allowed when using continue");
    }
  }
  return options;
};

const policies: readonly string[] = ["Foreground", "Background", "Orphan"];

export interface DeleteOptions {
  readonly propagation: "Foreground" | "Background" | "Orphan" | undefined;
  readonly graceSeconds: number | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
}

/** The fields of a DeleteOptions body, as decoded. */
export interface DeleteBody {
  readonly gracePeriodSeconds?: number | undefined;
  readonly preconditions?:
    | { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined }
    | undefined;
  readonly orphanDependents?: boolean | undefined;
  readonly propagationPolicy?: string | undefined;
  readonly dryRun?: readonly string[] | undefined;
}

/** D1: from the body where there is one, else from the query (as Kubernetes does). */
export const deleteOptions = (query: Query, body: DeleteBody | undefined): DeleteOptions => {
  const orphan = optional(query, "orphanDependents");
  const given: DeleteBody = body ?? {
    gracePeriodSeconds: integer(query, "gracePeriodSeconds"),
    propagationPolicy: optional(query, "propagationPolicy"),
    ...(orphan === undefined ? {} : { orphanDependents: flag(query, "orphanDependents") }),
    dryRun: query.getAll("dryRun").filter((value) => value !== ""),
  };
  const errors = dryRunErrors(given.dryRun ?? []);
  const { propagationPolicy: policy, orphanDependents } = given;
  if (policy !== undefined && orphanDependents !== undefined) {
    const detail = "orphanDependents and deletionPropagation cannot be both set";
    errors.push(invalidField("propagationPolicy", policy, detail));
  } else if (policy !== undefined && !policies.includes(policy)) {
    errors.push(unsupportedField("propagationPolicy", policy, [...policies, "nil"]));
  }
  if (errors.length > 0) throw invalidObject("DeleteOptions", "meta.k8s.io", "", errors);
  const legacy =
    orphanDependents === undefined ? undefined : orphanDependents ? "Orphan" : "Background";
  return {
    propagation: (policy as DeleteOptions["propagation"]) ?? legacy,
    graceSeconds: given.gracePeriodSeconds,
    uid: given.preconditions?.uid,
    resourceVersion: given.preconditions?.resourceVersion,
    dryRun: (given.dryRun ?? []).length > 0,
  };
};

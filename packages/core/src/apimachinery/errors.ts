// Every error that the API answers with, worded as Kubernetes words it (1.1, 1.2).
import type { StatusDetails } from "../schema/meta.ts";
import { ApiError, apiError, errorDetails, errorStatus, qualifiedName } from "./api-error.ts";
import type { GroupName } from "./api-error.ts";
import { aggregateText, fieldErrorBody } from "./field-error.ts";
import type { FieldError } from "./field-error.ts";
import { goQuote } from "./go-text.ts";

const resource = (group: string, name: string): GroupName => ({ group, name });

/** 422. `kind` is the Kind (`Job`); `name` is empty for an object without one. E1, E2. */
export function invalidObject(
  kind: string,
  group: string,
  name: string,
  errors: readonly FieldError[],
): ApiError {
  const type = resource(group, kind);
  const causes = errors.map((error) => ({
    reason: error.type,
    message: fieldErrorBody(error),
    field: error.field,
  }));
  const text = aggregateText(errors);
  const message = `${qualifiedName(type)} ${goQuote(name)} is invalid${text === "" ? "" : `: ${text}`}`;
  return apiError(422, "Invalid", message, errorDetails(type, name, causes));
}

/** 422 without details: a JSON patch that does not apply. */
export const invalidRequest = (): ApiError =>
  apiError(422, "Invalid", "the server rejected our request due to an error in our request", {});

/** 404 for an object. `plural` is the resource: `jobs`. */
export function notFound(plural: string, group: string, name: string): ApiError {
  const type = resource(group, plural);
  const message = `${qualifiedName(type)} ${goQuote(name)} not found`;
  return apiError(404, "NotFound", message, errorDetails(type, name));
}

/** 404 for a path under a group that is served. */
export const noSuchResource = (): ApiError =>
  apiError(404, "NotFound", "the server could not find the requested resource", {});

/** 409, the name is taken. */
export function alreadyExists(plural: string, group: string, name: string): ApiError {
  const type = resource(group, plural);
  const message = `${qualifiedName(type)} ${goQuote(name)} already exists`;
  return apiError(409, "AlreadyExists", message, errorDetails(type, name));
}

/** 409, no free name was found for a generateName. */
export function generateNameConflict(plural: string, group: string, name: string): ApiError {
  const type = resource(group, plural);
  const message =
    `${qualifiedName(type)} ${goQuote(name)} already exists, ` +
    "the server was not able to generate a unique name for the object";
  const details = { ...errorDetails(type, name), retryAfterSeconds: 1 };
  return apiError(409, "AlreadyExists", message, details);
}

/** 409. `type` is the plural, or the Kind where Kubernetes names that (preconditions on DELETE). */
export function conflict(type: string, group: string, name: string, why: string): ApiError {
  const subject = resource(group, type);
  const message = `Operation cannot be fulfilled on ${qualifiedName(subject)} ${goQuote(name)}: ${why}`;
  return apiError(409, "Conflict", message, errorDetails(subject, name));
}

/** 409, the resourceVersion of a PUT or PATCH is stale. */
export const objectModified = (plural: string, group: string, name: string): ApiError =>
  conflict(
    plural,
    group,
    name,
    "the object has been modified; please apply your changes to the latest version and try again",
  );

/** 409, preconditions.uid is another object's. */
export const uidPrecondition = (
  kind: string,
  group: string,
  name: string,
  uids: { readonly given: string; readonly stored: string },
): ApiError =>
  conflict(
    kind,
    group,
    name,
    `the UID in the precondition (${uids.given}) does not match the UID in record (${uids.stored}). ` +
      "The object might have been deleted and then recreated",
  );

/** 409, preconditions.resourceVersion is not the stored one. */
export const resourceVersionPrecondition = (
  kind: string,
  group: string,
  name: string,
  versions: { readonly given: string; readonly stored: string },
): ApiError =>
  conflict(
    kind,
    group,
    name,
    `the ResourceVersion in the precondition (${versions.given}) does not match the ResourceVersion ` +
      `in record (${versions.stored}). The object might have been modified`,
  );

export interface ApplyConflict {
  readonly manager: string;
  /** `.metadata.labels.x` */
  readonly field: string;
}

/** 409, server-side apply touches fields that other managers own. */
export function applyConflicts(conflicts: readonly ApplyConflict[]): ApiError {
  const causes = conflicts.map(({ manager, field }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${goQuote(manager)}`,
    field,
  }));
  return apiError(409, "Conflict", `Apply failed with ${applyConflictText(conflicts)}`, { causes });
}

function applyConflictText(conflicts: readonly ApplyConflict[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1 && first !== undefined) {
    return `1 conflict: conflict with ${goQuote(first.manager)}: ${first.field}`;
  }
  const byManager = new Map<string, string[]>();
  for (const { manager, field } of conflicts) {
    const fields = byManager.get(manager) ?? [];
    fields.push(`- ${field}`);
    byManager.set(manager, fields);
  }
  const parts = [...byManager].map(
    ([manager, fields]) => `conflicts with ${goQuote(manager)}:\n${fields.join("\n")}`,
  );
  return `${conflicts.length} conflicts: ${parts.join("\n")}`;
}

/** 400. */
export const badRequest = (message: string): ApiError => apiError(400, "BadRequest", message);

/** 400, the body is no object of this kind: `version` without the group, `why` the decoder's text. */
export const cannotHandle = (
  given: { readonly kind: string; readonly version: string },
  wanted: string,
  why: string,
): ApiError =>
  badRequest(
    `${given.kind} in version ${goQuote(given.version)} cannot be handled as a ${wanted}: ${why}`,
  );

/** 401. */
export const unauthorized = (): ApiError => apiError(401, "Unauthorized", "Unauthorized");

/** 403. `name` may be empty (collections, create). */
export function forbiddenRequest(
  plural: string,
  group: string,
  name: string,
  why: string,
): ApiError {
  const type = resource(group, plural);
  let message = `forbidden: ${why}`;
  if (plural !== "") {
    const object = name === "" ? "" : ` ${goQuote(name)}`;
    message = `${qualifiedName(type)}${object} is forbidden: ${why}`;
  }
  return apiError(403, "Forbidden", message, errorDetails(type, name));
}

/** 403 with the cause NamespaceTerminating: nothing new in a namespace that is going. */
export function namespaceTerminating(
  plural: string,
  group: string,
  name: string,
  namespace: string,
): ApiError {
  const type = resource(group, plural);
  const causes = [
    {
      reason: "NamespaceTerminating",
      message: `namespace ${namespace} is being terminated`,
      field: "metadata.namespace",
    },
  ];
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = forbiddenRequest(plural, group, name, why);
  return new ApiError({ ...status, details: errorDetails(type, name, causes) });
}

/** 405. */
export const methodNotAllowed = (): ApiError =>
  apiError(
    405,
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
    {},
  );

const list = (mediaTypes: readonly string[]): string => mediaTypes.join(", ");

/** 406. `available`: the media types there are. */
export const notAcceptable = (available: readonly string[]): ApiError =>
  apiError(
    406,
    "NotAcceptable",
    `406: Not Acceptable\n\nAvailable representations: ${list(available)}`,
    {},
  );

/** 415 for the body of a create or update. */
export const unsupportedMediaType = (accepted: readonly string[]): ApiError =>
  apiError(
    415,
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - " +
      `accepted media types include: ${list(accepted)}`,
  );

/** 415 for a PATCH. */
export const unsupportedPatchType = (): ApiError =>
  apiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});

/** 413. */
export const tooLarge = (limitBytes: number): ApiError =>
  apiError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limitBytes}`);

/** 413, a JSON patch of too many operations. */
export const tooManyPatchOperations = (given: number, allowed: number): ApiError =>
  apiError(
    413,
    "RequestEntityTooLarge",
    "Request entity too large: The allowed maximum operations in a JSON patch is " +
      `${allowed}, got ${given}`,
  );

/** 429. */
export const tooManyRequests = (message: string, retryAfterSeconds: number): ApiError =>
  apiError(429, "TooManyRequests", message, { retryAfterSeconds });

/** 410: a resourceVersion or continue token older than what is kept. */
export const expired = (message: string): ApiError => apiError(410, "Expired", message);

/** 410: a resource that is no more. */
export const gone = (message: string): ApiError => apiError(410, "Gone", message);

/** 504. */
export const timedOut = (message: string, retryAfterSeconds: number): ApiError =>
  apiError(504, "Timeout", `Timeout: ${message}`, withRetry({}, retryAfterSeconds));

/** 504: a resourceVersion that is not there yet. */
export function tooLargeResourceVersion(wanted: string, current: string): ApiError {
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  const message = `Timeout: Too large resource version: ${wanted}, current: ${current}`;
  return apiError(504, "Timeout", message, withRetry({ causes }, 1));
}

/** 500, what was asked could not be done in time; may be retried. */
export function serverTimeout(
  plural: string,
  group: string,
  operation: string,
  retryAfterSeconds: number,
): ApiError {
  const type = resource(group, plural);
  const message =
    `The ${operation} operation against ${qualifiedName(type)} ` +
    "could not be completed at this time, please try again.";
  return apiError(
    500,
    "ServerTimeout",
    message,
    withRetry(errorDetails(type, ""), retryAfterSeconds),
  );
}

/** 500, our own mistake. */
export const internal = (message: string): ApiError =>
  apiError(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });

/** 503. */
export const serviceUnavailable = (message: string): ApiError =>
  apiError(503, "ServiceUnavailable", message);

const withRetry = (details: StatusDetails, retryAfterSeconds: number): StatusDetails =>
  retryAfterSeconds > 0 ? { ...details, retryAfterSeconds } : details;

export { ApiError, errorStatus };
export type { ErrorStatus, GroupName } from "./api-error.ts";

// The error that a request ends with: an HTTP code and Kubernetes' Status body (1.1, 1.2).
import type { Status, StatusCause, StatusDetails } from "../schema/meta.ts";

export interface ErrorStatus extends Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly status: "Failure";
  readonly message: string;
  readonly code: number;
}

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: ErrorStatus;

  constructor(status: ErrorStatus) {
    super(status.message);
    this.status = status;
  }

  /** HTTP status code. */
  get code(): number {
    return this.status.code;
  }

  /** `NotFound`, `Conflict`...; empty where Kubernetes gives none. */
  get reason(): string {
    return this.status.reason ?? "";
  }
}

/** Body in Kubernetes' order of keys. */
export function errorStatus(
  code: number,
  reason: string,
  message: string,
  details?: StatusDetails,
): ErrorStatus {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    ...(reason === "" ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  };
}

export const apiError = (
  code: number,
  reason: string,
  message: string,
  details?: StatusDetails,
): ApiError => new ApiError(errorStatus(code, reason, message, details));

/** A resource or kind and its group; the group is empty for the core group. */
export interface GroupName {
  readonly group: string;
  readonly name: string;
}

/** `jobs.batch`, `pods`. */
export const qualifiedName = ({ group, name }: GroupName): string =>
  group === "" ? name : `${name}.${group}`;

/** Details in Kubernetes' order of keys, empty ones dropped. */
export function errorDetails(
  kind: GroupName,
  objectName: string,
  causes?: readonly StatusCause[],
): StatusDetails {
  return {
    ...(objectName === "" ? {} : { name: objectName }),
    ...(kind.group === "" ? {} : { group: kind.group }),
    ...(kind.name === "" ? {} : { kind: kind.name }),
    ...(causes === undefined || causes.length === 0 ? {} : { causes: [...causes] }),
  };
}

// From an operation's result or error to an HTTP answer, checked against the model before it is
// sent.
import { check } from "../model/check.ts";
import { readOperation } from "../model/schema.ts";
import type { Service } from "../model/services.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { AwsError } from "./aws-error.ts";

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Errors that any operation may answer with, and that no operation's model lists. */
const commonErrors: ReadonlySet<string> = new Set([
  "AccessDeniedException",
  "ExpiredTokenException",
  "IncompleteSignatureException",
  "InternalFailure",
  "InvalidParameterValue",
  "InvalidSignatureException",
  "MissingAuthenticationTokenException",
  "MissingParameter",
  "RequestEntityTooLarge",
  "RequestLimitExceeded",
  "SerializationException",
  "ServiceUnavailable",
  "ThrottlingException",
  "TooManyRequestsException",
  "UnknownOperationException",
  "UnrecognizedClientException",
]);

/**
 * Codes that SQS had in its older protocol and repeats in a header; the client takes them for
 * names.
 */
const queryCodes: Readonly<Record<string, string>> = {
  QueueDoesNotExist: "AWS.SimpleQueueService.NonExistentQueue",
  BatchEntryIdsNotDistinct: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
  EmptyBatchRequest: "AWS.SimpleQueueService.EmptyBatchRequest",
  InvalidBatchEntryId: "AWS.SimpleQueueService.InvalidBatchEntryId",
  MessageNotInflight: "AWS.SimpleQueueService.MessageNotInflight",
  PurgeQueueInProgress: "AWS.SimpleQueueService.PurgeQueueInProgress",
  TooManyEntriesInBatchRequest: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
};

/** Dates become epoch seconds with milliseconds as fraction; undefined members are left out. */
const toWire = (value: unknown): unknown => {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, toWire(member)]));
};

export const encodeResult = (
  service: Service,
  operation: string,
  result: unknown,
  snapshot: Snapshot,
  requestId: string,
): Reply => {
  const wire = toWire(result ?? {});
  const { output } = readOperation(service.exports, operation);
  const problems = check(wire, output, snapshot[service.name], "wire");
  if (problems.length > 0) {
    const text = problems.map(({ message }) => message).join("; ");
    throw new Error(`the fake's own answer to ${operation} is not as the model says: ${text}`);
  }
  const headers = { "content-type": service.contentType, "x-amzn-requestid": requestId };
  return { status: 200, headers, body: JSON.stringify(wire) };
};

export const encodeError = (
  service: Service | undefined,
  operation: string,
  error: AwsError,
  snapshot: Snapshot,
  requestId: string,
): Reply => {
  const modelled = service === undefined ? [] : (snapshot[service.name].errors[operation] ?? []);
  if (!commonErrors.has(error.code) && !modelled.includes(error.code)) {
    throw new Error(`${operation} has no error ${error.code} (${error.message})`);
  }
  const type = service?.name === "sqs" ? `com.amazonaws.sqs#${error.code}` : error.code;
  const fault = error.status >= 500 ? "Receiver" : "Sender";
  const query = queryCodes[error.code] ?? error.code;
  return {
    status: error.status,
    headers: {
      "content-type": service?.contentType ?? "application/x-amz-json-1.1",
      "x-amzn-requestid": requestId,
      ...(service?.name === "sqs" ? { "x-amzn-query-error": `${query};${fault}` } : {}),
    },
    body: JSON.stringify({ __type: type, message: error.message, ...error.members }),
  };
};

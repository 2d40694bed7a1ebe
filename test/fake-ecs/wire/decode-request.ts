// From an HTTP request to a call of an operation, or to the error that the services give for its
// form.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { check, type Problem } from "../model/check.ts";
import { readOperation } from "../model/schema.ts";
import { type Service, serviceNames, services } from "../model/services.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { AwsError } from "./aws-error.ts";

export interface Call {
  readonly service: Service;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What requests must be signed for. */
export interface Identity {
  readonly region: string;
  readonly accessKeyId: string;
}

/** The services take at most this much; a task definition is far smaller. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

export const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) throw new AwsError("RequestEntityTooLarge", "", { status: 413 });
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
};

const one = (headers: IncomingHttpHeaders, name: string): string => {
  const value = headers[name];
  return Array.isArray(value) ? (value[0] ?? "") : (value ?? "");
};

const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=[^,]+, ?Signature=[0-9a-f]{64}$/;

/** The scope of the signature is checked, the signature itself is not: the fake guards nothing. */
const checkSignature = (headers: IncomingHttpHeaders, service: Service, identity: Identity) => {
  const authorization = one(headers, "authorization");
  if (authorization === "") {
    throw new AwsError("MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  const [, key, , region, name] = SIGNATURE.exec(authorization) ?? [];
  if (key === undefined) {
    throw new AwsError("IncompleteSignatureException", "Authorization header is malformed.");
  }
  if (key !== identity.accessKeyId) {
    const message = "The security token included in the request is invalid.";
    throw new AwsError("UnrecognizedClientException", message);
  }
  if (region !== identity.region) {
    const message = `Credential should be scoped to a valid region, not '${region}'.`;
    throw new AwsError("InvalidSignatureException", message);
  }
  if (name !== service.signingName) {
    const message = `Credential should be scoped to correct service: '${service.signingName}'.`;
    throw new AwsError("InvalidSignatureException", message);
  }
};

/** The service of `x-amz-target` and its operation; undefined when there is no such service. */
export const targetOf = (
  headers: IncomingHttpHeaders,
): { service: Service; operation: string } | undefined => {
  const [prefix = "", operation = ""] = one(headers, "x-amz-target").split(".");
  const name = serviceNames.find((known) => services[known].target === prefix);
  return name === undefined ? undefined : { service: services[name], operation };
};

const parse = (body: string): Readonly<Record<string, unknown>> => {
  let value: unknown;
  try {
    value = JSON.parse(body === "" ? "{}" : body);
  } catch {
    throw new AwsError("SerializationException", "The request body is no JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new AwsError("SerializationException", "Start of structure expected.");
  }
  return value as Readonly<Record<string, unknown>>;
};

/**
 * How a departure from the model is refused. Real services ignore unknown members; this one does
 * not.
 */
const refusal = (service: Service, problems: readonly Problem[]): AwsError => {
  const message = problems.map((problem) => problem.message).join("; ");
  const [first] = problems;
  if (first?.kind === "unknown" || first?.kind === "type") {
    return new AwsError("SerializationException", message);
  }
  if (service.name !== "sqs") return new AwsError("InvalidParameterException", message);
  if (first?.kind === "missing") {
    const text = `The request must contain the parameter ${first.path}.`;
    return new AwsError("MissingParameter", text);
  }
  return new AwsError("InvalidParameterValue", message);
};

export const decodeCall = (
  headers: IncomingHttpHeaders,
  body: string,
  identity: Identity,
  snapshot: Snapshot,
  violation: (operation: string, problems: readonly string[]) => void,
): Call => {
  const target = targetOf(headers);
  if (target === undefined || !target.service.operations.includes(target.operation)) {
    const message = `This server does not serve ${one(headers, "x-amz-target") || "requests without x-amz-target"}.`;
    throw new AwsError("UnknownOperationException", message);
  }
  const { service, operation } = target;
  const contentType = one(headers, "content-type");
  if (contentType !== service.contentType) {
    const message = `${service.name} speaks ${service.contentType}, not "${contentType}".`;
    throw new AwsError("UnknownOperationException", message, { status: 404 });
  }
  checkSignature(headers, service, identity);
  const input = parse(body);
  const schema = readOperation(service.exports, operation).input;
  const problems = check(input, schema, snapshot[service.name], "wire");
  if (problems.length > 0) {
    violation(
      operation,
      problems.map(({ message }) => message),
    );
    throw refusal(service, problems);
  }
  return { service, operation, input };
};

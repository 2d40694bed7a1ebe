// Request bodies: JSON, YAML and protobuf into parsed values and objects of the kind asked for.
import {
  badRequest,
  DecodeError,
  decodeMessage,
  decodeObject,
  goQuote,
  JsonSyntaxError,
  parseJson,
  parseJsonStrict,
  unsupportedMediaType,
} from "@gantry/core";
import type { FastifyRequest } from "fastify";
import { parseDocument, type Tags } from "yaml";
import type { z } from "zod";
import { decodeProtobuf } from "../protobuf/decode-protobuf.ts";
import type { ApiObject } from "../registry/strategy.ts";
import { mediaTypes } from "./negotiate.ts";
import type { FieldValidation } from "./query.ts";

/** What Kubernetes accepts. */
export const BODY_MAX_BYTES = 3 * 1024 * 1024;

const PROTOBUF = "application/vnd.kubernetes.protobuf";

/** No API type nests nearly as deep. */
const DEPTH_MAX = 200;

/** References to anchors that one document may expand to. */
const YAML_ALIASES_MAX = 100;

/** Body text quoted in an error at most. */
const QUOTED_MAX = 200;

export interface Parsed {
  readonly value: unknown;
  /** Keys that stand twice in one object. */
  readonly duplicates: readonly string[];
}

export const mediaTypeOf = (request: FastifyRequest): string => {
  const header = request.headers["content-type"] ?? "";
  return (header.split(";")[0] ?? "").trim().toLowerCase();
};

export const bodyOf = (request: FastifyRequest): Buffer =>
  Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);

/** Refuses what would overflow the stack of recursive code, and keys that would set a prototype. */
const assertSafe = (value: unknown, depth = 0): void => {
  if (typeof value !== "object" || value === null) return;
  if (depth > DEPTH_MAX) throw badRequest("the body is nested too deeply");
  if (Array.isArray(value)) {
    for (const item of value) assertSafe(item, depth + 1);
    return;
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") throw badRequest('the key "__proto__" is not supported');
    assertSafe((value as Record<string, unknown>)[key], depth + 1);
  }
};

export const parseJsonBody = (text: string, findDuplicates: boolean): Parsed => {
  const parsed = findDuplicates
    ? parseJsonStrict(text)
    : { value: parseJson(text), duplicates: [] };
  assertSafe(parsed.value);
  return parsed;
};

/** YAML 1.1 as Go reads it: no sexagesimal numbers, no dates, no sets. */
const unused = /timestamp|INT.*TIME|FLOAT.*TIME|binary|omap|pairs|set/i;
const goTags = (tags: Tags): Tags =>
  tags.filter(
    (tag) =>
      typeof tag === "string" ||
      !(unused.test(tag.tag) || ("format" in tag && tag.format === "TIME")),
  );

class YamlSyntaxError extends Error {}

export const parseYamlBody = (text: string): Parsed => {
  try {
    const document = parseDocument(text, {
      version: "1.1",
      customTags: goTags,
      prettyErrors: false,
    });
    const duplicates: string[] = [];
    for (const error of document.errors) {
      if (error.code !== "DUPLICATE_KEY") throw new YamlSyntaxError(error.message);
      duplicates.push(`line ${lineAt(text, error.pos[0])}: key already set in map`);
    }
    const value: unknown = document.toJS({ maxAliasCount: YAML_ALIASES_MAX });
    assertSafe(value);
    return { value, duplicates };
  } catch (error) {
    if (error instanceof YamlSyntaxError || error instanceof ReferenceError) throw error;
    if (error instanceof RangeError) throw new YamlSyntaxError("the document is nested too deeply");
    throw error;
  }
};

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;

interface Target {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: z.ZodObject;
}

export interface Decoded {
  readonly object: ApiObject;
  readonly warnings: readonly string[];
}

const unrecognized = (kind: string, why: string, text: string): Error => {
  const shown = text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}...` : text;
  return badRequest(
    `the object provided is unrecognized (must be of type ${kind}): ` +
      `couldn't get version/kind; ${why} (${shown})`,
  );
};

const parseText = (type: string, text: string, kind: string, strict: boolean): Parsed => {
  try {
    return type === "application/yaml" ? parseYamlBody(text) : parseJsonBody(text, strict);
  } catch (error) {
    if (error instanceof JsonSyntaxError) {
      throw unrecognized(kind, `json parse error: ${error.message}`, text);
    }
    if (error instanceof YamlSyntaxError || error instanceof ReferenceError) {
      throw badRequest(`error converting YAML to JSON: yaml: ${error.message}`);
    }
    throw error;
  }
};

/** The object of a create or update request. Throws 400 and 415. */
export const readObject = (
  request: FastifyRequest,
  target: Target,
  validation: FieldValidation,
): Decoded => {
  const type = mediaTypeOf(request) || "application/json";
  const body = bodyOf(request);
  if (type === PROTOBUF) {
    const value = decodeProtobuf(body, (_apiVersion, kind) =>
      kind === target.kind ? target.schema : undefined,
    );
    return { object: decodeObject(target, value, "Ignore").object as ApiObject, warnings: [] };
  }
  if (type !== "application/json" && type !== "application/yaml") {
    throw unsupportedMediaType(mediaTypes);
  }
  const text = body.toString("utf8");
  const parsed = parseText(type, text, target.kind, validation !== "Ignore");
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw unrecognized(target.kind, "the body is not an object", text);
  }
  const decoded = decodeObject(target, value, validation, parsed.duplicates);
  return { object: decoded.object as ApiObject, warnings: decoded.warnings };
};

/** An optional body of options (DeleteOptions), of whichever version; `undefined` without one. */
export const readOptions = <S extends z.ZodObject>(
  request: FastifyRequest,
  schema: S,
  kind: string,
): z.infer<S> | undefined => {
  const body = bodyOf(request);
  if (body.length === 0) return undefined;
  const type = mediaTypeOf(request) || "application/json";
  if (type === PROTOBUF) return decodeProtobuf(body, () => schema) as z.infer<S>;
  if (type !== "application/json" && type !== "application/yaml") {
    throw unsupportedMediaType(mediaTypes);
  }
  const { value } = parseText(type, body.toString("utf8"), kind, false);
  try {
    return decodeMessage(schema, value).value;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw badRequest(`${goQuote(kind)} cannot be decoded: ${error.message}`);
  }
};

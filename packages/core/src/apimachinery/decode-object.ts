// From a request body to an object of the kind asked for: type check, decoding, field validation.
import { blank } from "./blank.ts";
import type { z } from "zod";
import { DecodeError, decodeMessage } from "./decode.ts";
import { ApiError, badRequest, cannotHandle } from "./errors.ts";
import { goQuote } from "./go-text.ts";

/** Query parameter `fieldValidation`: what becomes of unknown and duplicate fields. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface DecodeTarget<S extends z.ZodObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: S;
}

export interface DecodedObject<T> {
  readonly object: T;
  /** Texts for `Warning` headers. */
  readonly warnings: readonly string[];
}

/** The `fieldValidation` parameter; absent is Warn. Throws ApiError 400 for another word. */
export function fieldValidation(parameter: string | undefined): FieldValidation {
  switch (parameter) {
    case undefined:
    case "":
    case "Warn":
      return "Warn";
    case "Strict":
    case "Ignore":
      return parameter;
    default:
      throw badRequest(
        `fieldValidation: Unsupported value: ${goQuote(parameter)}: ` +
          'supported values: "Ignore", "Strict", "Warn"',
      );
  }
}

function strictTexts(unknown: readonly string[], duplicates: readonly string[]): string[] {
  return [
    ...duplicates.map((path) => `duplicate field ${goQuote(path)}`),
    ...unknown.map((path) => `unknown field ${goQuote(path)}`),
  ];
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function givenType(body: unknown, target: DecodeTarget<z.ZodObject>) {
  const { apiVersion, kind } = (body ?? {}) as { apiVersion?: unknown; kind?: unknown };
  const groupVersion = target.group === "" ? target.version : `${target.group}/${target.version}`;
  return {
    apiVersion: text(apiVersion) || groupVersion,
    kind: text(kind) || target.kind,
    groupVersion,
  };
}

/**
 * Decodes a parsed body; an absent kind or apiVersion is the target's. `duplicates` are the paths of
 * keys that stood twice in the text. Throws ApiError 400.
 */
export function decodeObject<S extends z.ZodObject>(
  target: DecodeTarget<S>,
  body: unknown,
  mode: FieldValidation,
  duplicates: readonly string[] = [],
): DecodedObject<z.infer<S>> {
  const given = givenType(body, target);
  const version = given.apiVersion.slice(given.apiVersion.indexOf("/") + 1);
  const refuse = (why: string): ApiError =>
    cannotHandle({ kind: given.kind, version }, target.kind, why);
  if (given.kind !== target.kind) {
    const group = target.group === "" ? "core" : (target.group.split(".")[0] ?? "");
    throw refuse(
      `converting (${version}.${given.kind}) to (${group}.${target.kind}): unknown conversion`,
    );
  }
  if (given.apiVersion !== given.groupVersion) {
    throw badRequest(
      `the API version in the data (${given.apiVersion}) does not match ` +
        `the expected API version (${given.groupVersion})`,
    );
  }
  try {
    const { value, unknownFields } = decodeMessage(target.schema, body);
    const strict = mode === "Ignore" ? [] : strictTexts(unknownFields, duplicates);
    if (mode === "Strict" && strict.length > 0) {
      throw refuse(`strict decoding error: ${strict.join(", ")}`);
    }
    const object = { ...blank, ...value, apiVersion: given.groupVersion, kind: target.kind };
    return { object: object as z.infer<S>, warnings: strict };
  } catch (error) {
    if (error instanceof DecodeError) throw refuse(error.message);
    throw error;
  }
}

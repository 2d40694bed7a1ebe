// One failed validation of one field, and how Kubernetes renders it (E1, E2, E4, E5).
import { goJson, goQuote } from "./go-text.ts";
import type { FieldPath } from "./field-path.ts";

/** Reason of a cause in a 422 Status. */
export type FieldErrorType =
  | "FieldValueRequired"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueDuplicate"
  | "FieldValueNotFound"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "InternalError";

export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  /** Shown in the text, already rendered (E5); absent where the type or the caller omits it. */
  readonly value?: string;
  readonly detail: string;
}

export type FieldErrors = FieldError[];

const typeText: Readonly<Record<FieldErrorType, string>> = {
  FieldValueRequired: "Required value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueNotFound: "Not found",
  FieldValueForbidden: "Forbidden",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
  InternalError: "Internal error",
};

type Path = FieldPath | string;

/** E5: numbers and booleans bare, strings Go-quoted, everything else compact JSON. */
export function renderValue(value: unknown): string {
  if (typeof value === "string") return goQuote(value);
  return goJson(value);
}

export const required = (path: Path, detail = ""): FieldError => ({
  type: "FieldValueRequired",
  field: path.toString(),
  detail,
});

export const invalid = (path: Path, value: unknown, detail: string): FieldError => ({
  type: "FieldValueInvalid",
  field: path.toString(),
  value: renderValue(value),
  detail,
});

/** Invalid without showing a value. */
export const invalidNoValue = (path: Path, detail: string): FieldError => ({
  type: "FieldValueInvalid",
  field: path.toString(),
  detail,
});

/** `supported` is printed in the order given. */
export const notSupported = (
  path: Path,
  value: unknown,
  supported: readonly string[],
): FieldError => ({
  type: "FieldValueNotSupported",
  field: path.toString(),
  value: renderValue(value),
  detail: supported.length === 0 ? "" : `supported values: ${supported.map(goQuote).join(", ")}`,
});

export const duplicate = (path: Path, value: unknown): FieldError => ({
  type: "FieldValueDuplicate",
  field: path.toString(),
  value: renderValue(value),
  detail: "",
});

export const notFoundValue = (path: Path, value: unknown): FieldError => ({
  type: "FieldValueNotFound",
  field: path.toString(),
  value: renderValue(value),
  detail: "",
});

export const forbidden = (path: Path, detail: string): FieldError => ({
  type: "FieldValueForbidden",
  field: path.toString(),
  detail,
});

/** `_value` is never shown: what is too long would make the message too long. */
export const tooLong = (path: Path, _value: unknown, max: number): FieldError => ({
  type: "FieldValueTooLong",
  field: path.toString(),
  detail: `may not be more than ${max} ${max === 1 ? "byte" : "bytes"}`,
});

export const tooMany = (path: Path, actual: number, max: number): FieldError => ({
  type: "FieldValueTooMany",
  field: path.toString(),
  value: String(actual),
  detail: `must have at most ${max} ${max === 1 ? "item" : "items"}`,
});

/** E7: a negative number where none may be. */
export const negativeDetail = "must be greater than or equal to 0";
/** E7 */
export const immutableDetail = "field is immutable";
/** E7 */
export const betweenDetail = (low: number, high: number): string =>
  `must be between ${low} and ${high}, inclusive`;

/** E4: `<type text>[: <value>][: <detail>]`. */
export function fieldErrorBody(error: FieldError): string {
  let body = typeText[error.type];
  if (error.value !== undefined) body += `: ${error.value}`;
  if (error.detail !== "") body += `: ${error.detail}`;
  return body;
}

/** E2: all errors as one text; identical ones appear once. */
export function aggregateText(errors: readonly FieldError[]): string {
  const texts = new Set(errors.map((error) => `${error.field}: ${fieldErrorBody(error)}`));
  const [first] = texts;
  return texts.size <= 1 ? (first ?? "") : `[${[...texts].join(", ")}]`;
}

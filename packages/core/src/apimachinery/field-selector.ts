// Field selectors of the query string (`metadata.name=x,status.phase!=Running`).
import { badRequest } from "./errors.ts";
import { goQuote } from "./go-text.ts";

export interface FieldTerm {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** All terms hold; an empty list matches everything. */
export type FieldSelector = readonly FieldTerm[];

/** Cuts at commas that no backslash escapes. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === "\\") i += 1;
    else if (text[i] === ",") {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

const termOperators = ["!=", "==", "="] as const;

function splitTerm(term: string): { field: string; operator: "=" | "!="; value: string } {
  for (let i = 0; i < term.length; i += 1) {
    const operator = termOperators.find((candidate) => term.startsWith(candidate, i));
    if (operator === undefined) continue;
    return {
      field: term.slice(0, i),
      operator: operator === "!=" ? "!=" : "=",
      value: term.slice(i + operator.length),
    };
  }
  throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
}

function unescapeValue(text: string): string {
  let value = "";
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i] ?? "";
    if (char === "=" || char === ",") {
      throw badRequest(`invalid field selector: unescaped character in value: ${char}`);
    }
    if (char !== "\\") {
      value += char;
      continue;
    }
    i += 1;
    const escaped = text[i] ?? "";
    if (escaped === "" || !"\\,=".includes(escaped)) {
      const sequence = `\\${escaped}`;
      throw badRequest(`invalid field selector: invalid escape sequence: ${sequence}`);
    }
    value += escaped;
  }
  return value;
}

/** Makes a value safe to stand in a field selector. */
export const escapeFieldValue = (value: string): string => value.replace(/[\\,=]/g, "\\$&");

/** Throws ApiError 400 for a text that is no selector or names a field that the kind has not. */
export function parseFieldSelector(
  text: string,
  kind: string,
  supported: readonly string[],
): FieldSelector {
  const terms: FieldTerm[] = [];
  for (const term of splitTerms(text)) {
    if (term === "") continue;
    const { field, operator, value } = splitTerm(term);
    if (!supported.includes(field)) {
      throw badRequest(`field label ${goQuote(field)} not supported for ${kind}`);
    }
    terms.push({ field, operator, value: unescapeValue(value) });
  }
  return terms;
}

/** `valueOf` gives a field's text; a field that is not set is the empty text. */
export const matchesFields = (
  selector: FieldSelector,
  valueOf: (field: string) => string,
): boolean =>
  selector.every(({ field, operator, value }) => (valueOf(field) === value) === (operator === "="));

/** The value that every match has in `field`, where the selector says so: lets a list be one read. */
export function requiredFieldValue(selector: FieldSelector, field: string): string | undefined {
  return selector.find((term) => term.field === field && term.operator === "=")?.value;
}

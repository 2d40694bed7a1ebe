// Decodes scalars of the API as Kubernetes' JSON decoder does, with its error texts.
import { goQuote } from "./go-text.ts";
import { canonicalQuantity, canonicalResource, QuantityError } from "./quantity.ts";
import { parseRfc3339, rfc3339 } from "./time.ts";

/** A JSON value that is not of the field's type; the message is the decoder's whole text. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** Says `cannot unmarshal <given> into <field> of type <type>` for the place the decoder is at. */
export type Mismatch = (given: string, type: string) => DecodeError;

export type ScalarDecoder = (value: unknown, mismatch: Mismatch) => unknown;

/** Go's word for a JSON value. */
export function jsonWord(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "string" || typeof value === "number") return typeof value;
  return typeof value === "boolean" ? "bool" : "object";
}

const bareMismatch = (given: string, type: string): DecodeError =>
  new DecodeError(`json: cannot unmarshal ${given} into Go value of type ${type}`);

export const decodeString: ScalarDecoder = (value, mismatch) => {
  if (typeof value === "string") return value;
  throw mismatch(jsonWord(value), "string");
};

export const decodeBoolean: ScalarDecoder = (value, mismatch) => {
  if (typeof value === "boolean") return value;
  throw mismatch(jsonWord(value), "bool");
};

function integerDecoder(type: string, min: number, max: number): ScalarDecoder {
  return (value, mismatch) => {
    if (typeof value !== "number") throw mismatch(jsonWord(value), type);
    if (Number.isInteger(value) && value >= min && value <= max) return value === 0 ? 0 : value;
    throw mismatch(`number ${value}`, type);
  };
}

export const decodeInt32 = integerDecoder("int32", -2_147_483_648, 2_147_483_647);
/** Numbers that JavaScript can't hold exactly are refused rather than changed. */
export const decodeInt64 = integerDecoder(
  "int64",
  Number.MIN_SAFE_INTEGER,
  Number.MAX_SAFE_INTEGER,
);

export const decodeIntOrString: ScalarDecoder = (value) =>
  typeof value === "string" ? value : decodeInt32(value, bareMismatch);

const wholeBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const decodeBytes: ScalarDecoder = (value, mismatch) => {
  if (typeof value !== "string") throw mismatch(jsonWord(value), "[]uint8");
  const text = value.includes("\n") || value.includes("\r") ? value.replace(/[\r\n]/g, "") : value;
  if (wholeBase64.test(text)) return text;
  const wrong = text.search(/[^A-Za-z0-9+/]/);
  throw new DecodeError(`illegal base64 data at input byte ${wrong < 0 ? text.length : wrong}`);
};

const timeLayout = "2006-01-02T15:04:05Z07:00";
const timeParts: readonly (readonly [element: string, shape: RegExp])[] = [
  ["2006", /^\d{4}/],
  ["-", /^-/],
  ["01", /^\d{2}/],
  ["-", /^-/],
  ["02", /^\d{2}/],
  ["T", /^T/],
  ["15", /^\d{2}/],
  [":", /^:/],
  ["04", /^\d{2}/],
  [":", /^:/],
  ["05", /^\d{2}(?:\.\d+)?/],
  ["Z07:00", /^(?:Z|[+-]\d{2}:\d{2})/],
];

/** Where Go's time.Parse gives up on a text. */
function timeError(text: string): DecodeError {
  const start = `parsing time ${goQuote(text)} as ${goQuote(timeLayout)}: `;
  let rest = text;
  for (const [element, shape] of timeParts) {
    const found = shape.exec(rest);
    if (found === null) {
      return new DecodeError(`${start}cannot parse ${goQuote(rest)} as ${goQuote(element)}`);
    }
    rest = rest.slice(found[0].length);
  }
  if (rest !== "") return new DecodeError(`${start}extra text: ${goQuote(rest)}`);
  return new DecodeError(`parsing time ${goQuote(text)}: ${outOfRange(text)} out of range`);
}

function outOfRange(text: string): string {
  const [month = 0, hour = 0, minute = 0] = [5, 11, 14].map((at) => Number(text.slice(at, at + 2)));
  if (month < 1 || month > 12) return "month";
  if (hour > 23) return "hour";
  if (minute > 59) return "minute";
  if (Number(text.slice(17, 19)) > 59) return "second";
  return "day";
}

function timeMs(value: unknown): number {
  const text = decodeString(value, bareMismatch) as string;
  const ms = parseRfc3339(text);
  // Kubernetes' parser takes an upper-case T and Z, and no leap seconds.
  if (Number.isNaN(ms) || text[10] !== "T" || text.endsWith("z") || text.slice(17, 19) === "60") {
    throw timeError(text);
  }
  return ms;
}

/** RFC 3339 in UTC with whole seconds. */
export const decodeTime: ScalarDecoder = (value) => rfc3339(timeMs(value));

/** RFC 3339 in UTC with six digits after the point. */
export const decodeMicroTime: ScalarDecoder = (value) => {
  const ms = timeMs(value);
  const fraction = /\.(\d+)/.exec(value as string)?.[1] ?? "";
  return `${rfc3339(ms).slice(0, -1)}.${fraction.slice(0, 6).padEnd(6, "0")}Z`;
};

function quantityDecoder(canonical: (text: string) => string): ScalarDecoder {
  return (value) => {
    try {
      return canonical(typeof value === "string" ? value.trim() : JSON.stringify(value));
    } catch (error) {
      if (error instanceof QuantityError) throw new DecodeError(error.message);
      throw error;
    }
  };
}

export const decodeQuantity = quantityDecoder(canonicalQuantity);
/** Amounts of resources are rounded up to a thousandth. */
export const decodeResource = quantityDecoder(canonicalResource);

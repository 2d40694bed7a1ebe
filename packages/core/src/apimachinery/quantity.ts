// resource.Quantity: amounts such as `100m`, `1.5Gi`, `1e3`; parsing, canonical text and arithmetic.

export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

export interface Quantity {
  /** Amount in 10^-9: the finest that Kubernetes keeps. */
  readonly nano: bigint;
  /** How it is written. */
  readonly format: QuantityFormat;
}

/** A text that is no quantity; the message is Kubernetes' own. */
export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

const wrongFormat =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const wrongSuffix = "unable to parse quantity's suffix";

const nanoDigits = 9;
const nanoPerOne = 10n ** 9n;
/** Kubernetes caps what does not fit its fast path (18 digits) at the largest int64. */
const maxFastDigits = 18;
const maxAmount = 2n ** 63n - 1n;
/** Exponents beyond this are capped rather than computed: 10^30 is far beyond any resource. */
const maxExponent = 30;
/** Longest text parsed; longer ones can only be hostile. */
const maxTextLength = 256;

const decimalExponents = new Map([
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
]);
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

interface Suffix {
  readonly base: 2 | 10;
  readonly exponent: number;
  readonly format: QuantityFormat;
}

function parseSuffix(text: string): Suffix {
  const decimal = decimalExponents.get(text);
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: "DecimalSI" };
  const binary = binarySuffixes.indexOf(text);
  if (binary > 0) return { base: 2, exponent: binary * 10, format: "BinarySI" };
  const written = /^[eE]([+-]?[0-9]+)$/.exec(text);
  if (written === null) throw new QuantityError(wrongSuffix);
  return { base: 10, exponent: Number(written[1]), format: "DecimalExponent" };
}

/** Integer division away from zero. */
function divideUp(amount: bigint, divisor: bigint): bigint {
  const quotient = amount / divisor;
  if (amount % divisor === 0n) return quotient;
  return amount < 0n ? quotient - 1n : quotient + 1n;
}

function scaled(digits: bigint, fraction: number, suffix: Suffix): bigint {
  if (suffix.base === 2) {
    return divideUp(digits * 2n ** BigInt(suffix.exponent) * nanoPerOne, 10n ** BigInt(fraction));
  }
  const shift = suffix.exponent - fraction + nanoDigits;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  // More than this many digits are cut to the smallest amount anyway.
  return divideUp(digits, 10n ** BigInt(Math.min(-shift, maxTextLength * 2)));
}

/** Throws QuantityError with Kubernetes' text. */
export function parseQuantity(text: string): Quantity {
  const parts =
    text.length > maxTextLength
      ? null
      : /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text);
  if (text === "" || parts === null) throw new QuantityError(wrongFormat);
  const [, sign = "", whole = "", fraction = "", suffixText = ""] = parts;
  const suffix = parseSuffix(suffixText);
  const significant = whole.replace(/^0+/, "");
  const digits = BigInt(significant + fraction === "" ? "0" : significant + fraction);
  let nano: bigint;
  if (digits === 0n) nano = 0n;
  else if (suffix.base === 10 && suffix.exponent > maxExponent) nano = maxAmount * nanoPerOne;
  else {
    nano = scaled(digits, fraction.length, suffix);
    const fast = significant.length + fraction.length <= maxFastDigits;
    if (!fast && nano > maxAmount * nanoPerOne) nano = maxAmount * nanoPerOne;
  }
  return { nano: sign === "-" ? -nano : nano, format: suffix.format };
}

function decimalText(nano: bigint, format: QuantityFormat): string {
  let mantissa = nano;
  let exponent = -nanoDigits;
  while (mantissa % 10n === 0n) {
    mantissa /= 10n;
    exponent += 1;
  }
  while (exponent % 3 !== 0) {
    mantissa *= 10n;
    exponent -= 1;
  }
  if (format === "DecimalExponent")
    return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
  // There is no suffix beyond E (10^18).
  for (; exponent > 18; exponent -= 3) mantissa *= 1000n;
  for (const [suffix, value] of decimalExponents) {
    if (value === exponent) return `${mantissa}${suffix}`;
  }
  return `${mantissa}`;
}

/** Canonical text: no fraction, the largest suffix that loses nothing. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return "0";
  const limit = 1024n * nanoPerOne;
  const binary =
    format === "BinarySI" && (nano <= -limit || nano >= limit) && nano % nanoPerOne === 0n;
  if (!binary) return decimalText(nano, format === "BinarySI" ? "DecimalSI" : format);
  let mantissa = nano / nanoPerOne;
  let power = 0;
  while (mantissa % 1024n === 0n && power < binarySuffixes.length - 1) {
    mantissa /= 1024n;
    power += 1;
  }
  return `${mantissa}${binarySuffixes[power] ?? ""}`;
}

/** One to three digits and a suffix are canonical already: most of what is ever written. */
const surelyCanonical = /^[1-9][0-9]{0,2}(?:[mkMGTPE]|[KMGTPE]i)?$/;

/** Canonical text of a quantity text. Throws QuantityError. */
export function canonicalQuantity(text: string): string {
  return surelyCanonical.test(text) ? text : formatQuantity(parseQuantity(text));
}

/** The same, rounded up to a thousandth, as amounts of resources are. Throws QuantityError. */
export function canonicalResource(text: string): string {
  return surelyCanonical.test(text) ? text : formatQuantity(roundUpToMilli(parseQuantity(text)));
}

export function roundUpToMilli(quantity: Quantity): Quantity {
  const milli = 10n ** 6n;
  return { ...quantity, nano: divideUp(quantity.nano, milli) * milli };
}

/** Negative, zero or positive as `a` is less than, equal to or more than `b`. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  if (a.nano === b.nano) return 0;
  return a.nano < b.nano ? -1 : 1;
}

/** Written in the first one's format, unless that is zero. */
export const addQuantities = (a: Quantity, b: Quantity): Quantity => ({
  nano: a.nano + b.nano,
  format: a.nano === 0n ? b.format : a.format,
});

/** Nearest number, in ones: `1500m` is 1.5. */
export const quantityToNumber = ({ nano }: Quantity): number =>
  Number(nano / nanoPerOne) + Number(nano % nanoPerOne) / 1e9;

/** Whole ones, rounded up, e.g. bytes. */
export const quantityToInteger = ({ nano }: Quantity): bigint => divideUp(nano, nanoPerOne);

/** Whole thousandths, rounded up, e.g. thousandths of a CPU. */
export const quantityToMilli = ({ nano }: Quantity): bigint => divideUp(nano, 10n ** 6n);

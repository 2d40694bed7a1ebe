// DER (X.690), only as far as writing a certificate needs it.

export type Der = Buffer;

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

function element(tag: number, content: Buffer): Der {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  // Long form: the number of length bytes, then the length, without leading zeros.
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, content]);
}

export const sequence = (...items: Der[]): Der => element(TAG.sequence, Buffer.concat(items));
export const set = (...items: Der[]): Der => element(TAG.set, Buffer.concat(items));
export const octets = (content: Buffer): Der => element(TAG.octetString, content);
export const utf8 = (text: string): Der => element(TAG.utf8String, Buffer.from(text, "utf8"));
export const TRUE: Der = element(TAG.boolean, Buffer.from([0xff]));

/** A whole number from its big-endian bytes, never negative. */
export function integer(bytes: Buffer): Der {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  // The first bit is the sign.
  const negative = ((trimmed[0] ?? 0) & 0x80) !== 0;
  return element(TAG.integer, negative ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed);
}

/** `unusedBits`: how many bits at the end do not count. */
export const bits = (content: Buffer, unusedBits = 0): Der =>
  element(TAG.bitString, Buffer.concat([Buffer.from([unusedBits]), content]));

/** `1.2.840.10045.4.3.2`. */
export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes: number[] = [];
  for (const part of [first * 40 + second, ...rest]) {
    const digits = [part & 0x7f];
    for (let high = Math.floor(part / 128); high > 0; high = Math.floor(high / 128)) {
      digits.unshift((high & 0x7f) | 0x80);
    }
    bytes.push(...digits);
  }
  return element(TAG.oid, Buffer.from(bytes));
}

/** RFC 5280: two-digit years until 2049, four digits from 2050. */
export function time(ms: number): Der {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return digits < "2050"
    ? element(TAG.utcTime, Buffer.from(digits.slice(2), "latin1"))
    : element(TAG.generalizedTime, Buffer.from(digits, "latin1"));
}

/** `[n] EXPLICIT`: wraps a whole element. */
export const explicit = (n: number, inner: Der): Der => element(0xa0 | n, inner);

/** `[n] IMPLICIT` of a primitive type: stands in place of its tag. */
export const implicit = (n: number, content: Buffer): Der => element(0x80 | n, content);

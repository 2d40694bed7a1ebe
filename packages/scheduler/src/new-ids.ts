// Fresh uids and name suffixes, from the system's randomness.
import { randomBytes, randomUUID } from "node:crypto";

/** Kubernetes' alphabet for generated names: no vowels, nothing that looks alike (R56). */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;

/** Bytes taken from the system at once: a call for each name costs more than the name. */
const POOL_BYTES = 4_096;
let pool = Buffer.alloc(0);
let used = 0;

const randomByte = (): number => {
  if (used === pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  return pool[used++] ?? 0;
};

const nameSuffix = (): string => {
  let suffix = "";
  while (suffix.length < SUFFIX_LENGTH) {
    const byte = randomByte();
    // 9 * 27 = 243: larger bytes would favour the first letters.
    if (byte < 243) suffix += ALPHABET[byte % 27];
  }
  return suffix;
};

export const newIds = (): { uid: string; suffix: string } => ({
  uid: randomUUID(),
  suffix: nameSuffix(),
});

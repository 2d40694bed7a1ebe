// Fresh uids and name suffixes, from the system's randomness.
import { randomBytes, randomUUID } from "node:crypto";

/** Kubernetes' alphabet for generated names: no vowels, nothing that looks alike (R56). */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;

const nameSuffix = (): string => {
  let suffix = "";
  while (suffix.length < SUFFIX_LENGTH) {
    for (const byte of randomBytes(8)) {
      // 9 * 27 = 243: larger bytes would favour the first letters.
      if (byte < 243 && suffix.length < SUFFIX_LENGTH) suffix += ALPHABET[byte % 27];
    }
  }
  return suffix;
};

export const newIds = (): { uid: string; suffix: string } => ({
  uid: randomUUID(),
  suffix: nameSuffix(),
});

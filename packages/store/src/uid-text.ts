// The short form of uids in stored Pods. A Pod's are packed at each of its changes, so some are remembered.

/** Uids remembered of each direction: of the Pods that are at work and of their Jobs; about 1 MB. */
const REMEMBERED_MAX = 8_192;

/** Remembers results; when it is full it begins anew. */
const remembering = (compute: (text: string) => string): ((text: string) => string) => {
  const known = new Map<string, string>();
  return (text) => {
    let result = known.get(text);
    if (result === undefined) {
      result = compute(text);
      if (known.size >= REMEMBERED_MAX) known.clear();
      known.set(text, result);
    }
    return result;
  };
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** 36 characters of a UUID as 22 of base64url; anything else stays as it is, after a `=`. */
export const packUid = remembering((uid) =>
  UUID.test(uid) ? Buffer.from(uid.replaceAll("-", ""), "hex").toString("base64url") : `=${uid}`,
);

export const unpackUid = remembering((packed) => {
  if (packed.startsWith("=")) return packed.slice(1);
  const hex = Buffer.from(packed, "base64url").toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
});

// The short form of uids in stored Pods. A Pod's are packed at each of its changes, so some are remembered.

/** Uids remembered of each direction: of the Pods that are at work and of their Jobs; about 1 MB. */
const REMEMBERED_MAX = 8_192;

type Known = Map<string, string>;

const remember = (known: Known, text: string, result: string): void => {
  if (known.size >= REMEMBERED_MAX) known.clear();
  known.set(text, result);
};

const packed: Known = new Map();
const unpacked: Known = new Map();

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const pack = (uid: string): string =>
  UUID.test(uid) ? Buffer.from(uid.replaceAll("-", ""), "hex").toString("base64url") : `=${uid}`;

const unpack = (text: string): string => {
  if (text.startsWith("=")) return text.slice(1);
  const hex = Buffer.from(text, "base64url").toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

/** 36 characters of a UUID as 22 of base64url; anything else stays as it is, after a `=`. */
export const packUid = (uid: string): string => {
  const known = packed.get(uid);
  if (known !== undefined) return known;
  const text = pack(uid);
  remember(packed, uid, text);
  // What one process writes it reads again soon.
  remember(unpacked, text, uid);
  return text;
};

export const unpackUid = (text: string): string => {
  const known = unpacked.get(text);
  if (known !== undefined) return known;
  const uid = unpack(text);
  remember(unpacked, text, uid);
  if (UUID.test(uid)) remember(packed, uid, text);
  return uid;
};

// Secrets at rest: what they hold is encrypted under keys that are not in the store.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import type { StoredObject } from "./objects.ts";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const IV_BYTES = 12;
/** Enough to tell a handful of keys apart. */
const ID_LENGTH = 8;

/** A line of a key file is not a key. The text of the line is not told. */
export class SecretKeyError extends Error {
  override name = "SecretKeyError";
}

/** A Secret that none of the keys opens. */
export class SealedSecretError extends Error {
  override name = "SealedSecretError";
}

interface Key {
  readonly id: string;
  readonly bytes: Buffer;
}

interface Contents {
  readonly data?: unknown;
  /** kubectl repeats the data in one of them. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** What a record is sealed for: its text is of no use in another one. */
const subjectOf = ({ metadata }: StoredObject): Buffer =>
  Buffer.from(`${metadata.namespace ?? ""}/${metadata.name}/${metadata.uid}`, "utf8");

const keyOf = (line: string, number: number): Key => {
  const bytes = Buffer.from(line, "base64");
  if (bytes.length !== KEY_BYTES || !/^[A-Za-z0-9+/]+=?$/.test(line)) {
    throw new SecretKeyError(`line ${number} is not ${KEY_BYTES} bytes in base64`);
  }
  const id = createHash("sha256").update(bytes).digest("base64url").slice(0, ID_LENGTH);
  return { id, bytes };
};

/** A line of a key file that gives a key up: `lost ID`. */
const LOST = /^lost ([\w-]{8})$/;

/** The id of the key that a record is encrypted under; `null` for one in clear text. */
export const sealingKey = ({ sealed }: StoredObject): string | null =>
  typeof sealed === "string" ? sealed.slice(0, sealed.indexOf(".")) : null;

export class SecretBox {
  readonly #keys: readonly [Key, ...Key[]];
  readonly #lost: ReadonlySet<string>;

  private constructor(keys: readonly [Key, ...Key[]], lost: ReadonlySet<string>) {
    this.#keys = keys;
    this.#lost = lost;
  }

  /**
   * From the text of a key file: a key of 32 bytes in base64 a line; empty lines and those that begin
   * with `#` are skipped. The first key encrypts, all decrypt. `lost ID` is a key that nobody has any
   * more. Throws SecretKeyError.
   */
  static parse(text: string): SecretBox {
    const lost = new Set<string>();
    const [first, ...rest] = text.split("\n").flatMap((line, n) => {
      const key = line.trim();
      const given = LOST.exec(key)?.[1];
      if (given !== undefined) lost.add(given);
      return key === "" || key.startsWith("#") || given !== undefined ? [] : [keyOf(key, n + 1)];
    });
    if (first === undefined) throw new SecretKeyError("there is no key");
    return new SecretBox([first, ...rest], lost);
  }

  /** Names the keys without telling them: what encrypted records begin with. */
  get keyIds(): readonly string[] {
    return this.#keys.map(({ id }) => id);
  }

  /** Under a key that is neither here nor given up; its id. `null` of all other records. */
  missingKey(secret: StoredObject): string | null {
    const id = sealingKey(secret);
    return id === null || this.#lost.has(id) || this.#has(id) ? null : id;
  }

  /** Encrypted under one of these keys. */
  isOwn(secret: StoredObject): boolean {
    const id = sealingKey(secret);
    return id !== null && this.#has(id);
  }

  #has(id: string): boolean {
    return this.#keys.some((key) => key.id === id);
  }

  /** A line for a key file. */
  static newKey(): string {
    return randomBytes(KEY_BYTES).toString("base64");
  }

  /** The object with its data and annotations encrypted. */
  seal(secret: StoredObject): StoredObject {
    const { data, metadata, ...rest } = secret;
    const { annotations, ...kept } = metadata;
    const [key] = this.#keys;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, key.bytes, iv).setAAD(subjectOf(secret));
    const contents: Contents = { data, annotations };
    const text = Buffer.concat([cipher.update(JSON.stringify(contents), "utf8"), cipher.final()]);
    const parts = [iv, cipher.getAuthTag(), text].map((part) => part.toString("base64url"));
    return { ...rest, metadata: kept, sealed: [key.id, ...parts].join(".") };
  }

  /** The object as it was sealed; one that never was stays as it is. Throws SealedSecretError. */
  open(secret: StoredObject): StoredObject {
    const { sealed, ...rest } = secret;
    if (sealed === undefined) return secret;
    const [id = "", ...parts] = String(sealed as string).split(".");
    const key = this.#keys.find((one) => one.id === id);
    if (key === undefined) throw new SealedSecretError(`it is encrypted under key ${id}`);
    const { data, annotations } = this.#decrypt(key, secret, parts);
    return {
      ...rest,
      metadata: annotations === undefined ? rest.metadata : { ...rest.metadata, annotations },
      ...(data === undefined ? {} : { data }),
    };
  }

  /** Not encrypted under the first key: the next write of it is due. */
  isStale({ sealed }: StoredObject): boolean {
    return typeof sealed !== "string" || !sealed.startsWith(`${this.#keys[0].id}.`);
  }

  #decrypt(key: Key, secret: StoredObject, parts: readonly string[]): Contents {
    const [iv, tag, text] = parts.map((part) => Buffer.from(part, "base64url"));
    try {
      const decipher = createDecipheriv(CIPHER, key.bytes, iv ?? "").setAAD(subjectOf(secret));
      decipher.setAuthTag(tag ?? Buffer.alloc(0));
      const clear = Buffer.concat([decipher.update(text ?? Buffer.alloc(0)), decipher.final()]);
      return JSON.parse(clear.toString("utf8")) as Contents;
    } catch (error) {
      throw new SealedSecretError(`its record was changed (key ${key.id})`, { cause: error });
    }
  }
}

/** As `SecretBox.open`; without keys only what is not sealed can be read. */
export const openSecret = (box: SecretBox | undefined, secret: StoredObject): StoredObject => {
  if (box !== undefined) return box.open(secret);
  if (secret["sealed"] === undefined) return secret;
  throw new SealedSecretError("it is encrypted, and there is no key here");
};

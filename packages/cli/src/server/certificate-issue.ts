// Makes the authority and the server's certificate: X.509 v3 (RFC 5280), EC P-256, ECDSA with SHA-256.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import * as der from "./der.ts";

export interface CertificateAndKey {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

/** Clocks of machines differ; a certificate that begins now would be refused by one that is behind. */
const CLOCK_SKEW_MS = 3_600_000;

const ECDSA_WITH_SHA256 = der.sequence(der.oid("1.2.840.10045.4.3.2"));
const AUTHORITY_NAME = "gantry-ca";
const SERVER_NAME = "gantry";

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
/** KeyUsage bits, from the most significant: digitalSignature is 0, keyCertSign 5, cRLSign 6. */
const SIGNS_CERTIFICATES = der.bits(Buffer.from([0b0000_0110]), 1);
const SIGNS_HANDSHAKES = der.bits(Buffer.from([0b1000_0000]), 7);

export function makeAuthority(nowMs: number, untilMs: number): CertificateAndKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const cert = issue({
    issuer: AUTHORITY_NAME,
    subject: AUTHORITY_NAME,
    signingKey: privateKey,
    publicKey,
    fromMs: nowMs - CLOCK_SKEW_MS,
    untilMs,
    extensions: [
      // cA, and no further authority below it.
      extension("2.5.29.19", true, der.sequence(der.TRUE, der.integer(Buffer.from([0])))),
      extension("2.5.29.15", true, SIGNS_CERTIFICATES),
      extension("2.5.29.14", false, der.octets(keyId(publicKey))),
    ],
  });
  return { cert, key: pkcs8(privateKey) };
}

/** `names`: host names and IP addresses. */
export function makeServer(
  ca: CertificateAndKey,
  names: readonly string[],
  nowMs: number,
  untilMs: number,
): CertificateAndKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const authorityKey = createPrivateKey(ca.key);
  const cert = issue({
    issuer: AUTHORITY_NAME,
    subject: SERVER_NAME,
    signingKey: authorityKey,
    publicKey,
    fromMs: nowMs - CLOCK_SKEW_MS,
    untilMs,
    extensions: [
      extension("2.5.29.19", true, der.sequence()),
      extension("2.5.29.15", true, SIGNS_HANDSHAKES),
      extension("2.5.29.37", false, der.sequence(der.oid(SERVER_AUTH))),
      extension("2.5.29.17", false, der.sequence(...names.map(generalName))),
      extension("2.5.29.14", false, der.octets(keyId(publicKey))),
      extension(
        "2.5.29.35",
        false,
        der.sequence(der.implicit(0, keyId(createPublicKey(authorityKey)))),
      ),
    ],
  });
  return { cert, key: pkcs8(privateKey) };
}

interface Issue {
  readonly issuer: string;
  readonly subject: string;
  readonly signingKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly extensions: readonly der.Der[];
}

function issue(what: Issue): string {
  const body = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))), // v3
    // 127 bits of randomness; the first byte keeps it positive and its length fixed.
    der.integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    commonName(what.issuer),
    der.sequence(der.time(what.fromMs), der.time(what.untilMs)),
    commonName(what.subject),
    spki(what.publicKey),
    der.explicit(3, der.sequence(...what.extensions)),
  );
  const signature = sign("sha256", body, what.signingKey);
  return pem("CERTIFICATE", der.sequence(body, ECDSA_WITH_SHA256, der.bits(signature)));
}

const commonName = (name: string): der.Der =>
  der.sequence(der.set(der.sequence(der.oid("2.5.4.3"), der.utf8(name))));

const extension = (id: string, critical: boolean, value: der.Der): der.Der =>
  critical
    ? der.sequence(der.oid(id), der.TRUE, der.octets(value))
    : der.sequence(der.oid(id), der.octets(value));

/** GeneralName: `[2]` is a DNS name, `[7]` an address of 4 or 16 bytes. */
const generalName = (name: string): der.Der =>
  isIP(name) === 0
    ? der.implicit(2, Buffer.from(name, "latin1"))
    : der.implicit(7, addressBytes(name));

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  // The URL parser writes any IPv6 address in its shortest form, an IPv4 tail included.
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = short.split("::");
  const groups = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  const bytes = Buffer.alloc(16);
  [...before, ...zeros, ...after].forEach((group, index) => bytes.writeUInt16BE(group, index * 2));
  return bytes;
}

const spki = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });

/** RFC 5280, 4.2.1.2: any unique value of the key will do. */
const keyId = (key: KeyObject): Buffer =>
  createHash("sha256").update(spki(key)).digest().subarray(0, 20);

const pkcs8 = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();

function pem(label: string, content: Buffer): string {
  const lines = content.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

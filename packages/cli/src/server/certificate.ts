// The certificate that Gantry serves with: its own authority, made at first start and kept in the data directory.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { isWildcard } from "../listen.ts";
import { privateDir, writePrivate } from "../private-file.ts";
import { UsageError } from "../usage-error.ts";
import { type CertificateAndKey, makeAuthority, makeServer } from "./certificate-issue.ts";

export interface ServingCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** PEM of the authority, for clients; undefined for a certificate of the user's own. */
  readonly ca: string | undefined;
}

const DAY_MS = 86_400_000;
/** Longest that Apple's systems accept for a server, less a margin. */
const SERVER_LIFETIME_MS = 800 * DAY_MS;
const CA_LIFETIME_MS = 3650 * DAY_MS;
/** Renewed at the first start within this time of the end. */
const RENEW_BEFORE_MS = 60 * DAY_MS;

/** Reads the certificate in `dir`, or makes it: at first, near its end, or when it lacks one of the names. */
export function servingCertificate(dir: string, host: string, nowMs: number): ServingCertificate {
  privateDir(dir);
  const names = namesFor(host);
  const file = (name: string): string => join(dir, name);
  let ca = readPair(file("ca.crt"), file("ca.key"), nowMs, SERVER_LIFETIME_MS + RENEW_BEFORE_MS);
  const server = readPair(file("server.crt"), file("server.key"), nowMs, RENEW_BEFORE_MS);
  if (ca !== undefined && server !== undefined && signedBy(server, ca) && covers(server, names)) {
    return { cert: server.cert, key: server.key, ca: ca.cert };
  }
  if (ca === undefined) {
    ca = makeAuthority(nowMs, nowMs + CA_LIFETIME_MS);
    writePrivate(file("ca.key"), ca.key);
    writePrivate(file("ca.crt"), ca.cert);
  }
  const made = makeServer(ca, names, nowMs, nowMs + SERVER_LIFETIME_MS);
  writePrivate(file("server.key"), made.key);
  writePrivate(file("server.crt"), made.cert);
  return { ...made, ca: ca.cert };
}

/** A certificate of the user's own. Throws UsageError when it can't be used. */
export function givenCertificate(certFile: string, keyFile: string): ServingCertificate {
  try {
    const cert = readFileSync(certFile, "utf8");
    const key = readFileSync(keyFile, "utf8");
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw new Error("the key is not the certificate's");
    }
    return { cert, key, ca: undefined };
  } catch (error) {
    throw new UsageError(
      `can't use --tls-cert ${certFile} with --tls-key ${keyFile}: ${String(error)}`,
    );
  }
}

/** What the server may be called: this machine, and the address it listens on. */
export function namesFor(host: string): string[] {
  const names = ["localhost", "127.0.0.1", "::1"];
  const own = hostname().toLowerCase();
  if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(own)) names.push(own);
  if (isWildcard(host)) {
    for (const addresses of Object.values(networkInterfaces())) {
      // A link-local IPv6 address can't be reached without naming the interface.
      const usable = (addresses ?? []).filter((one) => !one.address.startsWith("fe80:"));
      names.push(...usable.map((one) => one.address));
    }
  } else names.push(host.toLowerCase());
  return [...new Set(names)];
}

/** The files' content if they belong together and stay valid long enough. */
function readPair(
  certFile: string,
  keyFile: string,
  nowMs: number,
  remainingMs: number,
): CertificateAndKey | undefined {
  try {
    const pair = { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
    const certificate = new X509Certificate(pair.cert);
    const fits = certificate.checkPrivateKey(createPrivateKey(pair.key));
    const begun = Date.parse(certificate.validFrom) <= nowMs;
    return fits && begun && Date.parse(certificate.validTo) - nowMs > remainingMs
      ? pair
      : undefined;
  } catch {
    return undefined;
  }
}

function signedBy(server: CertificateAndKey, ca: CertificateAndKey): boolean {
  return new X509Certificate(server.cert).verify(new X509Certificate(ca.cert).publicKey);
}

function covers(server: CertificateAndKey, names: readonly string[]): boolean {
  const certificate = new X509Certificate(server.cert);
  return names.every((name) =>
    isIP(name) === 0
      ? certificate.checkHost(name) !== undefined
      : certificate.checkIP(name) !== undefined,
  );
}

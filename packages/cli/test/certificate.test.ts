// The certificate: strangers' verifiers accept it, and it is renewed when it must be and only then.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  namesFor,
  type ServingCertificate,
  servingCertificate,
} from "../src/server/certificate.ts";

const DAY_MS = 86_400_000;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "gantry-tls-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const make = (host = "127.0.0.1", nowMs = Date.now()): ServingCertificate =>
  servingCertificate(join(dir, "tls"), host, nowMs);

/** A full handshake; resolves with the error of verification, if any. */
async function handshake(served: ServingCertificate, ca: string | undefined, servername: string) {
  const server = tls.createServer({ cert: served.cert, key: served.key }, (socket) => socket.end());
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise<Error | undefined>((resolve) => {
      const socket = tls.connect({
        port,
        host: "127.0.0.1",
        ca,
        ...(isIP(servername) === 0 ? { servername } : {}),
        checkServerIdentity: (_, certificate) => tls.checkServerIdentity(servername, certificate),
      });
      socket.on("secureConnect", () => socket.end());
      socket.on("close", () => resolve(undefined));
      socket.on("error", resolve);
    });
  } finally {
    server.close();
  }
}

describe("the serving certificate", () => {
  test("passes a TLS handshake for each of its names with the authority, and only with it", async () => {
    const served = make();
    for (const name of ["127.0.0.1", "::1", "localhost"]) {
      expect(await handshake(served, served.ca, name), name).toBeUndefined();
    }
    expect(await handshake(served, undefined, "localhost")).toMatchObject({
      code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    });
    expect(await handshake(served, served.ca, "example.com")).toMatchObject({
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  });

  test("passes OpenSSL's strict check of its form", (context) => {
    if (spawnSync("openssl", ["version"]).status !== 0) context.skip("there is no openssl program");
    make();
    const file = (name: string): string => join(dir, "tls", name);
    const args = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", file("ca.crt")];
    const output = execFileSync("openssl", [...args, file("server.crt")], { encoding: "utf8" });
    expect(output).toContain("OK");
  });

  test("is kept from start to start, in files of mode 0600", () => {
    const first = make();
    expect(make()).toEqual(first);
    for (const name of ["ca.crt", "ca.key", "server.crt", "server.key"]) {
      expect(statSync(join(dir, "tls", name)).mode & 0o777, name).toBe(0o600);
    }
  });

  test("is renewed near its end, under the same authority", () => {
    const first = make();
    const later = make("127.0.0.1", Date.now() + 745 * DAY_MS);
    expect(later.cert).not.toBe(first.cert);
    expect(later.ca).toBe(first.ca);
  });

  test("is renewed with its authority when that nears its end", () => {
    const first = make();
    const later = make("127.0.0.1", Date.now() + 2_900 * DAY_MS);
    expect(later.ca).not.toBe(first.ca);
  });

  test("is renewed when it lacks the address that is listened on", async () => {
    const first = make();
    const other = make("10.1.2.3");
    expect(other.cert).not.toBe(first.cert);
    expect(other.ca).toBe(first.ca);
    expect(await handshake(other, other.ca, "10.1.2.3")).toBeUndefined();
    const ipv6 = make("2001:db8::1:2");
    expect(await handshake(ipv6, ipv6.ca, "2001:db8::1:2")).toBeUndefined();
  });

  test("names every address of the machine when it listens on all", async () => {
    const served = make("0.0.0.0");
    for (const name of namesFor("0.0.0.0")) {
      expect(await handshake(served, served.ca, name), name).toBeUndefined();
    }
  });

  test("is made anew when its key is damaged", () => {
    const first = make();
    rmSync(join(dir, "tls", "server.key"));
    const second = make();
    expect(second.cert).not.toBe(first.cert);
    expect(readFileSync(join(dir, "tls", "server.key"), "utf8")).toBe(second.key);
  });
});

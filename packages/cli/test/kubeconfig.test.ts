// The kubeconfig that Gantry writes, as kubectl and the SDK read it.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readKubeconfig } from "@gantry/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writePrivate } from "../src/private-file.ts";
import { kubeconfigText } from "../src/server/kubeconfig.ts";
import { bearerToken } from "../src/server/token.ts";

let dir: string;
let file: string;
const source = {
  url: "https://127.0.0.1:7443",
  token: "t".repeat(43),
  ca: "-----BEGIN CERTIFICATE-----\n",
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "gantry-kubeconfig-"));
  file = join(dir, "kubeconfig");
  writePrivate(file, kubeconfigText(source));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("only its owner can read it", () => {
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("the SDK reads back what was written", () => {
  expect(readKubeconfig(file)).toEqual({ ...source, namespace: "default" });
});

test("kubectl reads it", (context) => {
  if (spawnSync("kubectl", ["version", "--client"]).status !== 0)
    context.skip("there is no kubectl");
  const args = ["--kubeconfig", file, "config", "view", "--raw", "-o", "json"];
  const view = JSON.parse(execFileSync("kubectl", args, { encoding: "utf8" })) as {
    "current-context": string;
    clusters: [{ cluster: Record<string, string> }];
    users: [{ user: { token: string } }];
  };
  expect(view["current-context"]).toBe("gantry");
  const ca = view.clusters[0].cluster["certificate-authority-data"] ?? "";
  expect(Buffer.from(ca, "base64").toString()).toBe(source.ca);
  expect(view.users[0].user.token).toBe(source.token);
});

test("a token is made once, kept with mode 0600, and GANTRY_TOKEN comes before it", () => {
  const path = join(dir, "token");
  const token = bearerToken(path, {});
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(bearerToken(path, {})).toBe(token);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(bearerToken(path, { GANTRY_TOKEN: "given-by-somebody-else" })).toBe(
    "given-by-somebody-else",
  );
  expect(() => bearerToken(path, { GANTRY_TOKEN: "short" })).toThrow("at least 16");
});

// docs/dependencies.md against what is really used, and the licences of all that is installed for production.
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runProgram } from "../support/gantry.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

const allowed = new Set([
  ...["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "0BSD", "BlueOak-1.0.0"],
  ...["Unlicense", "CC0-1.0", "Python-2.0"],
]);

const readJson = async (path: string): Promise<Record<string, Record<string, string>>> =>
  JSON.parse(await readFile(path, "utf8")) as Record<string, Record<string, string>>;

test("every dependency of a package is in docs/dependencies.md with its version", async () => {
  const text = await readFile(join(root, "docs/dependencies.md"), "utf8");
  for (const name of await readdir(join(root, "packages"))) {
    const { dependencies = {} } = await readJson(join(root, "packages", name, "package.json"));
    for (const [dependency, version] of Object.entries(dependencies)) {
      if (dependency.startsWith("@gantry/")) continue;
      expect(text, `${dependency}, used by packages/${name}`).toContain(`\`${dependency}\``);
      expect(text, `version of ${dependency}`).toContain(version);
    }
  }
});

test("all that is installed for production has an allowed licence", async () => {
  const { stdout } = await runProgram("npm", ["query", ":not(.dev):not(.workspace):not(:root)"]);
  const packages = JSON.parse(stdout) as {
    name: string;
    version: string;
    license?: string;
    /** The form of old packages. */
    licenses?: { type: string }[];
    dev: boolean;
  }[];
  expect(packages.length).toBeGreaterThan(50);
  const others = packages
    .filter(({ dev }) => !dev)
    .map(({ name, version, license, licenses }) => {
      const text = license ?? licenses?.map(({ type }) => type).join(" OR ") ?? "none";
      return { name, version, text };
    })
    .filter(({ text }) => {
      const names = text.replaceAll(/[()]/g, "").split(/ (?:OR|AND) /);
      return !names.some((one) => allowed.has(one));
    })
    .map(({ name, version, text }) => `${name}@${version}: ${text}`);
  expect(others).toEqual([]);
});

test("the lock file records no download addresses", async () => {
  const lock = await readFile(join(root, "package-lock.json"), "utf8");
  expect(lock).not.toContain('"resolved": "http');
});

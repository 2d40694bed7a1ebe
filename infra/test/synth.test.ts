// `npm run synth` as a person runs it: without credentials, without a network, with an empty environment.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A namespace without any interface, where this machine lets us have one. */
const noNetwork = ((): string[] => {
  try {
    execFileSync("unshare", ["--net", "true"], { stdio: "ignore" });
    return ["unshare", "--net"];
  } catch {
    return [];
  }
})();

const synth = (home: string, ...words: string[]) => {
  const [program = "", ...rest] = [...noNetwork, "npm", "run", "--silent", "synth", "--", ...words];
  return spawnSync(program, rest, {
    cwd: root,
    env: { PATH: process.env["PATH"], HOME: home, CI: "true" },
    encoding: "utf8",
  });
};

test("npm run synth needs neither credentials nor a network; a wrong file is named", () => {
  const home = mkdtempSync(join(tmpdir(), "gantry-synth-home-"));
  try {
    const output = join(home, "out");
    const good = synth(home, "--output", output);
    expect(good.stderr + good.stdout).not.toMatch(/error|credentials/i);
    expect(good.status).toBe(0);
    expect(existsSync(join(output, "Gantry.template.json"))).toBe(true);
    const bad = synth(home, "--output", output, "-c", "config=/nowhere.json");
    expect(bad.status).not.toBe(0);
    expect(bad.stderr).toContain("/nowhere.json");
  } finally {
    rmSync(home, { recursive: true });
  }
}, 120_000);

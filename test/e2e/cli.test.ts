// `gantry run` and friends, as a new user meets them.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { example, gantryUp, type Installation, runGantry, runProgram } from "../support/gantry.ts";
import { processesWith } from "../support/processes.ts";
import { waitFor } from "../support/wait-for.ts";

const jobYaml = (name: string, command: string, extra = ""): string => `
apiVersion: batch/v1
kind: Job
metadata: {name: ${name}}
spec:
  backoffLimit: 0
${extra}
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: main, image: busybox, command: ${command}}
`;

describe("gantry run, with nothing running", () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "gantry-cli-"));
  });
  afterEach(async () => {
    await waitFor("no process to be left", async () =>
      (await processesWith(dataDir)).size === 0 ? true : undefined,
    );
    await rm(dataDir, { recursive: true, force: true });
  });
  const run = (file: string, input = "") =>
    runGantry(["run", file, "--data-dir", dataDir], {}, input);

  test("prints the digits of pi alone on stdout and exits 0", async () => {
    const { code, stdout, stderr } = await run(example("pi.yaml"));
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(/^3\.14159265358979[0-9]+\n$/);
    expect(stdout.trim()).toHaveLength(2001);
    const again = await run(example("pi.yaml"));
    expect(again).toMatchObject({ code: 0, stdout });
  });

  test("tells reason, Pod and last lines of a Job that fails, and exits 1", async () => {
    const { code, stderr } = await run(
      "-",
      jobYaml("fails", `["sh", "-c", "echo first; echo the last words >&2; exit 3"]`),
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain("BackoffLimitExceeded");
    expect(stderr).toMatch(/fails-[a-z0-9]{5}/);
    expect(stderr).toContain("the last words");
  });

  test("says of a program that this machine lacks just that", async () => {
    const { code, stderr } = await run("-", jobYaml("lacks", `["no-such-program-here"]`));
    expect(code).not.toBe(0);
    expect(stderr).toContain("no-such-program-here");
    expect(stderr).toContain("docker");
  });
});

describe("bad manifests", () => {
  let gantry: Installation;
  beforeAll(async () => {
    gantry = await gantryUp();
  });
  afterAll(() => gantry.stop());

  const apply = async (text: string) => {
    const file = join(gantry.dataDir, "manifest.yaml");
    await writeFile(file, text);
    return gantry.gantry("run", file);
  };

  test.each([
    ["not YAML", "{a: [", "YAML"],
    ["another kind", "apiVersion: v1\nkind: Gadget\nmetadata: {name: x}\n", "Gadget"],
    ["an unknown field", jobYaml("x", `["true"]`, "  complétions: 3"), "complétions"],
    ["a mistyped field", jobYaml("x", `["true"]`, "  parallelism: two"), "spec.parallelism"],
    ["a negative number", jobYaml("x", `["true"]`, "  parallelism: -1"), "spec.parallelism"],
    [
      "a missing restartPolicy",
      jobYaml("x", `["true"]`).replace("restartPolicy: Never", "terminationGracePeriodSeconds: 1"),
      "spec.template.spec.restartPolicy",
    ],
  ])("%s: exit code 1, the path and the rule, nothing stored", async (_, text, told) => {
    const { code, stderr } = await apply(text);
    expect(code).toBe(1);
    expect(stderr).toContain(told);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect((await gantry.client.jobs.list()).items).toEqual([]);
  });
});

describe("what the launcher promises", () => {
  test("the launcher runs from any directory", async () => {
    const { code, stdout } = await runProgram(
      "sh",
      ["-c", `cd / && "${join(example(".."), "gantry")}" version`],
      { HOME: process.env["HOME"] ?? tmpdir() },
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^gantry \d+\.\d+\.\d+/);
  });

  test("no secret stands in the log of a running Gantry", async () => {
    const gantry = await gantryUp();
    const token = (await readFile(join(gantry.dataDir, "token"), "utf8")).trim();
    await gantry.kubectl("get", "jobs");
    expect(gantry.process.stderr).not.toContain(token);
    await gantry.stop();
  });
});

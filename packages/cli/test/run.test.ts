// `gantry run` as a program: what is on stdout, what on stderr, and how it exits.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TinyApi } from "./tiny-api.ts";

/** A program starts in a second; on a busy machine in many. */
const patient = { timeout: 30_000 };

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
let api: TinyApi;
let url: string;
let dir: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  api = new TinyApi();
  url = await api.listen();
  dir = mkdtempSync(join(tmpdir(), "gantry-run-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await api.close();
  rmSync(dir, { recursive: true, force: true });
});

function manifest(name = "pi", more = ""): string {
  const file = join(dir, "job.yaml");
  writeFileSync(
    file,
    `apiVersion: batch/v1\nkind: Job\nmetadata: {name: ${name}}\nspec: {completions: 1${more}}\n`,
  );
  return file;
}

interface Program {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

function gantry(...args: string[]): Program {
  const env = { ...process.env, GANTRY_URL: url, GANTRY_TOKEN: "t" };
  const child = spawn(process.execPath, [MAIN, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, stdout, stderr })),
  );
  return { child, stderr: () => stderr, ended };
}

const podStatus = (terminated: object, phase: string): Record<string, unknown> => ({
  status: { phase, containerStatuses: [{ name: "c", restartCount: 0, state: { terminated } }] },
});
const complete = {
  conditions: [{ type: "Complete", status: "True", lastTransitionTime: new Date().toISOString() }],
};

/** The Job's Pod runs, prints and ends well. */
function succeed(log: string): void {
  api.created = () => {
    api.log = log;
    api.put("pods", "pi-x", podStatus({ exitCode: 0 }, "Succeeded"));
    api.put("jobs", "pi", { status: { succeeded: 1, ...complete } });
  };
}

describe("gantry run", () => {
  test("prints the output alone on stdout, everything else on stderr, and exits 0", async () => {
    succeed("3.14159\n");
    const { code, stdout, stderr } = await gantry("run", manifest()).ended;
    expect(stdout).toBe("3.14159\n");
    expect(stderr).toContain("gantry: Job pi created");
    expect(stderr).toContain("gantry: Job pi complete");
    expect(code).toBe(0);
  });

  test("says why a Job failed, which Pod, and its last lines; exits 1", async () => {
    api.created = () => {
      api.log = "about to fail\nboom\n";
      api.put("pods", "pi-x", podStatus({ exitCode: 3, reason: "Error" }, "Failed"));
      const failed = {
        type: "Failed",
        status: "True",
        reason: "BackoffLimitExceeded",
        message: "reached the limit",
      };
      api.put("jobs", "pi", { status: { failed: 1, conditions: [failed] } });
    };
    const { code, stdout, stderr } = await gantry("run", manifest()).ended;
    expect(code).toBe(1);
    expect(stdout).toBe("about to fail\nboom\n");
    expect(stderr).toContain("gantry: Job pi failed (BackoffLimitExceeded): reached the limit");
    expect(stderr).toContain("gantry: Pod pi-x: exit code 3");
    expect(stderr).toContain("gantry:   boom");
  });

  test("replaces a finished Job of the name, and says so", async () => {
    api.put("jobs", "pi", { spec: {}, status: complete });
    succeed("again\n");
    const { code, stdout, stderr } = await gantry("run", manifest()).ended;
    expect(stderr).toMatch(/Job pi finished \d+s ago: replacing it/);
    expect(stdout).toBe("again\n");
    expect(code).toBe(0);
    expect(api.requests).toContain("DELETE jobs/pi");
  });

  test("follows a running Job of the same spec, and refuses another", async () => {
    api.log = "on its way\n";
    api.put("jobs", "pi", { spec: { completions: 1, parallelism: 1 }, status: { active: 1 } });
    const other = await gantry("run", manifest("pi", ", parallelism: 5")).ended;
    expect(other).toMatchObject({ code: 1, stdout: "" });
    expect(other.stderr).toContain("another spec is running");
    const program = gantry("run", manifest());
    await expect.poll(program.stderr, patient).toContain("running already: following it");
    api.put("pods", "pi-x", podStatus({ exitCode: 0 }, "Succeeded"));
    api.put("jobs", "pi", { status: { succeeded: 1, ...complete } });
    expect(await program.ended).toMatchObject({ code: 0, stdout: "on its way\n" });
  });

  test("deletes the Job when it is interrupted, and exits 130", async () => {
    const program = gantry("run", manifest());
    await expect.poll(program.stderr, patient).toContain("1 starting");
    program.child.kill("SIGINT");
    const { code, stderr } = await program.ended;
    expect(stderr).toContain("interrupted: deleting Job pi");
    expect(api.objects.jobs.size).toBe(0);
    expect(code).toBe(130);
  });

  test("leaves the Job when it is interrupted with --keep", async () => {
    const program = gantry("run", "--keep", manifest());
    await expect.poll(program.stderr, patient).toContain("1 starting");
    program.child.kill("SIGINT");
    expect(await program.ended).toMatchObject({ code: 130 });
    expect(api.objects.jobs.size).toBe(1);
  });

  test("notices that somebody else deleted the Job", async () => {
    const program = gantry("run", manifest());
    await expect.poll(program.stderr, patient).toContain("1 starting");
    api.remove("jobs", "pi");
    const { code, stderr } = await program.ended;
    expect(stderr).toContain("was deleted before it finished");
    expect(code).toBe(1);
  });

  test("passes on the rule that a manifest breaks, exits 1 and prints nothing on stdout", async () => {
    const { code, stdout, stderr } = await gantry("run", manifest("bad")).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      'gantry: Job.batch "bad" is invalid: spec.template.spec.restartPolicy: Required value\n',
    );
  });

  test.each([
    ["apiVersion: v1\nkind: Pod\n", "run takes a Job, and this is Pod"],
    ["{", "not valid YAML"],
    ["apiVersion: batch/v1beta1\nkind: Job\n", "a Job is of batch/v1"],
    ["", "there is no object in it"],
  ])("refuses %j before it asks any server", async (text, message) => {
    const file = manifest();
    writeFileSync(file, text);
    const { code, stderr } = await gantry("run", file).ended;
    expect(stderr).toContain(message);
    expect(code).toBe(1);
    expect(api.requests).toEqual([]);
  });
});

// The sessions of the process runtime, and what only it promises: commands that go with their client.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findMountSupport } from "../src/process/mount-support.ts";
import { ProcessRuntime } from "../src/process/process-runtime.ts";
import { compile, type Compiled } from "./compiled.ts";
import { launch, runnable, shell, until } from "./runtime-suite.ts";
import { sessionSuite } from "./session-suite.ts";

let compiled: Compiled;
let root: string;
const open = (name: string): Promise<ProcessRuntime> =>
  ProcessRuntime.open({
    dataDir: join(root, name),
    supervisorEntry: compiled.supervisor,
    supervisorIdleMs: 300,
  });

beforeAll(() => {
  compiled = compile();
  root = mkdtempSync(join(tmpdir(), "gantry-sessions-"));
});
afterAll(() => {
  compiled.remove();
  rmSync(root, { recursive: true, force: true });
});

const runs = (text: string): boolean =>
  readdirSync("/proc").some((entry) => {
    try {
      return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cmdline`, "latin1").includes(text);
    } catch {
      return false;
    }
  });

describe.skipIf(findMountSupport().refusal !== null)("the process runtime", () => {
  sessionSuite(() => open("suite"), {
    shell,
    // The program that enters the container's mounts says what it did not find.
    missing: (end) => expect(end).toEqual({ kind: "exited", exitCode: 127 }),
  });
});

describe("a command of a client", () => {
  test("ends when its client goes", async () => {
    const runtime = await open("gone");
    const pod = runnable({ containers: [shell("sleep 1000")] });
    const trial = launch(runtime, pod);
    await until("running", () => trial.last?.containers[0]?.state === "running");
    const marker = `marker-${process.pid}-${pod.uid}`;
    const session = await runtime.openSession(pod, {
      ...{ container: "main", stdin: true, stdout: true, stderr: true, tty: false },
      // It ignores the hang-up, too.
      command: ["sh", "-c", `trap '' HUP; while :; do sleep 0.1; done; : ${marker}`],
    });
    await until("the command to run", () => runs(marker));
    session.abandon();
    await until("the command to be gone", () => !runs(marker));
    const missing = await runtime.openSession(pod, {
      ...{ container: "main", stdin: false, stdout: true, stderr: true, tty: false },
      command: ["nosuch-program"],
    });
    missing.stdout?.resume();
    missing.stderr?.resume();
    expect(await missing.ended).toEqual({
      kind: "failed",
      message: 'exec: "nosuch-program": executable file not found in $PATH',
    });
    trial.running?.stop(0);
    await trial.ended;
    await runtime.remove(pod);
    await runtime.close();
  });
});

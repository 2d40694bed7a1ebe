// A full disk under the process runtime: Pods end and are told, and what could not be written comes later.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readJournal } from "../src/process/journal.ts";
import { ProcessRuntime } from "../src/process/process-runtime.ts";
import { compile, type Compiled } from "./compiled.ts";
import { launch, logText, runnable, shell, Trial, until } from "./runtime-suite.ts";

const SIZE_MIB = 4;
const PAGE_BYTES = 4096;
let compiled: Compiled;
let root: string;
let runtime: ProcessRuntime;
const signalDirectories: string[] = [];

/** `null`: file systems may be mounted here. */
const refusal = ((): string | null => {
  const directory = mkdtempSync(join(tmpdir(), "gantry-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "none", directory], { stdio: "ignore" });
    execFileSync("umount", [directory]);
    return null;
  } catch {
    return "no file systems may be mounted here";
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
})();

const ballast = (): string => join(root, "ballast");

const fill = (): void => {
  try {
    writeFileSync(ballast(), Buffer.alloc(SIZE_MIB * 1024 * 1024));
  } catch {
    // What fits is kept.
  }
};

/** Up to the end of its last page, so that the next line needs room on the disk. */
const fillUp = (file: string): void => {
  const room = PAGE_BYTES - (statSync(file).size % PAGE_BYTES);
  appendFileSync(file, `${"-".repeat(room - 1)}\n`);
};

/** A directory on another disk, by which a test tells its Pod to go on. */
const signals = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "gantry-signals-"));
  signalDirectories.push(directory);
  return directory;
};

const free = (): void => rmSync(ballast(), { force: true });

describe.skipIf(refusal !== null)(`a full disk${refusal === null ? "" : ` (${refusal})`}`, () => {
  beforeAll(async () => {
    compiled = compile();
    root = mkdtempSync(join(tmpdir(), "gantry-full-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m`, "none", root]);
    runtime = await ProcessRuntime.open({
      dataDir: root,
      supervisorEntry: compiled.supervisor,
      supervisorIdleMs: 300,
    });
  });
  afterEach(free);
  afterAll(async () => {
    for (const pod of await runtime.list()) await runtime.remove(pod);
    await runtime.close();
    execFileSync("umount", ["-l", root]);
    rmSync(root, { recursive: true, force: true });
    for (const directory of signalDirectories) rmSync(directory, { recursive: true });
    compiled.remove();
  });

  test("a supervisor that can't register itself ends: nobody would find it", async () => {
    fill();
    const supervisor = spawn(process.execPath, [compiled.supervisor, root, "1", "300", "45000"], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    const [code] = await once(supervisor, "exit");
    expect(code).toBe(1);
  });

  test("a Pod that can't be started ends Failed, and says why", async () => {
    fill();
    const trial = launch(runtime, runnable({ containers: [shell("true")] }));
    const last = await trial.ended;
    free();
    expect(last).toMatchObject({ phase: "Failed", reason: "StartError" });
    expect(last.message).toContain("ENOSPC");
  });

  test("a Pod that runs goes on; its end is told, and is in its journal once there is room", async () => {
    const script = "while [ ! -e $0/go ]; do sleep 0.02; done; exit 3";
    const go = signals();
    const pod = runnable({ containers: [shell("", { command: ["/bin/sh", "-c", script, go] })] });
    const trial = launch(runtime, pod);
    await until("the Pod to run", () => trial.last?.phase === "Running");
    fillUp(join(root, "pods", pod.uid, "journal"));
    fill();
    writeFileSync(join(go, "go"), "");
    expect(await trial.ended).toMatchObject({ phase: "Failed", containers: [{ exitCode: 3 }] });
    const directory = join(root, "pods", pod.uid);
    expect(readJournal(directory)?.observation?.phase).toBe("Running");
    // A worker that comes back meanwhile hears of the end all the same.
    const again = new Trial();
    again.running = await runtime.adopt(pod, undefined, again.sink);
    expect(await again.ended).toMatchObject({ containers: [{ exitCode: 3 }] });
    free();
    await until(
      "the end to be in the journal",
      () => readJournal(directory)?.observation?.containers[0]?.exitCode === 3,
    );
  });

  test("output is lost while the disk is full, and only that", async () => {
    const script = `echo before; touch $0/before; while [ ! -e $0/go ]; do sleep 0.02; done
      head -c 100000 /dev/zero | tr '\\0' x; touch $0/during
      while [ ! -e $0/end ]; do sleep 0.02; done; echo; echo after`;
    const go = signals();
    const pod = runnable({ containers: [shell("", { command: ["/bin/sh", "-c", script, go] })] });
    const trial = launch(runtime, pod);
    const there = (text: string) => async () => (await logText(runtime, pod)).includes(text);
    await until("the Pod to run", () => trial.last?.phase === "Running");
    await until("the first output", there("before"));
    fill();
    writeFileSync(join(go, "go"), "");
    await until("the Pod to have written", () => existsSync(join(go, "during")));
    free();
    writeFileSync(join(go, "end"), "");
    expect(await trial.ended).toMatchObject({ phase: "Succeeded" });
    const text = await logText(runtime, pod);
    expect(text.startsWith("before\n")).toBe(true);
    expect(text.endsWith("after\n")).toBe(true);
    expect(text.length).toBeLessThan(100_000);
  });
});

// The shared suite on the process runtime, and what only it promises: surviving deaths, no leftovers.
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { processStart } from "../src/process/process-identity.ts";
import { ProcessRuntime, type ProcessRuntimeOptions } from "../src/process/process-runtime.ts";
import { findMountSupport } from "../src/process/mount-support.ts";
import type { Observation, RunnablePod } from "../src/runtime.ts";
import { compile, type Compiled } from "./compiled.ts";
import { launch, logText, runnable, runtimeSuite, shell, Trial, until } from "./runtime-suite.ts";
import { killed, startRuntimeProcess } from "./worker-process.ts";

let compiled: Compiled;
let root: string;
const optionsFor = (name: string): ProcessRuntimeOptions => ({
  dataDir: join(root, name),
  supervisorEntry: compiled.supervisor,
  supervisorIdleMs: 300,
  logLimits: { maxFileBytes: 100_000, maxFiles: 5 },
});

beforeAll(() => {
  compiled = compile();
  root = mkdtempSync(join(tmpdir(), "gantry-process-"));
});
afterAll(() => {
  compiled.remove();
  rmSync(root, { recursive: true, force: true });
});

const marked = (uid: string): string[] =>
  readdirSync("/proc").filter((entry) => {
    try {
      return (
        /^\d+$/.test(entry) &&
        processStart(Number(entry)) !== null &&
        readFileSync(`/proc/${entry}/environ`, "latin1").includes(`GANTRY_POD=${uid}`)
      );
    } catch {
      return false;
    }
  });

const supervisorPid = (dataDir: string): number => {
  const [file = ""] = readdirSync(join(dataDir, "supervisors")).filter((each) =>
    each.endsWith(".json"),
  );
  return Number.parseInt(file, 10);
};

runtimeSuite("process", () => ProcessRuntime.open(optionsFor("suite")), {
  programs: true,
  noVolumes: findMountSupport().refusal,
});

describe("deaths and leftovers", () => {
  const startWorker = (options: ProcessRuntimeOptions, pod: RunnablePod): Promise<ChildProcess> =>
    startRuntimeProcess(compiled, options, pod);

  test.each([
    ["ends after the worker is back", "while [ ! -e go ]; do sleep 0.02; done; echo late; exit 42"],
    ["ended meanwhile", "sleep 0.2; echo early; exit 43"],
  ])("a killed worker loses no exit code: the Pod %s", async (title, script) => {
    const options = { ...optionsFor(`killed-${title.length}`), supervisorIdleMs: 5000 };
    const pod = runnable({ containers: [shell(script)] });
    await killed(await startWorker(options, pod));
    const home = join(options.dataDir, "pods", pod.uid, "home");
    expect(existsSync(home)).toBe(true);
    if (script.includes("early")) await until("Pod ended", () => marked(pod.uid).length === 0);
    const runtime = await ProcessRuntime.open(options);
    expect((await runtime.list()).map(({ uid }) => uid)).toEqual([pod.uid]);
    const trial = new Trial();
    trial.running = await runtime.adopt(pod, undefined, trial.sink);
    if (!script.includes("early")) {
      await until("attached", () => trial.last?.phase === "Running");
      const { writeFileSync } = await import("node:fs");
      writeFileSync(join(home, "go"), "");
    }
    const last = await trial.ended;
    expect(last.containers[0]?.exitCode).toBe(script.includes("early") ? 43 : 42);
    expect(await logText(runtime, pod)).toMatch(/late|early/);
    const pid = supervisorPid(options.dataDir);
    await runtime.remove(pod);
    expect(await runtime.list()).toEqual([]);
    await runtime.close();
    await until("supervisor gone", () => processStart(pid) === null);
  });

  test("a killed supervisor: the Pod ends Failed with 137, its processes are gone, new Pods run", async () => {
    const options = optionsFor("supervisor-killed");
    const runtime = await ProcessRuntime.open(options);
    const pod = runnable({ containers: [shell("setsid sleep 1000 & sleep 1000 & wait")] });
    const trial = launch(runtime, pod);
    await until("children", () => marked(pod.uid).length === 3);
    process.kill(supervisorPid(options.dataDir), "SIGKILL");
    const last = await trial.ended;
    expect(last.phase).toBe("Failed");
    expect(last.containers[0]).toMatchObject({ exitCode: 137, reason: "ContainerStatusUnknown" });
    await until("no leftovers", () => marked(pod.uid).length === 0);
    const next = launch(runtime, runnable({ containers: [shell("exit 0")] }));
    expect((await next.ended).phase).toBe("Succeeded");
    await runtime.close();
  });

  test("both killed: the next worker ends the Pod and kills what is left", async () => {
    const options = optionsFor("both-killed");
    const pod = runnable({ containers: [shell("sleep 1000 & sleep 1000")] });
    const worker = await startWorker(options, pod);
    process.kill(supervisorPid(options.dataDir), "SIGSTOP");
    await killed(worker);
    process.kill(supervisorPid(options.dataDir), "SIGKILL");
    expect(marked(pod.uid).length).toBeGreaterThan(0);
    const runtime = await ProcessRuntime.open(options);
    const trial = new Trial();
    trial.running = await runtime.adopt(pod, undefined, trial.sink);
    expect((await trial.ended).containers[0]).toMatchObject({ exitCode: 137 });
    await until("no leftovers", () => marked(pod.uid).length === 0);
    await runtime.close();
  });

  test("what a container leaves running ends with it, in its group or out of it", async () => {
    const runtime = await ProcessRuntime.open(optionsFor("leftovers"));
    const pod = runnable({
      containers: [shell("sleep 1000 & setsid sleep 1000 & sleep 0.1; exit 0")],
    });
    const last = await launch(runtime, pod).ended;
    expect(last.phase).toBe("Succeeded");
    await until("no leftovers", () => marked(pod.uid).length === 0);
    await runtime.close();
  });

  test("a supervisor of another version is drained, and its Pod is followed to its end", async () => {
    const options = optionsFor("versions");
    const first = await ProcessRuntime.open({ ...options, version: "old" });
    const pod = runnable({ containers: [shell("while [ ! -e go ]; do sleep 0.02; done; exit 9")] });
    const before = launch(first, pod);
    await until("Running", () => before.last?.phase === "Running");
    const oldPid = supervisorPid(options.dataDir);
    await first.close();
    const second = await ProcessRuntime.open({ ...options, version: "new" });
    const trial = new Trial();
    trial.running = await second.adopt(pod, undefined, trial.sink);
    expect((await launch(second, runnable({ containers: [shell("exit 0")] })).ended).phase).toBe(
      "Succeeded",
    );
    expect(processStart(oldPid)).not.toBeNull();
    const { writeFileSync } = await import("node:fs");
    writeFileSync(join(options.dataDir, "pods", pod.uid, "home", "go"), "");
    expect((await trial.ended).containers[0]?.exitCode).toBe(9);
    await until("old supervisor gone", () => processStart(oldPid) === null);
    await second.close();
  });

  test("a supervisor without worker and Pods ends by itself; a data directory that goes takes all with it", async () => {
    const options = optionsFor("idle");
    const worker = await startWorker(options, runnable({ containers: [shell("sleep 0.1")] }));
    const pid = supervisorPid(options.dataDir);
    await killed(worker);
    await until("supervisor gone", () => processStart(pid) === null);
    expect(readdirSync(join(options.dataDir, "supervisors"))).toEqual([]);

    const pod = runnable({ containers: [shell("sleep 1000")] });
    const other = await startWorker(options, pod);
    const secondPid = supervisorPid(options.dataDir);
    await killed(other);
    rmSync(options.dataDir, { recursive: true, force: true });
    await until("supervisor gone", () => processStart(secondPid) === null);
    expect(marked(pod.uid)).toEqual([]);
  });
});

describe("admission", () => {
  test("refuses with path and reason what it can't do", async () => {
    const runtime = await ProcessRuntime.open({
      ...optionsFor("admission"),
      allowedHostPaths: ["/tmp/ok"],
    });
    const rejections = runtime.admit({
      containers: [{ name: "main", image: "busybox" }, shell("true", { name: "b", tty: true })],
      volumes: [
        { name: "a", hostPath: { path: "/tmp/ok/../../etc" } },
        { name: "b", hostPath: { path: "/tmp/ok/x" } },
        { name: "c", nfs: { server: "s", path: "/" } },
      ],
    });
    expect(rejections.map(({ path }) => path)).toEqual([
      "containers[0].command",
      "containers[1].tty",
      "volumes[0].hostPath.path",
      "volumes[2].nfs",
    ]);
    expect(runtime.admit({ hostNetwork: true, containers: [shell("true")] })).toEqual([]);
    await runtime.close();
  });

  test("observations carry what the worker needs", async () => {
    const runtime = await ProcessRuntime.open({ ...optionsFor("shape"), hostIP: "192.0.2.1" });
    const trial = launch(runtime, runnable({ containers: [shell("exit 0")] }));
    const last: Observation = await trial.ended;
    expect(last).toMatchObject({ podIP: "192.0.2.1", hostIP: "192.0.2.1" });
    expect(last.containers[0]?.startedAtMs).toBeTypeOf("number");
    expect(trial.reasons()).toEqual(["ImageIgnored", "Created", "Started"]);
    await runtime.close();
  });
});

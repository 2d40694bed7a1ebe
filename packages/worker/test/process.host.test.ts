// What the process runtime makes of its host: workers that stay away, restarts of the machine,
// limits, volumes of every kind, probes over HTTP.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cgroupLimits, findCgroupSupport } from "../src/process/cgroup.ts";
import { readJournal } from "../src/process/journal.ts";
import { memoryPath } from "../src/process/memory-directory.ts";
import { findMountSupport } from "../src/process/mount-support.ts";
import { ProcessRuntime, type ProcessRuntimeOptions } from "../src/process/process-runtime.ts";
import { usageBytes } from "../src/pod/volume-limits.ts";
import { compile, type Compiled } from "./compiled.ts";
import { launch, logText, runnable, shell, Trial, until } from "./runtime-suite.ts";
import { killed, startRuntimeProcess } from "./worker-process.ts";

let compiled: Compiled;
let root: string;
const noVolumes = findMountSupport().refusal;

const optionsFor = (name: string): ProcessRuntimeOptions => ({
  dataDir: join(root, name),
  supervisorEntry: compiled.supervisor,
  supervisorIdleMs: 300,
});

beforeAll(() => {
  compiled = compile();
  root = mkdtempSync(join(tmpdir(), "gantry-host-"));
});
afterAll(() => {
  compiled.remove();
  rmSync(root, { recursive: true, force: true });
});

const withRuntime = async (
  options: ProcessRuntimeOptions,
  use: (runtime: ProcessRuntime) => Promise<void>,
): Promise<void> => {
  const runtime = await ProcessRuntime.open(options);
  try {
    await use(runtime);
  } finally {
    for (const pod of await runtime.list()) await runtime.remove(pod);
    await runtime.close();
  }
};

describe("a worker that stays away (G3)", () => {
  test("its supervisor stops the Pods, and they are told as disrupted when it is back", async () => {
    const options = { ...optionsFor("away"), supervisorAwayMs: 600 };
    const script = "trap 'echo bye; exit 0' TERM; while :; do sleep 0.02; done";
    const pod = runnable({ terminationGracePeriodSeconds: 5, containers: [shell(script)] });
    await killed(await startRuntimeProcess(compiled, options, pod));
    const directory = join(options.dataDir, "pods", pod.uid);
    await until(
      "the Pod to be stopped",
      () => readJournal(directory)?.observation?.phase === "Failed",
    );
    await withRuntime(options, async (runtime) => {
      const trial = new Trial();
      trial.running = await runtime.adopt(pod, undefined, trial.sink);
      expect(await trial.ended).toMatchObject({
        phase: "Failed",
        reason: "Terminated",
        message: "The worker of this node was away for more than 0.6 s",
        disruption: { reason: "TerminationByKubelet" },
        containers: [{ exitCode: 0 }],
      });
      expect(await logText(runtime, pod)).toMatch(/bye\n$/);
    });
  });

  test("a worker that is stopped (SIGSTOP) counts as away though it is connected", async () => {
    const options = { ...optionsFor("frozen"), supervisorAwayMs: 600 };
    const pod = runnable({ containers: [shell("exec sleep 1000")] });
    const worker = await startRuntimeProcess(compiled, options, pod);
    worker.kill("SIGSTOP");
    const directory = join(options.dataDir, "pods", pod.uid);
    await until(
      "the Pod to be stopped",
      () => readJournal(directory)?.observation?.phase === "Failed",
    );
    await killed(worker);
    await withRuntime(options, async () => {});
  });

  test("a worker that is there keeps its Pods for as long as they run", async () => {
    await withRuntime({ ...optionsFor("there"), supervisorAwayMs: 300 }, async (runtime) => {
      const trial = launch(runtime, runnable({ containers: [shell("sleep 1.2")] }));
      expect((await trial.ended).phase).toBe("Succeeded");
    });
  });
});

describe.skipIf(process.platform !== "linux")("a machine that was restarted", () => {
  test("its Pods are lost, as disrupted, and that is written once", async () => {
    const options = optionsFor("rebooted");
    const pod = runnable({ containers: [shell("sleep 1000")] });
    const directory = join(options.dataDir, "pods", pod.uid);
    mkdirSync(directory, { recursive: true });
    const line = (entry: object): string => `${JSON.stringify(entry)}\n`;
    const running = {
      phase: "Running",
      ready: true,
      containers: [
        { state: "running", startedAtMs: 1, restartCount: 0, ready: true, started: true },
      ],
    };
    appendFileSync(
      join(directory, "journal"),
      line({
        // A pid that lives in this boot: it must not be touched.
        supervisor: { pid: process.pid, start: "earlier-1" },
        boot: "00000000-1111-4222-8333-444444444444",
        namespace: pod.namespace,
        name: pod.name,
        names: ["main"],
      }) +
        line({ process: { pid: process.pid, start: "earlier-2" } }) +
        line({ observation: running }),
    );
    const message = "The machine of this node was restarted while the Pod ran";
    const lost = {
      phase: "Failed",
      reason: "NodeRebooted",
      message,
      disruption: { reason: "TerminationByKubelet", message },
      containers: [{ state: "terminated", reason: "ContainerStatusUnknown", exitCode: 137 }],
    };
    await withRuntime(options, async (runtime) => {
      const first = new Trial();
      first.running = await runtime.adopt(pod, directory, first.sink);
      expect(await first.ended).toMatchObject(lost);
      expect(first.events).toEqual([{ type: "Warning", reason: "NodeRebooted", message }]);
      const journal = readFileSync(join(directory, "journal"), "utf8");
      const second = new Trial();
      second.running = await runtime.adopt(pod, directory, second.sink);
      expect(await second.ended).toMatchObject(lost);
      expect(second.events).toEqual([]);
      expect(readFileSync(join(directory, "journal"), "utf8")).toBe(journal);
    });
  });
});

describe.skipIf(noVolumes !== null)(`volumes (${noVolumes ?? "mounted"})`, () => {
  const mounted = (script: string, mountPath: string, extra = {}) =>
    shell(script, { volumeMounts: [{ name: "data", mountPath }], ...extra });

  test("an emptyDir above its sizeLimit: Evicted, with a kubelet's message and Event", async () => {
    await withRuntime({ ...optionsFor("size-limit"), volumeCheckMs: 50 }, async (runtime) => {
      const trial = launch(
        runtime,
        runnable({
          volumes: [{ name: "data", emptyDir: { sizeLimit: "1Mi" } }],
          containers: [
            mounted("dd if=/dev/zero of=/data/big bs=1024 count=2048; sleep 1000", "/data"),
          ],
        }),
      );
      const message = 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". ';
      const last = await trial.ended;
      expect(last).toMatchObject({ phase: "Failed", reason: "Evicted", message });
      expect(last.disruption).toBeUndefined();
      expect(trial.events).toContainEqual({ type: "Warning", reason: "Evicted", message });
    });
  });

  test("an emptyDir below its sizeLimit harms nobody", async () => {
    await withRuntime({ ...optionsFor("below-limit"), volumeCheckMs: 20 }, async (runtime) => {
      const trial = launch(
        runtime,
        runnable({
          volumes: [{ name: "data", emptyDir: { sizeLimit: "1Mi" } }],
          containers: [mounted("echo little > /data/file; sleep 0.3", "/data")],
        }),
      );
      expect((await trial.ended).phase).toBe("Succeeded");
    });
  });

  test.skipIf(!existsSync("/dev/shm"))(
    "medium Memory is a tmpfs, shared, and gone with the Pod",
    async () => {
      const options = optionsFor("memory");
      await withRuntime(options, async (runtime) => {
        const pod = runnable({
          volumes: [{ name: "data", emptyDir: { medium: "Memory" } }],
          initContainers: [mounted("echo kept > /data/file", "/data", { name: "init" })],
          containers: [mounted("cat /data/file; stat -f -c %T /data", "/data")],
        });
        expect((await launch(runtime, pod).ended).phase).toBe("Succeeded");
        expect(await logText(runtime, pod)).toBe("kept\ntmpfs\n");
      });
      expect(existsSync(memoryPath(options.dataDir))).toBe(false);
    },
  );

  test("a Pod that has ended keeps its log and none of its volumes", async () => {
    const options = optionsFor("freed");
    const sources = new Map([["secret/sec", new Map([["token", Buffer.from("s3cret")]])]]);
    const volumes = [
      { name: "disk", emptyDir: {} },
      { name: "memory", emptyDir: { medium: "Memory" } },
      { name: "sec", secret: { secretName: "sec" } },
    ];
    const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/mnt/${name}` }));
    const script = "cat /mnt/sec/token | tee /mnt/disk/x /mnt/memory/x";
    const pod = runnable({ volumes, containers: [shell(script, { volumeMounts })] }, { sources });
    await withRuntime(options, async (runtime) => {
      expect((await launch(runtime, pod).ended).phase).toBe("Succeeded");
      const [disk, memory] = [join(options.dataDir, "pods"), memoryPath(options.dataDir)];
      await until("no volumes", () => !existsSync(join(disk, pod.uid, "volumes")));
      await until("no volumes in memory", () => !existsSync(join(memory, pod.uid)));
      expect(await logText(runtime, pod)).toBe("s3cret");
    });
  });

  test("a hostPath of the wrong type: the Pod stays Pending, says FailedMount, and runs once it is right", async () => {
    const allowed = join(root, "host");
    mkdirSync(allowed);
    const options = { ...optionsFor("failed-mount"), allowedHostPaths: [allowed] };
    await withRuntime(options, async (runtime) => {
      const path = join(allowed, "file");
      const pod = runnable({
        volumes: [{ name: "data", hostPath: { path, type: "File" } }],
        containers: [mounted("cat /mnt/file", "/mnt/file")],
      });
      const trial = launch(runtime, pod);
      await until(
        "a second attempt",
        () => trial.reasons().filter((r) => r === "FailedMount").length > 1,
      );
      expect(trial.last).toMatchObject({
        phase: "Pending",
        containers: [{ state: "waiting", reason: "ContainerCreating" }],
      });
      expect(trial.events.find(({ reason }) => reason === "FailedMount")?.message).toBe(
        `MountVolume.SetUp failed for volume "data" : hostPath type check failed: ${path} is not a file`,
      );
      writeFileSync(path, "right\n");
      expect((await trial.ended).phase).toBe("Succeeded");
      expect(await logText(runtime, pod)).toBe("right\n");
    });
  });

  test("a Pod that waits for its volume ends when it is stopped, and by its deadline", async () => {
    const options = { ...optionsFor("mount-stop"), allowedHostPaths: [root] };
    await withRuntime(options, async (runtime) => {
      const spec = {
        volumes: [{ name: "data", hostPath: { path: join(root, "nosuch"), type: "Socket" } }],
        containers: [mounted("true", "/mnt/x")],
      };
      const stopped = launch(runtime, runnable(spec));
      stopped.running?.stop(0);
      expect((await stopped.ended).phase).toBe("Failed");
      const late = launch(runtime, runnable({ ...spec, activeDeadlineSeconds: 1 }));
      expect(await late.ended).toMatchObject({ phase: "Failed", reason: "DeadlineExceeded" });
    });
  });

  test("a link out of the allowed prefixes is not followed", async () => {
    const allowed = join(root, "linked");
    mkdirSync(allowed);
    symlinkSync("/etc", join(allowed, "out"));
    const options = { ...optionsFor("links"), allowedHostPaths: [allowed] };
    await withRuntime(options, async (runtime) => {
      const path = join(allowed, "out");
      const trial = launch(
        runtime,
        runnable({
          volumes: [{ name: "data", hostPath: { path } }],
          containers: [mounted("cat /mnt/data/passwd", "/mnt/data")],
        }),
      );
      await until("FailedMount", () => trial.reasons().includes("FailedMount"));
      expect(trial.events.find(({ reason }) => reason === "FailedMount")?.message).toContain(
        `hostPath ${path} leads to /etc, which this worker does not allow`,
      );
      trial.running?.stop(0);
      await trial.ended;
    });
  });

  test.each(["", "DirectoryOrCreate", "FileOrCreate"])(
    "hostPath of type %j is made",
    async (type) => {
      const allowed = mkdtempSync(join(root, "made-"));
      const options = { ...optionsFor(`made-${type}`), allowedHostPaths: [allowed] };
      await withRuntime(options, async (runtime) => {
        const path = join(allowed, "new");
        const pod = runnable({
          volumes: [{ name: "data", hostPath: { path, type } }],
          containers: [
            mounted(
              type === "FileOrCreate" ? "echo x > /mnt/new" : "echo x > /mnt/new/x",
              "/mnt/new",
            ),
          ],
        });
        expect((await launch(runtime, pod).ended).phase).toBe("Succeeded");
        expect(readFileSync(type === "FileOrCreate" ? path : join(path, "x"), "utf8")).toBe("x\n");
      });
    },
  );

  test("secret, projected and downwardAPI files, with modes and optional parts", async () => {
    const sources = new Map([
      ["secret/sec", new Map([["token", Buffer.from("s3cret")]])],
      ["configmap/conf", new Map([["a", Buffer.from("A")]])],
    ]);
    const labels = { fieldRef: { fieldPath: "metadata.labels" }, path: "labels" };
    const pod = runnable(
      {
        volumes: [
          { name: "sec", secret: { secretName: "sec", defaultMode: 0o440 } },
          {
            name: "all",
            projected: {
              defaultMode: 0o400,
              sources: [
                { secret: { name: "sec", items: [{ key: "token", path: "s/t", mode: 0o444 }] } },
                { configMap: { name: "conf" } },
                { configMap: { name: "none", optional: true } },
                { downwardAPI: { items: [labels] } },
              ],
            },
          },
          {
            name: "down",
            downwardAPI: {
              items: [
                { path: "name", fieldRef: { fieldPath: "metadata.name" } },
                {
                  path: "cpu",
                  resourceFieldRef: {
                    containerName: "main",
                    resource: "limits.cpu",
                    divisor: "1m",
                  },
                },
              ],
            },
          },
        ],
        containers: [
          shell(
            "cd /mnt; for f in sec/token all/s/t all/a all/labels down/name down/cpu; do " +
              'echo "$f $(stat -L -c %a $f) $(cat $f)"; done; touch all/x 2>/dev/null || echo read-only',
            {
              resources: { limits: { cpu: "250m" } },
              volumeMounts: ["sec", "all", "down"].map((name) => ({
                name,
                mountPath: `/mnt/${name}`,
              })),
            },
          ),
        ],
      },
      { sources },
    );
    await withRuntime({ ...optionsFor("files"), cgroupRoot: null }, async (runtime) => {
      await launch(runtime, pod).ended;
      expect((await logText(runtime, pod)).split("\n")).toEqual([
        "sec/token 440 s3cret",
        "all/s/t 444 s3cret",
        "all/a 400 A",
        'all/labels 400 app="suite"',
        "down/name 644 pod-1",
        "down/cpu 644 250",
        "read-only",
        "",
      ]);
    });
  });
});

test("usage of a directory counts blocks, and a file with two names once", async () => {
  const directory = mkdtempSync(join(root, "usage-"));
  writeFileSync(join(directory, "a"), Buffer.alloc(100_000, 1));
  const { linkSync } = await import("node:fs");
  const one = await usageBytes(directory);
  linkSync(join(directory, "a"), join(directory, "b"));
  expect(one).toBeGreaterThanOrEqual(100_000);
  expect(await usageBytes(directory)).toBe(one);
});

describe("httpGet probes", () => {
  test("headers, path and port by name; 200 is healthy, 500 is not, a redirect is", async () => {
    const asked: (string | undefined)[] = [];
    let status = 500;
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers["x-check"]?.toString()}`);
      response.writeHead(status, { location: "/other" }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await withRuntime(optionsFor("http"), async (runtime) => {
      const trial = launch(
        runtime,
        runnable({
          containers: [
            shell("sleep 1000", {
              ports: [{ name: "web", containerPort: port }],
              readinessProbe: {
                httpGet: {
                  port: "web",
                  path: "/ready",
                  httpHeaders: [{ name: "X-Check", value: "yes" }],
                },
                periodSeconds: 1,
                failureThreshold: 1,
              },
            }),
          ],
        }),
      );
      await until("Unhealthy", () => trial.reasons().includes("Unhealthy"));
      expect(trial.events.find(({ reason }) => reason === "Unhealthy")?.message).toBe(
        "Readiness probe failed: HTTP probe failed with statuscode: 500",
      );
      status = 200;
      await until("ready", () => trial.last?.ready === true);
      status = 503;
      await until("not ready", () => trial.last?.ready === false);
      status = 302;
      await until("ready again", () => trial.last?.ready === true);
      expect(new Set(asked)).toEqual(new Set(["GET /ready yes"]));
      trial.running?.stop(0);
      await trial.ended;
    });
    server.close();
  });
});

describe("limits of cpu and memory", () => {
  test("as a kubelet writes them", () => {
    const limits = { cpuLimit: 0.25, cpuRequest: 1, memoryLimit: 1_048_576 };
    expect(cgroupLimits(limits)?.files).toEqual({
      "cpu.max": "25000 100000",
      "cpu.weight": "39",
      "memory.max": "1048576",
      "memory.swap.max": "0",
      "memory.oom.group": "1",
    });
    expect(cgroupLimits({ cpuRequest: 1 })).toBeUndefined();
  });

  // A directory stands in for the kernel's: it shows what is asked of it, and answers as it would.
  test("a container joins its group before its program runs; oom_kill there means OOMKilled", async () => {
    const cgroupRoot = join(root, "groups");
    mkdirSync(cgroupRoot);
    await withRuntime({ ...optionsFor("groups"), cgroupRoot }, async (runtime) => {
      const resources = { limits: { cpu: "2", memory: "64Mi" } };
      const group = `${cgroupRoot}/$GANTRY_POD-main`;
      const script = `cat ${group}/memory.max; [ "$(cat ${group}/cgroup.procs)" = $$$$ ] && echo joined; echo 'oom_kill 1' > ${group}/memory.events; kill -KILL $$$$`;
      const pod = runnable({ containers: [shell(script, { resources })] });
      expect((await launch(runtime, pod).ended).containers[0]).toMatchObject({
        reason: "OOMKilled",
        exitCode: 137,
        signal: 9,
      });
      expect(await logText(runtime, pod)).toBe(`${64 * 2 ** 20}joined\n`);
      const missing = runnable({ containers: [{ name: "main", command: ["nosuch"], resources }] });
      expect((await launch(runtime, missing).ended).containers[0]).toMatchObject({
        reason: "StartError",
        exitCode: 128,
        message: expect.stringContaining('no program "nosuch"'),
      });
      const alien = runnable({
        securityContext: { runAsUser: 1234 },
        containers: [shell("id -u", { resources })],
      });
      if (process.getuid?.() !== 0) return;
      await launch(runtime, alien).ended;
      expect(await logText(runtime, alien)).toBe("1234\n");
    });
  });

  test("the kernel ends what uses more memory", async ({ skip }) => {
    const { refusal } = findCgroupSupport();
    if (refusal !== null) skip(refusal);
    await withRuntime(optionsFor("oom"), async (runtime) => {
      const pod = runnable({
        containers: [
          shell("x=$(head -c 200000000 /dev/zero | tr '\\0' x)", {
            resources: { limits: { memory: "20Mi" } },
          }),
        ],
      });
      expect((await launch(runtime, pod).ended).containers[0]).toMatchObject({
        reason: "OOMKilled",
      });
    });
  });
});

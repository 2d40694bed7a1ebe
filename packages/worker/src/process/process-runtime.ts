// The process runtime: Pods as local processes, run by a supervisor that outlives the worker.
import { mkdirSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import {
  type ContainerRecord,
  type HostRules,
  type PodSpec,
  processRejections,
} from "@gantry/core";
import type { Logger } from "pino";
import { kubeletLogLimits, type LogLimits } from "../logs/log-file.ts";
import { readLog } from "../logs/log-reader.ts";
import { ContainerConfigError } from "../pod/environment.ts";
import { primaryAddress } from "../pod/primary-address.ts";
import { type BackoffTiming, kubeletBackoff } from "../pod/restart.ts";
import { VolumeError } from "../pod/host-path.ts";
import { freeVolumes } from "../pod/volumes.ts";
import {
  type LogOptions,
  LogUnavailable,
  type Observation,
  type PodSink,
  type Rejection,
  type RunnablePod,
  type RunningPod,
  type Runtime,
} from "../runtime.ts";
import { type Session, SessionRefused, type SessionRequest } from "../sessions/session.ts";
import { compilePlan, type PlanSettings } from "./compile-plan.ts";
import { findCgroupSupport } from "./cgroup.ts";
import { Journal, readJournal } from "./journal.ts";
import {
  memoryDirectory,
  memoryPath,
  removeMemoryVolumes,
  removeOrphans,
} from "./memory-directory.ts";
import { findMountSupport } from "./mount-support.ts";
import { logDirectory } from "./pod-plan.ts";
import { openSupervisorSession } from "./session-client.ts";
import { SupervisedPod } from "./supervised-pod.ts";
import { SupervisorPool } from "./supervisor-pool.ts";

export interface ProcessRuntimeOptions {
  readonly dataDir: string;
  readonly log?: Pick<Logger, "info" | "warn"> | undefined;
  /** hostPath volumes must lie below one of these; none by default. */
  readonly allowedHostPaths?: readonly string[] | undefined;
  readonly hostIP?: string | undefined;
  /** Supervisors of another version are drained. */
  readonly version?: string | undefined;
  readonly supervisorEntry?: string | undefined;
  /** How long a supervisor without Pods waits for a worker to come back. */
  readonly supervisorIdleMs?: number | undefined;
  /** How long a supervisor without a word from its worker lets Pods run on. */
  readonly supervisorAwayMs?: number | undefined;
  /** How often volumes with a sizeLimit are measured. */
  readonly volumeCheckMs?: number | undefined;
  /** Where control groups of containers are made; null: none; default: found out. */
  readonly cgroupRoot?: string | null | undefined;
  readonly backoff?: BackoffTiming | undefined;
  readonly logLimits?: LogLimits | undefined;
}

/** Changes whenever a supervisor of the code before could not serve this worker in full. */
const SUPERVISOR_VERSION = "3";
const SUPERVISOR_IDLE_MS = 5000;
/** A kubelet's. */
const VOLUME_CHECK_MS = 10_000;
/**
 * The scheduler gives a node's Pods up 75 s after the last renewal of its lease (15 s and 60 s of
 * patience), which may lie 5 s before the worker's death: 70 s, of which the Pods get 20 to end.
 */
const SUPERVISOR_AWAY_MS = 45_000;

/** Beside this file once compiled; run from source (tests), the compiled one is used. */
const defaultEntry = (): string => {
  const own = import.meta.url;
  const path = own.endsWith(".ts")
    ? "../../dist/process/supervisor-main.js"
    : "./supervisor-main.js";
  return fileURLToPath(new URL(path, own));
};

export class ProcessRuntime implements Runtime {
  readonly name = "process";
  readonly published: string;
  readonly #podsDirectory: string;
  readonly #rules: HostRules;
  readonly #settings: PlanSettings;
  readonly #supervisors: SupervisorPool;
  readonly #pods = new Map<string, SupervisedPod>();
  readonly #memoryPath: string;
  readonly #log: ProcessRuntimeOptions["log"];

  private constructor(options: ProcessRuntimeOptions) {
    const dataDir = resolve(options.dataDir);
    this.#podsDirectory = join(dataDir, "pods");
    mkdirSync(this.#podsDirectory, { recursive: true });
    const mounts = findMountSupport();
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    const allowedHostPaths = options.allowedHostPaths ?? [];
    const mountRefusal = mounts.refusal;
    this.#rules = { mountRefusal, allowedHostPaths, isRoot: uid === 0, uid, gid };
    this.published = JSON.stringify(this.#rules);
    this.#memoryPath = memoryPath(dataDir);
    this.#log = options.log;
    const cgroups = options.cgroupRoot === undefined ? findCgroupSupport() : null;
    if (cgroups?.refusal) {
      options.log?.info({ reason: cgroups.refusal }, "limits of cpu and memory are not enforced");
    }
    const hostIP = options.hostIP ?? primaryAddress();
    this.#settings = {
      host: { hostIP, podIP: hostIP, cpus: availableParallelism(), memoryBytes: totalmem() },
      backoff: options.backoff ?? kubeletBackoff,
      logLimits: options.logLimits ?? kubeletLogLimits,
      rootless: mounts.rootless,
      mountable: mounts.refusal === null,
      allowedHostPaths,
      memoryDirectory: () => memoryDirectory(this.#memoryPath),
      cgroupRoot: (cgroups === null ? options.cgroupRoot : cgroups.root) ?? undefined,
      volumeCheckMs: options.volumeCheckMs ?? VOLUME_CHECK_MS,
    };
    this.#supervisors = new SupervisorPool(
      {
        dataDir,
        version: options.version ?? SUPERVISOR_VERSION,
        entry: options.supervisorEntry ?? defaultEntry(),
        idleMs: options.supervisorIdleMs ?? SUPERVISOR_IDLE_MS,
        awayMs: options.supervisorAwayMs ?? SUPERVISOR_AWAY_MS,
      },
      {
        message: (message) => this.#pods.get(message.uid)?.handle(message),
        lost: (supervisor) => {
          for (const pod of this.#pods.values()) pod.supervisorLost(supervisor);
        },
        fault: (error) => options.log?.warn({ err: error }, "supervisor"),
      },
    );
  }

  /** Connects to the data directory's supervisors, or starts one. */
  static async open(options: ProcessRuntimeOptions): Promise<ProcessRuntime> {
    const runtime = new ProcessRuntime(options);
    await runtime.#supervisors.open();
    await runtime.#removeUnstarted();
    return runtime;
  }

  admit(spec: PodSpec): readonly Rejection[] {
    return processRejections(spec, this.#rules);
  }

  launch(pod: RunnablePod, sink: PodSink): RunningPod {
    const known = this.#pods.get(pod.uid);
    if (known !== undefined) return known.withSink(sink);
    const running = this.#supervise(pod, sink);
    const directory = this.#directory(pod.uid);
    if (readJournal(directory) !== null) {
      running.adopt();
      return running;
    }
    const rejections = this.admit(pod.spec);
    try {
      const [first] = rejections;
      if (first !== undefined) throw new ContainerConfigError(`${first.path}: ${first.message}`);
      const images = [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])].map(
        ({ image }) => image,
      );
      sink.event({
        type: "Normal",
        reason: "ImageIgnored",
        message: `The process runtime runs the host's programs; image ${[...new Set(images)].join(", ")} is recorded and not used`,
      });
      this.#start(running, pod);
    } catch (error) {
      running.refuse(error as Error, "Failed");
    }
    return running;
  }

  /** Volumes that can't be mounted are tried again, as a kubelet does. */
  #start(running: SupervisedPod, pod: RunnablePod): void {
    try {
      running.start(compilePlan(pod, this.#directory(pod.uid), this.#settings));
    } catch (error) {
      if (error instanceof VolumeError) {
        running.awaitVolumes(error.message, pod.spec, () => this.#start(running, pod));
      } else running.refuse(error as Error, "Failed");
    }
  }

  async adopt(
    pod: RunnablePod,
    _handle: string | undefined,
    sink: PodSink,
  ): Promise<RunningPod | null> {
    const known = this.#pods.get(pod.uid);
    if (known !== undefined) return known.withSink(sink);
    const directory = this.#directory(pod.uid);
    // Without a journal no supervisor ever took the Pod: it was not started.
    if (readJournal(directory) === null) return null;
    const running = this.#supervise(pod, sink);
    running.adopt();
    return running;
  }

  async logs(
    pod: { namespace: string; name: string; uid: string },
    options: LogOptions,
  ): Promise<Readable> {
    const directory = this.#directory(pod.uid);
    const latest = (): Observation | null =>
      this.#pods.get(pod.uid)?.last ?? readJournal(directory)?.observation ?? null;
    const { container } = options;
    const names = this.#pods.get(pod.uid)?.names ?? readJournal(directory)?.names ?? [];
    const record = (): ContainerRecord | undefined => {
      const observation = latest();
      const all = [...(observation?.initContainers ?? []), ...(observation?.containers ?? [])];
      return all[names.indexOf(container)];
    };
    const found = record();
    const restart = (found?.restartCount ?? 0) - (options.previous === true ? 1 : 0);
    if (options.previous === true && restart < 0) {
      throw new LogUnavailable(
        `previous terminated container "${container}" in pod "${pod.name}" not found`,
      );
    }
    if (found === undefined || (found.state === "waiting" && found.lastState === undefined)) {
      const reason = found?.reason ?? "ContainerCreating";
      throw new LogUnavailable(
        `container "${container}" in pod "${pod.name}" is waiting to start: ${reason}`,
      );
    }
    const ended = (): boolean => {
      const now = record();
      return now === undefined || now.restartCount > restart || now.state !== "running";
    };
    const source = { directory: logDirectory(directory, container), restart, ended };
    return Readable.from(readLog(source, options), { objectMode: false });
  }

  async openSession(
    pod: { namespace: string; name: string; uid: string },
    request: SessionRequest,
  ): Promise<Session> {
    const { container } = request;
    const supervisor = readJournal(this.#directory(pod.uid))?.supervisor ?? null;
    const client = supervisor === null ? null : this.#supervisors.of(supervisor);
    if (client === null) {
      throw new SessionRefused(`container "${container}" of pod "${pod.name}" is not running`);
    }
    const { sessions } = client.registration;
    if (sessions === undefined) {
      const why = "was started by an earlier version of Gantry, which has no exec and attach";
      throw new SessionRefused(`pod "${pod.name}" ${why}`);
    }
    return openSupervisorSession(sessions, { ...request, uid: pod.uid });
  }

  async remove({ uid }: { uid: string }): Promise<void> {
    const directory = this.#directory(uid);
    const running = this.#pods.get(uid);
    if (running !== undefined && !running.hasEnded) {
      running.stop(0);
      await running.ended.catch(() => {});
    } else if (running === undefined) await this.#endUnwatched(uid, directory);
    this.#pods.delete(uid);
    await rm(directory, { recursive: true, force: true });
    await removeMemoryVolumes(this.#memoryPath, uid);
  }

  async list(): Promise<readonly { namespace: string; name: string; uid: string }[]> {
    return readdirSync(this.#podsDirectory).flatMap((uid) => {
      const journal = readJournal(this.#directory(uid));
      return journal === null ? [] : [{ namespace: journal.namespace, name: journal.name, uid }];
    });
  }

  /** Leaves Pods running; a supervisor without Pods is gone when this resolves. */
  async close(): Promise<void> {
    await this.#supervisors.close();
  }

  /** Directories of Pods that no supervisor took before a worker ended. */
  async #removeUnstarted(): Promise<void> {
    for (const uid of readdirSync(this.#podsDirectory)) {
      const directory = this.#directory(uid);
      // Taking the journal bars a start that still is on its way.
      const journal = readJournal(directory) === null ? Journal.create(directory) : null;
      if (journal === null) continue;
      journal.close();
      await rm(directory, { recursive: true, force: true });
    }
    await removeOrphans(this.#memoryPath, new Set(readdirSync(this.#podsDirectory)));
  }

  /** Ends a Pod that nobody watches any more. */
  async #endUnwatched(uid: string, directory: string): Promise<void> {
    const journal = readJournal(directory);
    if (journal === null) return;
    const { phase } = journal.observation ?? { phase: "Pending" };
    if (phase === "Succeeded" || phase === "Failed") return;
    const sink = { observed: () => {}, event: () => {} };
    const running = new SupervisedPod(
      { uid, names: journal.names },
      directory,
      this.#supervisors,
      sink,
    );
    this.#pods.set(uid, running);
    running.adopt();
    running.stop(0);
    await running.ended.catch(() => {});
  }

  #supervise(pod: RunnablePod, sink: PodSink): SupervisedPod {
    const { initContainers = [], containers = [] } = pod.spec;
    const names = [...initContainers, ...containers].map(({ name = "" }) => name);
    const running = new SupervisedPod(
      { uid: pod.uid, names },
      this.#directory(pod.uid),
      this.#supervisors,
      sink,
    );
    this.#pods.set(pod.uid, running);
    const over = (): void => {
      this.#pods.delete(pod.uid);
      void this.#freeVolumes(pod.uid);
    };
    void running.ended.then(over, over);
    return running;
  }

  /** What can't be removed now goes with the Pod. */
  async #freeVolumes(uid: string): Promise<void> {
    try {
      await freeVolumes(this.#directory(uid));
      await rm(join(this.#memoryPath, uid), { recursive: true, force: true });
    } catch (error) {
      this.#log?.warn({ err: error, uid }, "a pod's volumes were not removed");
    }
  }

  #directory(uid: string): string {
    return join(this.#podsDirectory, uid);
  }
}

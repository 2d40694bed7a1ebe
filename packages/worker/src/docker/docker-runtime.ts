// The docker runtime: Pods as containers of a Docker Engine on this host.
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism, totalmem, uptime } from "node:os";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { dockerRejections, type DockerRules, type PodSpec } from "@gantry/core";
import Docker from "dockerode";
import type { ContainerInspectInfo } from "dockerode";
import type { Logger } from "pino";
import { kubeletLogLimits, type LogLimits } from "../logs/log-file.ts";
import { primaryAddress } from "../pod/primary-address.ts";
import { type BackoffTiming, kubeletBackoff } from "../pod/restart.ts";
import {
  type LogOptions,
  LogUnavailable,
  type PodSink,
  type Rejection,
  type RunnablePod,
  type RunningPod,
  type Runtime,
} from "../runtime.ts";
import { type Session, SessionRefused, type SessionRequest } from "../sessions/session.ts";
import type { DockerContext } from "./docker-context.ts";
import { DockerPod, podDirectory } from "./docker-pod.ts";
import { engineMessage, isMissing, statusOf, unlessGone } from "./engine-error.ts";
import { engineLog } from "./engine-logs.ts";
import { openEngineSession } from "./engine-session.ts";
import { EngineWatch } from "./engine-watch.ts";
import { ImagePuller } from "./image-puller.ts";
import { ensureInfraImage } from "./infra-image.ts";
import { label, type PodName } from "./labels.ts";
import { persist } from "./pause.ts";
import { readState } from "./pod-state.ts";

export interface DockerRuntimeOptions {
  readonly dataDir: string;
  readonly log?: Pick<Logger, "warn"> | undefined;
  /** A unix socket; by default DOCKER_HOST and its companions, or the system's socket. */
  readonly socketPath?: string | undefined;
  /** The network that Pods get: `bridge`, `none`, `host`, or one that the engine has. */
  readonly network?: string | undefined;
  /** hostPath volumes must lie below one of these; none by default. */
  readonly allowedHostPaths?: readonly string[] | undefined;
  /** Lets Pods be privileged and use the host's namespaces. */
  readonly allowPrivileged?: boolean | undefined;
  readonly hostIP?: string | undefined;
  readonly backoff?: BackoffTiming | undefined;
  readonly logLimits?: LogLimits | undefined;
  readonly resyncMs?: number | undefined;
  readonly volumeCheckMs?: number | undefined;
  /** When this machine started, Unix ms; asked of the system by default. */
  readonly bootedAtMs?: number | undefined;
}

/** As often as a kubelet looks. */
const VOLUME_CHECK_MS = 10_000;

/** Which worker owns what in the engine; as long-lived as the data directory. */
const ownerOf = (dataDir: string): string => {
  const path = join(dataDir, "docker", "owner");
  mkdirSync(join(dataDir, "docker", "pods"), { recursive: true });
  try {
    writeFileSync(path, randomUUID(), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return readFileSync(path, "utf8");
};

export class DockerRuntime implements Runtime {
  readonly name = "docker";
  readonly published: string;
  readonly #dataDir: string;
  readonly #rules: DockerRules;
  readonly #context: DockerContext;
  readonly #closed = new AbortController();
  readonly #pods = new Map<string, DockerPod>();

  private constructor(options: DockerRuntimeOptions) {
    this.#dataDir = resolve(options.dataDir);
    const { allowedHostPaths = [], allowPrivileged = false, network = "bridge", log } = options;
    this.#rules = { allowedHostPaths, allowPrivileged, network };
    this.published = JSON.stringify(this.#rules);
    const docker =
      options.socketPath === undefined
        ? new Docker()
        : new Docker({ socketPath: options.socketPath });
    const owner = ownerOf(this.#dataDir);
    const backoff = options.backoff ?? kubeletBackoff;
    const hostIP = options.hostIP ?? primaryAddress();
    this.#context = {
      docker,
      owner,
      network,
      allowedHostPaths,
      backoff,
      log,
      watch: new EngineWatch(docker, owner, log, options.resyncMs),
      images: new ImagePuller(docker, backoff),
      host: {
        hostIP,
        podIP: hostIP,
        cpus: availableParallelism(),
        memoryBytes: totalmem(),
      },
      logLimits: options.logLimits ?? kubeletLogLimits,
      bootedAtMs: options.bootedAtMs ?? Date.now() - uptime() * 1000,
      volumeCheckMs: options.volumeCheckMs ?? VOLUME_CHECK_MS,
      closed: this.#closed.signal,
    };
  }

  /** Throws when there is no engine to talk to. */
  static async open(options: DockerRuntimeOptions): Promise<DockerRuntime> {
    const runtime = new DockerRuntime(options);
    try {
      await ensureInfraImage(runtime.#context.docker);
    } catch (error) {
      throw new Error(`the Docker Engine can't be used: ${engineMessage(error)}`, { cause: error });
    }
    runtime.#context.watch.open();
    return runtime;
  }

  admit(spec: PodSpec): readonly Rejection[] {
    return dockerRejections(spec, this.#rules);
  }

  launch(pod: RunnablePod, sink: PodSink): RunningPod {
    const known = this.#pods.get(pod.uid);
    if (known !== undefined) return known.withSink(sink);
    const running = this.#newPod(pod, sink);
    if (readState(running.directory) === null) running.run([]);
    else void this.#resume(running);
    return running;
  }

  async adopt(
    pod: RunnablePod,
    _handle: string | undefined,
    sink: PodSink,
  ): Promise<RunningPod | null> {
    const known = this.#pods.get(pod.uid);
    if (known !== undefined) return known.withSink(sink);
    const directory = podDirectory(this.#dataDir, pod.uid);
    if (readState(directory) === null) {
      const containers = await this.#ofPod(pod.uid);
      if (containers === null || containers.length === 0) return null;
    }
    const running = this.#newPod(pod, sink);
    void this.#resume(running);
    return running;
  }

  async logs(pod: PodName, options: LogOptions): Promise<Readable> {
    const { container, previous = false } = options;
    const all = await this.#inspected(pod.uid);
    const runs = all
      .filter(({ Config, State }) => {
        const ran = State.Status !== "created" || State.Error !== "";
        return Config.Labels[label.container] === container && ran;
      })
      .toSorted((a, b) => restartOf(b) - restartOf(a));
    const run = runs[previous ? 1 : 0];
    if (run === undefined) {
      if (previous && runs.length > 0) {
        throw new LogUnavailable(
          `previous terminated container "${container}" in pod "${pod.name}" not found`,
        );
      }
      const reason = this.#waitingReason(pod.uid, container);
      throw new LogUnavailable(
        `container "${container}" in pod "${pod.name}" is waiting to start: ${reason}`,
      );
    }
    const source = { id: run.Id, tty: run.Config.Tty };
    return Readable.from(engineLog(this.#context.docker, source, options), { objectMode: false });
  }

  async openSession(pod: PodName, request: SessionRequest): Promise<Session> {
    const all = await this.#inspected(pod.uid);
    const running = all.find(
      ({ Config, State }) =>
        Config.Labels[label.container] === request.container && State.Running && !State.Paused,
    );
    if (running === undefined) {
      throw new SessionRefused(
        `container "${request.container}" of pod "${pod.name}" is not running`,
      );
    }
    const container = this.#context.docker.getContainer(running.Id);
    return openEngineSession(container, running.Config, request);
  }

  async remove({ uid }: { uid: string }): Promise<void> {
    const running = this.#pods.get(uid);
    running?.abandon();
    await running?.settled();
    this.#pods.delete(uid);
    const directory = podDirectory(this.#dataDir, uid);
    try {
      await this.#removeFromEngine(uid);
    } catch (error) {
      // Without a directory it is another runtime's Pod, which an engine out of reach must not keep.
      if (existsSync(directory) || statusOf(error) !== undefined) throw error;
    }
    await rm(directory, { recursive: true, force: true });
  }

  async #removeFromEngine(uid: string): Promise<void> {
    const { docker } = this.#context;
    const filters = this.#filters(uid);
    const containers = await docker.listContainers({ all: true, filters });
    await Promise.all(
      containers.map(({ Id }) =>
        unlessGone(docker.getContainer(Id).remove({ force: true, v: true })),
      ),
    );
    const { Volumes } = await docker.listVolumes({ filters: JSON.stringify(filters) });
    await Promise.all(Volumes.map(({ Name }) => unlessGone(docker.getVolume(Name).remove())));
  }

  async list(): Promise<readonly PodName[]> {
    const containers = await this.#context.docker.listContainers({
      all: true,
      filters: this.#filters(undefined),
    });
    const found = new Map<string, PodName>();
    for (const { Labels } of containers) {
      const uid = Labels[label.uid] ?? "";
      found.set(uid, {
        uid,
        namespace: Labels[label.namespace] ?? "",
        name: Labels[label.name] ?? "",
      });
    }
    for (const uid of readdirSync(join(this.#dataDir, "docker", "pods"))) {
      const state = readState(podDirectory(this.#dataDir, uid));
      if (state !== null) found.set(uid, { uid, namespace: state.namespace, name: state.name });
    }
    return [...found.values()];
  }

  /** Leaves Pods running. */
  async close(): Promise<void> {
    this.#closed.abort();
    for (const pod of this.#pods.values()) pod.abandon();
    await Promise.all([...this.#pods.values()].map((pod) => pod.settled()));
    await this.#context.watch.close();
  }

  #newPod(pod: RunnablePod, sink: PodSink): DockerPod {
    const directory = podDirectory(this.#dataDir, pod.uid);
    const running = new DockerPod(this.#context, pod, directory, sink);
    this.#pods.set(pod.uid, running);
    // What is asked about it later is in the engine and in its state.
    void running.ended.then(() => running.settled()).then(() => this.#pods.delete(pod.uid));
    return running;
  }

  /** Goes on with a Pod once the engine says what it has of it. */
  async #resume(running: DockerPod): Promise<void> {
    const containers = await this.#ofPod(running.pod.uid);
    if (containers === null) return;
    running.run(containers.filter(({ Config }) => Config.Labels[label.container] !== undefined));
  }

  /** `null` when the runtime was closed before the engine answered. */
  #ofPod(uid: string): Promise<ContainerInspectInfo[] | null> {
    const { log, backoff, closed } = this.#context;
    const failed = (error: unknown): void =>
      log?.warn({ err: error, uid }, "the engine can't be asked for a pod; trying again");
    return persist(() => this.#inspected(uid), failed, backoff, closed);
  }

  async #inspected(uid: string): Promise<ContainerInspectInfo[]> {
    const { docker } = this.#context;
    const listed = await docker.listContainers({ all: true, filters: this.#filters(uid) });
    const inspected = await Promise.all(
      listed.map(async ({ Id }) => {
        try {
          return [await docker.getContainer(Id).inspect()];
        } catch (error) {
          if (isMissing(error)) return [];
          throw error;
        }
      }),
    );
    return inspected.flat();
  }

  #filters(uid: string | undefined): { label: string[] } {
    const own = `${label.owner}=${this.#context.owner}`;
    return { label: uid === undefined ? [own] : [own, `${label.uid}=${uid}`] };
  }

  #waitingReason(uid: string, container: string): string {
    const running = this.#pods.get(uid);
    const { initContainers = [], containers = [] } = running?.pod.spec ?? {};
    const names = [...initContainers, ...containers].map(({ name }) => name);
    const records = [
      ...(running?.last?.initContainers ?? []),
      ...(running?.last?.containers ?? []),
    ];
    return records[names.indexOf(container)]?.reason ?? "ContainerCreating";
  }
}

const restartOf = ({ Config }: ContainerInspectInfo): number =>
  Number(Config.Labels[label.restart] ?? 0);

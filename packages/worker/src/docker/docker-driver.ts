// One container of a Pod in the engine: each run is an engine container of its own.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerState, PodSpec } from "@gantry/core";
import type Docker from "dockerode";
import type { ContainerInspectInfo } from "dockerode";
import type {
  ContainerDriver,
  ContainerExit,
  StartedContainer,
  StartOutcome,
  StartReports,
} from "../pod/container-driver.ts";
import { ContainerConfigError } from "../pod/environment.ts";
import { type Exec, MAX_EXEC_OUTPUT_BYTES } from "../pod/prober.ts";
import {
  MAX_LOG_MESSAGE_LINES,
  messageFromFile,
  messageFromLog,
} from "../pod/termination-message.ts";
import type { RunnablePod } from "../runtime.ts";
import { containerOptions, type PodGround } from "./container-config.ts";
import type { DockerContext } from "./docker-context.ts";
import { engineMessage, isMissing, statusOf, unlessGone } from "./engine-error.ts";
import { logTail } from "./engine-logs.ts";
import type { EndedContainer } from "./engine-watch.ts";
import { execIn } from "./engine-exec.ts";
import type { ObtainedImage } from "./image-puller.ts";
import { containerName, label } from "./labels.ts";
import { pause, persist } from "./pause.ts";
import { credentialsFor } from "./registry-credentials.ts";

type Container = NonNullable<PodSpec["containers"]>[number];

const CONFLICT = 409;
const LOST_EXIT_CODE = 137;
/** Docker's exit code for a container that could not be started for no better known reason. */
const CANNOT_RUN_CODE = 128;
/** A signal that the engine did not take is sent again. */
const SIGNAL_RETRY_MS = 1000;

/** A run that the engine knows from before a restart of the worker. */
export interface KnownRun {
  readonly restart: number;
  readonly info: ContainerInspectInfo;
  readonly lastState?: ContainerState | undefined;
}

export interface DriverPod {
  readonly pod: RunnablePod;
  readonly directory: string;
  /** `null` when the container is to stop first. */
  ground(reports: StartReports): Promise<PodGround | null>;
}

interface CurrentRun {
  readonly engine: Docker.Container;
  readonly stopSignal: string;
}

export class DockerDriver implements ContainerDriver {
  readonly known?: KnownRun;
  readonly #context: DockerContext;
  readonly #pod: DriverPod;
  readonly #container: Container;
  #current: CurrentRun | null = null;
  #last: { readonly id: string; readonly tty: boolean } | null = null;

  constructor(
    context: DockerContext,
    pod: DriverPod,
    container: Container,
    known: KnownRun | undefined,
  ) {
    this.#context = context;
    this.#pod = pod;
    this.#container = container;
    if (known !== undefined) this.known = known;
  }

  async start(restart: number, reports: StartReports): Promise<StartOutcome> {
    if (this.known?.restart === restart) {
      const { info } = this.known;
      const failed = startFailure(info);
      return failed === null ? this.#running(info, true) : { failed };
    }
    const ground = await this.#pod.ground(reports);
    if (ground === null) return null;
    const image = await this.#image(reports);
    if (image === null) return null;
    const engine = await this.#create(restart, image, ground, reports);
    if (engine === null) return null;
    if (restart > 1) this.#drop(restart - 2);
    return this.#launch(engine, reports);
  }

  signal(name: NodeJS.Signals | undefined): void {
    if (this.#current !== null) void this.#send(this.#current, name);
  }

  readonly exec: Exec = (argv, timeoutMs) =>
    this.#current === null
      ? Promise.resolve({ exitCode: -1, output: "container not running", timedOut: false })
      : execIn(this.#current.engine, argv, timeoutMs, MAX_EXEC_OUTPUT_BYTES);

  async message(restart: number, exitCode: number): Promise<string> {
    const text = messageFromFile(this.#messageFile(restart));
    const fromLogs = this.#container.terminationMessagePolicy === "FallbackToLogsOnError";
    if (text !== "" || exitCode === 0 || !fromLogs || this.#last === null) return text;
    try {
      const log = await logTail(this.#context.docker, this.#last, MAX_LOG_MESSAGE_LINES);
      return messageFromLog(log);
    } catch (error) {
      return `the container's log can't be read: ${engineMessage(error)}`;
    }
  }

  #image(reports: StartReports): Promise<ObtainedImage | null> {
    const { image = "", imagePullPolicy } = this.#container;
    return this.#context.images.obtain(
      {
        image,
        policy: imagePullPolicy,
        credentials: (reference) => credentialsFor(this.#pod.pod, reference),
      },
      reports,
    );
  }

  async #create(
    restart: number,
    image: ObtainedImage,
    ground: PodGround,
    reports: StartReports,
  ): Promise<Docker.Container | null> {
    const attempt = async (): Promise<Docker.Container> => {
      const messageFile = this.#messageFile(restart);
      mkdirSync(join(this.#pod.directory, "messages"), { recursive: true });
      writeFileSync(messageFile, "");
      // Containers may run as other users.
      chmodSync(messageFile, 0o666);
      const { pod } = this.#pod;
      const container = this.#container;
      const { owner, host, logLimits } = this.#context;
      const request = {
        pod,
        container,
        restart,
        image,
        ground,
        owner,
        host,
        logLimits,
        messageFile,
      };
      return this.#createAnew(containerOptions(request));
    };
    const failed = (error: unknown): void => {
      const isConfig = error instanceof ContainerConfigError;
      const message = engineMessage(error);
      reports.waiting(isConfig ? "CreateContainerConfigError" : "CreateContainerError", message);
      reports.event("Warning", "Failed", `Error: ${message}`);
    };
    const engine = await persist(attempt, failed, this.#context.backoff, reports.cancelled);
    if (engine === null) return null;
    if (reports.cancelled.aborted) {
      await unlessGone(engine.remove({ force: true, v: true })).catch(() => {});
      return null;
    }
    reports.event("Normal", "Created", "Container created");
    return engine;
  }

  /** What has the name already was never started: a worker died in between. */
  async #createAnew(options: Docker.ContainerCreateOptions): Promise<Docker.Container> {
    const { docker } = this.#context;
    try {
      return await docker.createContainer(options);
    } catch (error) {
      if (statusOf(error) !== CONFLICT || options.name === undefined) throw error;
      await unlessGone(docker.getContainer(options.name).remove({ force: true, v: true }));
      return docker.createContainer(options);
    }
  }

  async #launch(engine: Docker.Container, reports: StartReports): Promise<StartOutcome> {
    for (;;) {
      try {
        await engine.start();
        return this.#running(await engine.inspect(), false);
      } catch (error) {
        const info = await engine.inspect().catch(() => null);
        if (info?.State.Running === true) return this.#running(info, false);
        const failed = info === null ? null : startFailure(info);
        if (failed !== null) return { failed };
        const message = engineMessage(error);
        reports.waiting("RunContainerError", message);
        reports.event("Warning", "Failed", `Error: ${message}`);
        if (!(await pause(this.#context.backoff.initialMs, reports.cancelled))) return null;
      }
    }
  }

  #running(info: ContainerInspectInfo, resumed: boolean): StartedContainer {
    const { docker, watch } = this.#context;
    const engine = docker.getContainer(info.Id);
    this.#current = { engine, stopSignal: stopSignalOf(info) };
    this.#last = { id: info.Id, tty: info.Config.Tty };
    return {
      containerID: `docker://${info.Id}`,
      imageID: info.Config.Labels[label.imageId] ?? info.Image,
      startedAtMs: timeOf(info.State.StartedAt) ?? Date.now(),
      resumed,
      exited: watch.ended(info.Id).then((ended) => {
        this.#current = null;
        return exitOf(ended);
      }),
    };
  }

  async #send(current: CurrentRun, name: NodeJS.Signals | undefined): Promise<void> {
    while (this.#current === current && !this.#context.closed.aborted) {
      try {
        await current.engine.kill({ signal: name ?? current.stopSignal });
        return;
      } catch (error) {
        if (isMissing(error) || statusOf(error) === CONFLICT) return;
        await pause(SIGNAL_RETRY_MS, this.#context.closed);
      }
    }
  }

  /** Of the runs that have ended, the newest is kept: it has the `previous` log. */
  #drop(restart: number): void {
    const name = containerName(this.#pod.pod.uid, this.#container.name ?? "", restart);
    const old = this.#context.docker.getContainer(name);
    // What could not be removed now goes with the Pod.
    unlessGone(old.remove({ force: true, v: true })).catch(() => {});
  }

  #messageFile(restart: number): string {
    return join(this.#pod.directory, "messages", `${this.#container.name}-${restart}`);
  }
}

/** `undefined` for Go's zero time: it has not come yet. */
const timeOf = (text: string): number | undefined => {
  const ms = Date.parse(text);
  return ms > 0 ? ms : undefined;
};

/** The image's, where it has one (the client's types leave it out). */
const stopSignalOf = ({ Config }: ContainerInspectInfo): string =>
  (Config as { StopSignal?: string }).StopSignal ?? "SIGTERM";

/** A container that was asked to start and could not. */
const startFailure = ({ State }: ContainerInspectInfo): ContainerExit | null =>
  State.Status === "created" && State.Error !== ""
    ? {
        exitCode: State.ExitCode === 0 ? CANNOT_RUN_CODE : State.ExitCode,
        reason: "ContainerCannotRun",
        startError: State.Error,
      }
    : null;

const exitOf = (ended: EndedContainer): ContainerExit => {
  if (ended === null) return { exitCode: LOST_EXIT_CODE, reason: "ContainerStatusUnknown" };
  const { ExitCode, OOMKilled, FinishedAt } = ended.State;
  return {
    exitCode: ExitCode,
    finishedAtMs: timeOf(FinishedAt),
    ...(OOMKilled && ExitCode !== 0 ? { reason: "OOMKilled" } : {}),
  };
};

/** What a run of before looks like in lastState. */
export const terminatedState = (info: ContainerInspectInfo): ContainerState => {
  const { exitCode, reason, startError, finishedAtMs } = startFailure(info) ?? exitOf(info);
  return {
    state: "terminated",
    reason: reason ?? (exitCode === 0 ? "Completed" : "Error"),
    exitCode,
    ...(startError === undefined ? {} : { message: startError }),
    startedAtMs: timeOf(info.State.StartedAt),
    finishedAtMs,
  };
};

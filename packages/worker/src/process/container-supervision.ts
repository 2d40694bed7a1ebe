// One container of a Pod in the supervisor: its runs, probes, hooks and stop, and its status.
import { closeSync, openSync, readFileSync, readSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { ContainerRecord, ContainerState } from "@gantry/core";
import { dropOldLogs, LogFile, logFileName, logSequences } from "../logs/log-file.ts";
import { decodeRecord } from "../logs/log-record.ts";
import type { RuntimeEvent } from "../runtime.ts";
import { type ContainerExit, execBeside, startContainer } from "./container-process.ts";
import { signalGroup } from "./leftovers.ts";
import type { PipePool } from "./pipe-pool.ts";
import { type ContainerPlan, logDirectory, type PodPlan, type ProbePlan } from "./pod-plan.ts";
import { type Exec, perform, Prober } from "./prober.ts";
import type { ProcessIdentity } from "./process-identity.ts";

/** A kubelet's limits: of a message, and of the log that stands in for one. */
const MAX_MESSAGE_BYTES = 4096;
const MAX_LOG_MESSAGE_BYTES = 2048;
const MAX_LOG_MESSAGE_LINES = 80;
/** What a container still gets after a preStop hook used up its grace, as a kubelet gives. */
const MIN_GRACE_AFTER_HOOK_MS = 2000;
/** A postStart hook has no limit of its own in Kubernetes; this only bounds a leak. */
const MAX_HOOK_MS = 2 ** 31 - 1;

export interface ContainerHost {
  readonly plan: PodPlan;
  readonly pipes: PipePool;
  started(identity: ProcessIdentity): void;
  changed(): void;
  event(event: RuntimeEvent): void;
}

export class ContainerSupervision {
  readonly plan: ContainerPlan;
  readonly #host: ContainerHost;
  record: ContainerRecord;
  #pid: number | null = null;
  #probers: Prober[] = [];
  #readinessPassed = false;
  #killTimer: NodeJS.Timeout | undefined;
  #killAtMs = Number.POSITIVE_INFINITY;
  #stopping = false;
  #onStarted: () => void = () => {};
  /** Resolves when the container first counts as started (startup probe and postStart passed). */
  readonly started: Promise<void>;

  constructor(plan: ContainerPlan, host: ContainerHost, waitingReason: string) {
    this.plan = plan;
    this.#host = host;
    this.record = {
      state: "waiting",
      reason: waitingReason,
      restartCount: 0,
      ready: false,
      started: false,
      imageID: "",
    };
    this.started = new Promise((resolve) => (this.#onStarted = resolve));
  }

  get running(): boolean {
    return this.#pid !== null;
  }

  /** Runs the container once, to its end. */
  async run(restart: number): Promise<void> {
    const { plan } = this.#host;
    const directory = logDirectory(plan.directory, this.plan.name);
    if (restart > 1) dropOldLogs(directory, restart);
    this.#clearMessage();
    const log = new LogFile(directory, restart, plan.logLimits);
    this.#stopping = false;
    this.#killAtMs = Number.POSITIVE_INFINITY;
    const startedAtMs = Date.now();
    const { identity, exited } = startContainer(this.plan, plan, this.#host.pipes, log);
    if (identity !== null) this.#begin(identity, restart, startedAtMs);
    const exit = await exited;
    this.#end(exit, restart, startedAtMs);
  }

  /** What it shows while it waits for its next run. */
  wait(reason: string, message: string): void {
    this.record = {
      ...this.#base(this.record.restartCount),
      state: "waiting",
      reason,
      message,
      lastState: terminatedState(this.record),
    };
    this.#host.changed();
  }

  /** Ends the present run: preStop, the stop signal, then SIGKILL. A later call can only shorten it. */
  stop(graceMs: number): void {
    if (this.#pid === null) return;
    this.#killBy(Date.now() + graceMs);
    if (this.#stopping) return;
    this.#stopping = true;
    this.#stopProbes();
    this.#emit("Normal", "Killing", `Stopping container ${this.plan.name}`);
    void this.#terminate(graceMs);
  }

  kill(): void {
    if (this.#pid !== null) signalGroup(this.#pid, "SIGKILL");
  }

  async #terminate(graceMs: number): Promise<void> {
    const pid = this.#pid;
    if (this.plan.preStop !== undefined && graceMs > 0) {
      const failure = await perform(this.plan.preStop, graceMs, this.#exec);
      if (failure !== null) this.#emit("Warning", "FailedPreStopHook", "PreStopHook failed");
      if (this.#pid !== pid) return;
      const leftMs = this.#killAtMs - Date.now();
      if (leftMs < MIN_GRACE_AFTER_HOOK_MS) {
        this.#killAtMs = Number.POSITIVE_INFINITY;
        this.#killBy(Date.now() + MIN_GRACE_AFTER_HOOK_MS);
      }
    }
    if (pid !== null && this.#pid === pid) signalGroup(pid, this.plan.stopSignal);
  }

  #killBy(atMs: number): void {
    if (atMs >= this.#killAtMs) return;
    this.#killAtMs = atMs;
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => this.kill(), Math.max(0, atMs - Date.now()));
  }

  #base(restartCount: number): Omit<ContainerRecord, "state"> {
    return { restartCount, ready: false, started: false, imageID: "" };
  }

  #begin(identity: ProcessIdentity, restart: number, startedAtMs: number): void {
    this.#pid = identity.pid;
    this.#readinessPassed = this.plan.readinessProbe === undefined;
    this.#host.started(identity);
    const lastState = terminatedState(this.record);
    const started = this.plan.startupProbe === undefined;
    this.record = {
      ...this.#base(restart),
      state: "running",
      startedAtMs,
      containerID: `process://${identity.pid}-${identity.start}`,
      started,
      ready: started && this.#readinessPassed,
      ...(lastState === undefined ? {} : { lastState }),
    };
    this.#emit("Normal", "Started", "Container started");
    this.#host.changed();
    if (this.plan.postStart === undefined) this.#startProbes();
    else void this.#postStart(identity.pid);
  }

  async #postStart(pid: number): Promise<void> {
    if (this.plan.postStart === undefined) return;
    const failure = await perform(this.plan.postStart, MAX_HOOK_MS, this.#exec);
    if (this.#pid !== pid) return;
    if (failure === null) return this.#startProbes();
    this.#emit("Warning", "FailedPostStartHook", `PostStartHook failed: ${failure}`);
    this.stop(this.#host.plan.graceSeconds * 1000);
  }

  #startProbes(): void {
    const { startupProbe } = this.plan;
    if (startupProbe === undefined) return this.#afterStartup();
    this.#probe(startupProbe, "Startup", (healthy) => {
      this.#stopProbes();
      if (!healthy) return this.#unhealthy(startupProbe, "startup");
      this.record = { ...this.record, started: true, ready: this.#readinessPassed };
      this.#host.changed();
      this.#afterStartup();
    });
  }

  #afterStartup(): void {
    this.#onStarted();
    const { livenessProbe, readinessProbe } = this.plan;
    if (livenessProbe !== undefined) {
      this.#probe(livenessProbe, "Liveness", (healthy) => {
        if (!healthy) this.#unhealthy(livenessProbe, "liveness");
      });
    }
    if (readinessProbe === undefined) return;
    this.#probe(readinessProbe, "Readiness", (healthy) => {
      this.#readinessPassed = healthy;
      if (this.record.ready === healthy) return;
      this.record = { ...this.record, ready: healthy };
      this.#host.changed();
    });
  }

  #probe(plan: ProbePlan, kind: string, verdict: (healthy: boolean) => void): void {
    const failed = (message: string): void =>
      this.#emit("Warning", "Unhealthy", `${kind} probe failed: ${message}`);
    this.#probers.push(new Prober(plan, this.#exec, { failed, verdict }));
  }

  #unhealthy(plan: ProbePlan, kind: string): void {
    const { name } = this.plan;
    this.#emit("Normal", "Killing", `Container ${name} failed ${kind} probe, will be restarted`);
    this.stop((plan.graceSeconds ?? this.#host.plan.graceSeconds) * 1000);
  }

  #stopProbes(): void {
    for (const prober of this.#probers) prober.stop();
    this.#probers = [];
  }

  readonly #exec: Exec = (argv, timeoutMs) =>
    this.#pid === null
      ? Promise.resolve({ exitCode: -1, output: "container not running", timedOut: false })
      : execBeside(this.plan, this.#pid, this.#host.plan.rootless, argv, timeoutMs);

  #end(exit: ContainerExit, restart: number, startedAtMs: number): void {
    this.#pid = null;
    clearTimeout(this.#killTimer);
    this.#stopProbes();
    const { lastState } = this.record;
    const before = this.record.state === "running" ? lastState : terminatedState(this.record);
    const completed = exit.exitCode === 0 ? "Completed" : "Error";
    const message = exit.startError ?? this.#message(exit.exitCode, restart);
    this.record = {
      ...this.#base(restart),
      state: "terminated",
      reason: exit.startError === undefined ? completed : "StartError",
      exitCode: exit.exitCode,
      startedAtMs,
      finishedAtMs: Date.now(),
      ...(message === "" ? {} : { message }),
      ...(exit.signal === undefined ? {} : { signal: exit.signal }),
      ...(before === undefined ? {} : { lastState: before }),
    };
    if (exit.startError !== undefined) {
      this.#emit("Warning", "Failed", `Error: ${exit.startError}`);
    }
    this.#host.changed();
  }

  #clearMessage(): void {
    try {
      if (this.plan.messageFile !== undefined) truncateSync(this.plan.messageFile);
    } catch {
      // Not there: there is nothing to clear.
    }
  }

  #message(exitCode: number, restart: number): string {
    let text = "";
    try {
      const { messageFile } = this.plan;
      if (messageFile !== undefined) text = readStart(messageFile, MAX_MESSAGE_BYTES);
    } catch {
      // Removed by the container: it left no message.
    }
    if (text !== "" || exitCode === 0 || !this.plan.messageFromLogs) return text;
    return lastLines(logDirectory(this.#host.plan.directory, this.plan.name), restart);
  }

  #emit(type: RuntimeEvent["type"], reason: string, message: string): void {
    const list = this.#host.plan.initContainers.includes(this.plan)
      ? "initContainers"
      : "containers";
    this.#host.event({ type, reason, message, fieldPath: `spec.${list}{${this.plan.name}}` });
  }
}

const terminatedState = (record: ContainerRecord): ContainerState | undefined => {
  if (record.state !== "terminated") return record.lastState;
  const { state, reason, message, exitCode, signal, startedAtMs, finishedAtMs } = record;
  return { state, reason, message, exitCode, signal, startedAtMs, finishedAtMs };
};

const readStart = (path: string, maxBytes: number): string => {
  const fd = openSync(path, "r");
  try {
    const data = Buffer.alloc(maxBytes);
    return data.toString("utf8", 0, readSync(fd, data, 0, maxBytes, 0));
  } finally {
    closeSync(fd);
  }
};

/** The end of a run's log, for FallbackToLogsOnError. */
const lastLines = (directory: string, restart: number): string => {
  const sequence = logSequences(directory, restart).at(-1);
  if (sequence === undefined) return "";
  const data = readFileSync(join(directory, logFileName(restart, sequence)));
  let text = "";
  for (const line of data.toString("latin1").split("\n")) {
    const record = decodeRecord(Buffer.from(line, "latin1"));
    if (record !== null) text += record.text.toString() + (record.whole ? "\n" : "");
  }
  const lines = text.split("\n");
  return lines
    .slice(-MAX_LOG_MESSAGE_LINES - 1)
    .join("\n")
    .slice(-MAX_LOG_MESSAGE_BYTES);
};

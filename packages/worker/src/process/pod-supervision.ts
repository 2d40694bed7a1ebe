// One Pod in the supervisor: init containers in order, sidecars, containers, restarts, deadline, stop.
import type { ContainerRecord } from "@gantry/core";
import { RestartBackoff, shouldRestart } from "../pod/restart.ts";
import type { Observation, RuntimeEvent } from "../runtime.ts";
import { ContainerSupervision } from "./container-supervision.ts";
import type { Journal } from "./journal.ts";
import type { PipePool } from "./pipe-pool.ts";
import type { ContainerPlan, PodPlan } from "./pod-plan.ts";

export interface PodReports {
  observed(observation: Observation): void;
  event(event: RuntimeEvent): void;
}

const killed = {
  reason: "ContainerStatusUnknown",
  message: "The container could not be located when the pod was terminated",
  exitCode: 137,
};

export class PodSupervision {
  readonly plan: PodPlan;
  readonly #journal: Journal;
  readonly #reports: PodReports;
  readonly #init: readonly ContainerSupervision[];
  readonly #main: readonly ContainerSupervision[];
  readonly #startedAtMs = Date.now();
  /** Sidecars' loops: they go on until the Pod's containers have ended. */
  readonly #sidecars: { container: ContainerSupervision; loop: Promise<boolean> }[] = [];
  readonly #stopped = new AbortController();
  #killAtMs = Number.POSITIVE_INFINITY;
  #sidecarsStopping = false;
  #initialized = false;
  #failure: { reason?: string; message?: string } | null = null;
  #changePending = false;
  #final: Observation | null = null;
  #deadline: NodeJS.Timeout | undefined;

  constructor(plan: PodPlan, journal: Journal, pipes: PipePool, reports: PodReports) {
    this.plan = plan;
    this.#journal = journal;
    this.#reports = reports;
    const reason = plan.initContainers.length > 0 ? "PodInitializing" : "ContainerCreating";
    const host = {
      plan,
      pipes,
      started: (process: { pid: number; start: string }) => journal.append({ process }),
      changed: () => this.#changed(),
      event: (event: RuntimeEvent) => reports.event(event),
    };
    const supervise = (each: ContainerPlan): ContainerSupervision =>
      new ContainerSupervision(each, host, reason);
    this.#init = plan.initContainers.map(supervise);
    this.#main = plan.containers.map(supervise);
  }

  get observation(): Observation {
    return this.#final ?? this.#observe();
  }

  /** Runs the Pod to its end. */
  async run(): Promise<void> {
    const { deadlineMs } = this.plan;
    if (deadlineMs !== undefined) {
      this.#deadline = setTimeout(() => this.#exceeded(), Math.min(deadlineMs, 2 ** 31 - 1));
    }
    if (await this.#initialize()) {
      this.#initialized = true;
      await this.#runMain();
    }
    await this.#stopSidecars();
    clearTimeout(this.#deadline);
    this.#finish();
  }

  /** X4. A later call can only shorten the grace. */
  stop(graceSeconds: number): void {
    if (this.#final !== null) return;
    const killAtMs = Date.now() + graceSeconds * 1000;
    if (killAtMs >= this.#killAtMs) return;
    this.#killAtMs = killAtMs;
    this.#stopped.abort();
    const sidecars = new Set(this.#sidecars.map(({ container }) => container));
    for (const container of [...this.#init, ...this.#main]) {
      if (!sidecars.has(container) || this.#sidecarsStopping) container.stop(this.#graceMs());
    }
  }

  killAll(): void {
    this.stop(0);
    for (const container of [...this.#init, ...this.#main]) container.kill();
  }

  #graceMs(): number {
    return Math.max(0, this.#killAtMs - Date.now());
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  #exceeded(): void {
    this.#failure = {
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    };
    this.stop(this.plan.graceSeconds);
  }

  /** True when every init container succeeded and every sidecar has started. */
  async #initialize(): Promise<boolean> {
    for (const container of this.#init) {
      if (this.#isStopped()) return false;
      if (container.plan.sidecar) {
        const loop = this.#keep(container);
        this.#sidecars.push({ container, loop });
        await Promise.race([container.started, loop, this.#untilStopped()]);
        continue;
      }
      if (!(await this.#keep(container))) return false;
    }
    return !this.#isStopped();
  }

  #untilStopped(): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
  }

  async #runMain(): Promise<void> {
    const loops: Promise<boolean>[] = [];
    for (const container of this.#main) {
      if (this.#isStopped()) break;
      const loop = this.#keep(container);
      loops.push(loop);
      // As a kubelet does: the next container waits for this one's postStart hook.
      if (container.plan.postStart !== undefined && container.plan.startupProbe === undefined) {
        await Promise.race([container.started, loop, this.#untilStopped()]);
      }
    }
    await Promise.all(loops);
  }

  /** Runs a container until it is not to be started again; whether its last run succeeded. */
  async #keep(container: ContainerSupervision): Promise<boolean> {
    const backoff = new RestartBackoff(this.plan.backoff);
    for (let restart = 0; ; restart += 1) {
      await container.run(restart);
      const { exitCode = 0, startedAtMs = 0, finishedAtMs = 0 } = container.record;
      const over = this.#isStopped() || (container.plan.sidecar && this.#sidecarsStopping);
      if (over || !shouldRestart(container.plan.restart, exitCode)) return exitCode === 0;
      const delayMs = backoff.delayAfter(finishedAtMs - startedAtMs);
      if (delayMs > 0) await this.#crashLoop(container, delayMs);
      if (this.#isStopped() || (container.plan.sidecar && this.#sidecarsStopping)) return false;
    }
  }

  async #crashLoop(container: ContainerSupervision, delayMs: number): Promise<void> {
    const { name, namespace, uid } = this.plan;
    const which = `failed container=${container.plan.name} pod=${name}_${namespace}(${uid})`;
    container.wait("CrashLoopBackOff", `back-off ${goSeconds(delayMs)} restarting ${which}`);
    this.#reports.event({
      type: "Warning",
      reason: "BackOff",
      message: `Back-off restarting failed container ${container.plan.name} in pod ${name}_${namespace}(${uid})`,
      fieldPath: `spec.containers{${container.plan.name}}`,
    });
    await new Promise<void>((resolve) => {
      const { signal } = this.#stopped;
      const timer = setTimeout(done, delayMs);
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
      signal.addEventListener("abort", done);
    });
  }

  /** Sidecars end last, in reverse order of their start. */
  async #stopSidecars(): Promise<void> {
    this.#sidecarsStopping = true;
    if (!this.#isStopped()) this.#killAtMs = Date.now() + this.plan.graceSeconds * 1000;
    this.#stopped.abort();
    for (const { container, loop } of this.#sidecars.toReversed()) {
      container.stop(this.#graceMs());
      await loop;
    }
  }

  #finish(): void {
    const succeeded =
      this.#failure === null &&
      this.#initialized &&
      this.#main.every(({ record }) => record.state === "terminated" && record.exitCode === 0);
    const phase = succeeded ? "Succeeded" : "Failed";
    const settle = (record: ContainerRecord): ContainerRecord => settled(record, this.#initialized);
    const { containers, initContainers, ...rest } = this.#observe();
    this.#final = {
      ...rest,
      phase,
      ready: false,
      containers: containers.map(settle),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(settle) }),
      ...this.#failure,
    };
    this.#report(this.#final);
    this.#journal.close();
  }

  /** Changes within one turn of the event loop are one observation; an end goes before them. */
  #changed(): void {
    if (this.#changePending || this.#final !== null) return;
    this.#changePending = true;
    setImmediate(() => {
      this.#changePending = false;
      if (this.#final === null) this.#report(this.#observe());
    });
  }

  #report(observation: Observation): void {
    this.#journal.append({ observation });
    this.#reports.observed(observation);
  }

  #observe(): Observation {
    const containers = this.#main.map(({ record }) => record);
    const sidecars = this.#init.filter(({ plan }) => plan.sidecar).map(({ record }) => record);
    const begun = containers.some(
      ({ state, restartCount }) => state !== "waiting" || restartCount > 0,
    );
    return {
      phase: begun ? "Running" : "Pending",
      startedAtMs: this.#startedAtMs,
      ready: begun && [...containers, ...sidecars].every(({ ready }) => ready),
      containers,
      ...(this.#init.length === 0 ? {} : { initContainers: this.#init.map(initRecord) }),
      podIP: this.plan.podIP,
      hostIP: this.plan.podIP,
      handle: this.plan.directory,
    };
  }
}

/** An init container that has done its work counts as ready. */
const initRecord = ({ record, plan }: ContainerSupervision): ContainerRecord =>
  !plan.sidecar && record.state === "terminated" && record.exitCode === 0
    ? { ...record, ready: true }
    : record;

/** What a container that waits shows once its Pod has ended. */
const settled = (record: ContainerRecord, initialized: boolean): ContainerRecord => {
  if (record.state !== "waiting") return record;
  const { restartCount, lastState, imageID } = record;
  const base = { restartCount, ready: false, started: false, imageID };
  if (lastState !== undefined) return { ...base, ...lastState };
  return initialized ? { ...base, state: "terminated", ...killed } : record;
};

/** `10s`, `1m20s`, as Go prints a duration. */
const goSeconds = (ms: number): string => {
  if (ms < 1000) return `${ms}ms`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
};

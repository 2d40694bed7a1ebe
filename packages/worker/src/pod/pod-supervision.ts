// One Pod under supervision: init containers, sidecars, containers, restarts, deadline, stop.
import type { ContainerRecord } from "@gantry/core";
import type { Disruption, Observation, RuntimeEvent } from "../runtime.ts";
import { ContainerSupervision, type SupervisedContainer } from "./container-supervision.ts";
import { goDuration } from "./go-duration.ts";
import { type BackoffTiming, RestartBackoff, shouldRestart } from "./restart.ts";

export interface PodReports {
  observed(observation: Observation): void;
  event(event: RuntimeEvent): void;
}

const killed = {
  reason: "ContainerStatusUnknown",
  message: "The container could not be located when the pod was terminated",
  exitCode: 137,
};

/** Why a Pod fails although its containers did not. */
export interface PodFailure {
  readonly reason: string;
  readonly message: string;
  readonly disruption?: Disruption;
}

export interface PodBehaviour {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly graceSeconds: number;
  readonly startedAtMs: number;
  /** activeDeadlineSeconds, counted from now. */
  readonly deadlineMs?: number | undefined;
  readonly backoff: BackoffTiming;
  readonly initContainers: readonly SupervisedContainer[];
  readonly containers: readonly SupervisedContainer[];
  /** What every observation carries; may be filled in while the Pod starts. */
  readonly facts: Pick<Observation, "podIP" | "hostIP" | "handle">;
}

export class PodSupervision {
  readonly behaviour: PodBehaviour;
  readonly #reports: PodReports;
  readonly #init: readonly ContainerSupervision[];
  readonly #main: readonly ContainerSupervision[];
  /** Sidecars' loops: they go on until the Pod's containers have ended. */
  readonly #sidecars: { container: ContainerSupervision; loop: Promise<boolean> }[] = [];
  readonly #stopped = new AbortController();
  #killAtMs = Number.POSITIVE_INFINITY;
  #sidecarsStopping = false;
  #initialized = false;
  #failure: PodFailure | null = null;
  #changePending = false;
  #final: Observation | null = null;
  #deadline: NodeJS.Timeout | undefined;
  #abandoned = false;

  constructor(behaviour: PodBehaviour, reports: PodReports) {
    this.behaviour = behaviour;
    this.#reports = reports;
    const { initContainers, containers, graceSeconds } = behaviour;
    const waitingReason = initContainers.length > 0 ? "PodInitializing" : "ContainerCreating";
    const host = {
      graceSeconds,
      changed: () => this.#changed(),
      event: (event: RuntimeEvent) => {
        if (!this.#abandoned) reports.event(event);
      },
    };
    const supervise =
      (isInit: boolean) =>
      (each: SupervisedContainer): ContainerSupervision =>
        new ContainerSupervision(each, host, { isInit, waitingReason });
    this.#init = initContainers.map(supervise(true));
    this.#main = containers.map(supervise(false));
  }

  get observation(): Observation {
    return this.#final ?? this.#observe();
  }

  /** Runs the Pod to its end. */
  async run(): Promise<void> {
    const { deadlineMs } = this.behaviour;
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

  /** Stops the Pod, which ends Failed with this reason unless it had another before. */
  fail(failure: PodFailure, graceSeconds: number): void {
    if (this.#final !== null) return;
    this.#failure ??= failure;
    this.stop(Math.min(graceSeconds, this.behaviour.graceSeconds));
  }

  killAll(): void {
    this.stop(0);
    for (const container of [...this.#init, ...this.#main]) container.kill();
  }

  /** Leaves everything as it is: another worker goes on from there. */
  abandon(): void {
    this.#abandoned = true;
    clearTimeout(this.#deadline);
    for (const container of [...this.#init, ...this.#main]) container.abandon();
  }

  #graceMs(): number {
    return Math.max(0, this.#killAtMs - Date.now());
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  #exceeded(): void {
    if (this.#final !== null) return;
    const message = "Pod was active on the node longer than the specified deadline";
    this.#reports.event({ type: "Normal", reason: "DeadlineExceeded", message });
    this.fail({ reason: "DeadlineExceeded", message }, this.behaviour.graceSeconds);
  }

  /** True when every init container succeeded and every sidecar has started. */
  async #initialize(): Promise<boolean> {
    for (const container of this.#init) {
      // What was started before a restart of the worker is taken up, if only to be stopped.
      if (this.#isStopped() && container.driver.known === undefined) return false;
      if (container.behaviour.sidecar) {
        const loop = this.#keep(container);
        this.#sidecars.push({ container, loop });
        await Promise.race([container.started, loop, this.#untilStopped()]);
        continue;
      }
      if (!(await this.#keep(container))) return false;
    }
    return !this.#isStopped() || this.#main.some(({ driver }) => driver.known !== undefined);
  }

  #untilStopped(): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
  }

  async #runMain(): Promise<void> {
    const loops: Promise<boolean>[] = [];
    for (const container of this.#main) {
      if (this.#isStopped() && container.driver.known === undefined) continue;
      const loop = this.#keep(container);
      loops.push(loop);
      const { postStart, startupProbe } = container.behaviour;
      // As a kubelet does: the next container waits for this one's postStart hook.
      if (postStart !== undefined && startupProbe === undefined) {
        await Promise.race([container.started, loop, this.#untilStopped()]);
      }
    }
    await Promise.all(loops);
  }

  /** Runs a container until it is not to be started again; whether its last run succeeded. */
  async #keep(container: ContainerSupervision): Promise<boolean> {
    const backoff = new RestartBackoff(this.behaviour.backoff);
    const { sidecar, restart: policy } = container.behaviour;
    for (let restart = container.driver.known?.restart ?? 0; ; restart += 1) {
      const run = container.run(restart);
      if (this.#isStopped()) container.stop(this.#graceMs());
      await run;
      const { state, exitCode = 0, startedAtMs = 0, finishedAtMs = 0 } = container.record;
      if (state !== "terminated") return false;
      const over = this.#isStopped() || (sidecar && this.#sidecarsStopping);
      if (over || !shouldRestart(policy, exitCode)) return exitCode === 0;
      const delayMs = backoff.delayAfter(finishedAtMs - startedAtMs);
      if (delayMs > 0) await this.#crashLoop(container, delayMs);
      if (this.#isStopped() || (sidecar && this.#sidecarsStopping)) return false;
    }
  }

  async #crashLoop(container: ContainerSupervision, delayMs: number): Promise<void> {
    const { name, namespace, uid } = this.behaviour;
    const { name: containerName } = container.behaviour;
    const which = `failed container=${containerName} pod=${name}_${namespace}(${uid})`;
    container.wait("CrashLoopBackOff", `back-off ${goDuration(delayMs)} restarting ${which}`);
    this.#reports.event({
      type: "Warning",
      reason: "BackOff",
      message: `Back-off restarting failed container ${containerName} in pod ${name}_${namespace}(${uid})`,
      fieldPath: `spec.containers{${containerName}}`,
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
    if (!this.#isStopped()) this.#killAtMs = Date.now() + this.behaviour.graceSeconds * 1000;
    this.#stopped.abort();
    for (const { container, loop } of this.#sidecars.toReversed()) {
      container.stop(this.#graceMs());
      await loop;
    }
  }

  #finish(): void {
    if (this.#abandoned) return;
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
    this.#reports.observed(this.#final);
  }

  /** Changes within one turn of the event loop are one observation; an end goes before them. */
  #changed(): void {
    if (this.#changePending || this.#final !== null) return;
    this.#changePending = true;
    setImmediate(() => {
      this.#changePending = false;
      if (this.#final === null && !this.#abandoned) this.#reports.observed(this.#observe());
    });
  }

  #observe(): Observation {
    const containers = this.#main.map(({ record }) => record);
    const sidecars = this.#init
      .filter(({ behaviour }) => behaviour.sidecar)
      .map(({ record }) => record);
    const begun = containers.some(
      ({ state, restartCount }) => state !== "waiting" || restartCount > 0,
    );
    return {
      phase: begun ? "Running" : "Pending",
      startedAtMs: this.behaviour.startedAtMs,
      ready: begun && [...containers, ...sidecars].every(({ ready }) => ready),
      containers,
      ...(this.#init.length === 0 ? {} : { initContainers: this.#init.map(initRecord) }),
      ...this.behaviour.facts,
    };
  }
}

/** An init container that has done its work counts as ready. */
const initRecord = ({ record, behaviour }: ContainerSupervision): ContainerRecord =>
  !behaviour.sidecar && record.state === "terminated" && record.exitCode === 0
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

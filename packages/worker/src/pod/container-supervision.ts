// One container of a Pod under supervision: its runs, probes, hooks and stop, and its status.
import type { ContainerRecord, ContainerState } from "@gantry/core";
import type { RuntimeEvent } from "../runtime.ts";
import type { ContainerBehaviour, ProbePlan } from "./behaviour.ts";
import type { ContainerDriver, ContainerExit, StartedContainer } from "./container-driver.ts";
import { perform, Prober } from "./prober.ts";

/** What a container still gets after a preStop hook used up its grace, as a kubelet gives. */
const MIN_GRACE_AFTER_HOOK_MS = 2000;
/** A postStart hook has no limit of its own in Kubernetes; this only bounds a leak. */
const MAX_HOOK_MS = 2 ** 31 - 1;

export interface ContainerHost {
  /** Grace for stops that the container's own probes and hooks cause. */
  readonly graceSeconds: number;
  changed(): void;
  event(event: RuntimeEvent): void;
}

export interface SupervisedContainer {
  /** Read when used: where probes connect to may be known only once the container has started. */
  readonly behaviour: ContainerBehaviour;
  readonly driver: ContainerDriver;
}

export class ContainerSupervision {
  readonly driver: ContainerDriver;
  readonly #container: SupervisedContainer;
  readonly #host: ContainerHost;
  /** `spec.containers{name}`. */
  readonly #fieldPath: string;
  record: ContainerRecord;
  #run: StartedContainer | null = null;
  #starting: AbortController | null = null;
  #probers: Prober[] = [];
  #readinessPassed = false;
  #killTimer: NodeJS.Timeout | undefined;
  #killAtMs = Number.POSITIVE_INFINITY;
  #stopping = false;
  #abandoned = false;
  #onStarted: () => void = () => {};
  /** Resolves when the container first counts as started (startup probe and postStart passed). */
  readonly started: Promise<void>;

  constructor(
    container: SupervisedContainer,
    host: ContainerHost,
    status: { readonly isInit: boolean; readonly waitingReason: string },
  ) {
    this.#container = container;
    this.driver = container.driver;
    this.#host = host;
    const list = status.isInit ? "initContainers" : "containers";
    this.#fieldPath = `spec.${list}{${container.behaviour.name}}`;
    const { restart = 0, lastState } = container.driver.known ?? {};
    this.record = {
      ...unready(restart),
      state: "waiting",
      reason: status.waitingReason,
      ...(lastState === undefined ? {} : { lastState }),
    };
    this.started = new Promise((resolve) => (this.#onStarted = resolve));
  }

  get behaviour(): ContainerBehaviour {
    return this.#container.behaviour;
  }

  /** Runs the container once, to its end. */
  async run(restart: number): Promise<void> {
    this.#stopping = false;
    this.#killAtMs = Number.POSITIVE_INFINITY;
    const starting = new AbortController();
    this.#starting = starting;
    const startMs = Date.now();
    const outcome = await this.driver.start(restart, {
      cancelled: starting.signal,
      waiting: (reason, message) => this.#waiting(restart, reason, message),
      event: (type, reason, message) => this.#emit(type, reason, message),
    });
    this.#starting = null;
    if (outcome === null) return;
    if ("failed" in outcome) return this.#end(outcome.failed, restart, startMs);
    this.#begin(outcome, restart);
    if (starting.signal.aborted) this.#stopNow(this.#killAtMs - Date.now());
    await this.#end(await outcome.exited, restart, outcome.startedAtMs);
  }

  /** What it shows while it waits for its next run. */
  wait(reason: string, message: string): void {
    this.#waiting(this.record.restartCount, reason, message);
  }

  /** Ends the present run: preStop, stop signal, SIGKILL. A later call can only shorten it. */
  stop(graceMs: number, why?: string): void {
    const killAtMs = Date.now() + graceMs;
    if (this.#run !== null) {
      this.#killBy(killAtMs);
      if (!this.#stopping) this.#stopNow(graceMs, why);
    } else if (this.#starting !== null) {
      this.#killAtMs = Math.min(killAtMs, this.#killAtMs);
      this.#starting.abort();
    }
  }

  kill(): void {
    if (this.#run !== null) this.driver.signal("SIGKILL");
  }

  /** Leaves the container as it is and does nothing more about it. */
  abandon(): void {
    this.#abandoned = true;
    this.#stopProbes();
    clearTimeout(this.#killTimer);
    this.#starting?.abort();
  }

  #waiting(restartCount: number, reason: string, message?: string): void {
    const lastState = terminatedState(this.record);
    this.record = {
      ...unready(restartCount),
      state: "waiting",
      reason,
      ...(message === undefined ? {} : { message }),
      ...(lastState === undefined ? {} : { lastState }),
    };
    this.#host.changed();
  }

  #stopNow(graceMs: number, why = `Stopping container ${this.behaviour.name}`): void {
    this.#stopping = true;
    const killAtMs = Date.now() + graceMs;
    this.#killAtMs = Number.POSITIVE_INFINITY;
    this.#killBy(killAtMs);
    this.#stopProbes();
    this.#emit("Normal", "Killing", why);
    void this.#terminate(graceMs);
  }

  async #terminate(graceMs: number): Promise<void> {
    const run = this.#run;
    const { preStop, stopSignal } = this.behaviour;
    if (preStop !== undefined && graceMs > 0) {
      const failure = await perform(preStop, graceMs, this.driver.exec);
      if (failure !== null) this.#emit("Warning", "FailedPreStopHook", "PreStopHook failed");
      if (this.#run !== run) return;
      const leftMs = this.#killAtMs - Date.now();
      if (leftMs < MIN_GRACE_AFTER_HOOK_MS) {
        this.#killAtMs = Number.POSITIVE_INFINITY;
        this.#killBy(Date.now() + MIN_GRACE_AFTER_HOOK_MS);
      }
    }
    if (run !== null && this.#run === run) this.driver.signal(stopSignal);
  }

  #killBy(atMs: number): void {
    if (atMs >= this.#killAtMs) return;
    this.#killAtMs = atMs;
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => this.kill(), Math.max(0, atMs - Date.now()));
  }

  #begin(run: StartedContainer, restart: number): void {
    this.#run = run;
    this.#readinessPassed = this.behaviour.readinessProbe === undefined;
    const lastState = terminatedState(this.record);
    const started = this.behaviour.startupProbe === undefined;
    const { containerID, imageID, startedAtMs } = run;
    this.record = {
      ...unready(restart),
      state: "running",
      startedAtMs,
      containerID,
      imageID,
      started,
      ready: started && this.#readinessPassed,
      ...(lastState === undefined ? {} : { lastState }),
    };
    if (!run.resumed) this.#emit("Normal", "Started", "Container started");
    this.#host.changed();
    if (this.behaviour.postStart === undefined || run.resumed) this.#startProbes();
    else void this.#postStart(run);
  }

  async #postStart(run: StartedContainer): Promise<void> {
    if (this.behaviour.postStart === undefined) return;
    const failure = await perform(this.behaviour.postStart, MAX_HOOK_MS, this.driver.exec);
    if (this.#run !== run || this.#abandoned) return;
    if (failure === null) return this.#startProbes();
    this.#emit("Warning", "FailedPostStartHook", `PostStartHook failed: ${failure}`);
    this.stop(this.#host.graceSeconds * 1000);
  }

  #startProbes(): void {
    const { startupProbe } = this.behaviour;
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
    const { livenessProbe, readinessProbe } = this.behaviour;
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
    this.#probers.push(new Prober(plan, this.driver.exec, { failed, verdict }));
  }

  #unhealthy(plan: ProbePlan, kind: string): void {
    const { name } = this.behaviour;
    const why = `Container ${name} failed ${kind} probe, will be restarted`;
    this.stop((plan.graceSeconds ?? this.#host.graceSeconds) * 1000, why);
  }

  #stopProbes(): void {
    for (const prober of this.#probers) prober.stop();
    this.#probers = [];
  }

  async #end(exit: ContainerExit, restart: number, startedAtMs: number): Promise<void> {
    if (this.#abandoned) return;
    const { containerID, imageID = "" } = this.#run ?? {};
    this.#run = null;
    clearTimeout(this.#killTimer);
    this.#stopProbes();
    const { exitCode, signal } = exit;
    // An engine may note the end of a short run before its start.
    const finishedAtMs = Math.max(exit.finishedAtMs ?? Date.now(), startedAtMs);
    const message = exit.startError ?? (await this.driver.message(restart, exitCode));
    const { lastState } = this.record;
    const before = this.record.state === "running" ? lastState : terminatedState(this.record);
    const completed = exitCode === 0 ? "Completed" : "Error";
    const unstarted = exit.startError === undefined ? completed : "StartError";
    this.record = {
      ...unready(restart),
      imageID,
      state: "terminated",
      reason: exit.reason ?? unstarted,
      exitCode,
      startedAtMs,
      finishedAtMs,
      ...(containerID === undefined ? {} : { containerID }),
      ...(message === "" ? {} : { message }),
      ...(signal === undefined ? {} : { signal }),
      ...(before === undefined ? {} : { lastState: before }),
    };
    if (exit.startError !== undefined) {
      this.#emit("Warning", "Failed", `Error: ${exit.startError}`);
    }
    this.#host.changed();
  }

  #emit(type: RuntimeEvent["type"], reason: string, message: string): void {
    this.#host.event({ type, reason, message, fieldPath: this.#fieldPath });
  }
}

const unready = (restartCount: number): Omit<ContainerRecord, "state"> => ({
  restartCount,
  ready: false,
  started: false,
  imageID: "",
});

const terminatedState = (record: ContainerRecord): ContainerState | undefined => {
  if (record.state !== "terminated") return record.lastState;
  const { state, reason, message, exitCode, signal, startedAtMs, finishedAtMs } = record;
  return { state, reason, message, exitCode, signal, startedAtMs, finishedAtMs };
};

// The containers of one task: their order of start by dependsOn, their health, their end.
import type { Container, ContainerDefinition, HealthCheck } from "@aws-sdk/client-ecs";
import type { Clock } from "../clock.ts";
import type { ContainerRun } from "../journal.ts";
import {
  type Exit,
  type Program,
  type Running,
  StartFailure,
  startProgram,
} from "./container-process.ts";
import type { Pipes } from "./pipes.ts";

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
}

const deferred = <T>(): Deferred<T> => {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
};

interface Unit {
  readonly definition: ContainerDefinition;
  readonly container: Container;
  readonly program: Program;
  readonly started: Deferred<void>;
  readonly healthy: Deferred<void>;
  /** `null`: it ended without ever running. */
  readonly ended: Deferred<Exit | null>;
  running: Running | null;
}

export interface GroupPart {
  readonly definition: ContainerDefinition;
  /** Changed in place. */
  readonly container: Container;
  readonly program: Program;
  readonly output: (stream: "stdout" | "stderr", chunk: Buffer) => void;
  readonly outputEnd: () => void;
}

export interface GroupContext {
  readonly clock: Clock;
  readonly pipes: Pipes;
  /** Milliseconds of a second of stopTimeout, startTimeout and health checks. */
  readonly secondMs: number;
  /** A container changed. */
  changed(): void;
  ran(run: ContainerRun): void;
}

/** Of a container that does not say, on Fargate. */
const STOP_TIMEOUT_SECONDS = 30;
const HEALTH = { interval: 30, timeout: 5, retries: 3, startPeriod: 0 } as const;

export class ContainerGroup {
  readonly #context: GroupContext;
  readonly #units: readonly (Unit & GroupPart)[];
  readonly #stopping = deferred<void>();
  #stops = false;
  #killed = false;
  readonly #essentialEnd = deferred<void>();
  readonly #failure = deferred<StartFailure>();

  constructor(parts: readonly GroupPart[], context: GroupContext) {
    this.#context = context;
    this.#units = parts.map((part) => ({
      ...part,
      started: deferred<void>(),
      healthy: deferred<void>(),
      ended: deferred<Exit | null>(),
      running: null,
    }));
  }

  /** An essential container has ended. */
  get essentialEnd(): Promise<void> {
    return this.#essentialEnd.promise;
  }

  /** A container could not be started, or what it depends on can't come about. */
  get failure(): Promise<StartFailure> {
    return this.#failure.promise;
  }

  /**
   * Resolves when each container runs or has ended; `failure` and `essentialEnd` may come first.
   */
  async start(): Promise<void> {
    await Promise.all(this.#units.map((unit) => this.#start(unit)));
  }

  /** SIGTERM, dependents before what they depend on, and SIGKILL after each one's stopTimeout. */
  async stop(graceLimitMs = Number.POSITIVE_INFINITY): Promise<void> {
    this.#stops = true;
    this.#stopping.resolve();
    await Promise.all(this.#units.map((unit) => this.#stop(unit, graceLimitMs)));
  }

  /** SIGKILL to all at once. */
  async kill(): Promise<void> {
    this.#stops = true;
    this.#killed = true;
    this.#stopping.resolve();
    for (const { running } of this.#units) running?.signal("SIGKILL");
    await Promise.all(this.#units.map(({ ended }) => ended.promise));
  }

  /** SIGKILL to the first essential container, with a reason on it. */
  killEssential(reason: string): void {
    const unit = this.#units.find(({ definition }) => definition.essential !== false);
    if (unit === undefined) return;
    unit.container.reason = reason;
    unit.running?.signal("SIGKILL");
  }

  async #start(unit: Unit & GroupPart): Promise<void> {
    try {
      const go = await this.#awaitDependencies(unit);
      if (!go || this.#stops) return unit.ended.resolve(null);
      const { output } = unit;
      const running = await startProgram(unit.program, this.#context.pipes, output);
      this.#begin(unit, running);
      if (this.#stops) running.signal(this.#killed ? "SIGKILL" : "SIGTERM");
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      this.#fail(unit, error);
    }
  }

  #fail(unit: Unit, error: StartFailure): void {
    unit.container.lastStatus = "STOPPED";
    unit.container.reason = error.message;
    unit.ended.resolve(null);
    this.#failure.resolve(error);
  }

  #begin(unit: Unit & GroupPart, running: Running): void {
    const { clock } = this.#context;
    const run: ContainerRun = {
      name: unit.definition.name ?? "",
      pid: running.pid,
      startedAtMs: clock.nowMs(),
      endedAtMs: null,
      exitCode: null,
      signal: null,
    };
    this.#context.ran(run);
    unit.running = running;
    unit.container.lastStatus = "RUNNING";
    unit.started.resolve();
    this.#context.changed();
    const { healthCheck } = unit.definition;
    if (healthCheck !== undefined && healthCheck.command?.[0] !== "NONE") {
      void this.#watchHealth(unit, running, healthCheck);
    }
    void running.exited.then((exit) => {
      Object.assign(run, { endedAtMs: clock.nowMs(), ...exit });
      this.#end(unit, exit);
    });
  }

  #end(unit: Unit & GroupPart, exit: Exit): void {
    unit.outputEnd();
    unit.running = null;
    unit.container.lastStatus = "STOPPED";
    unit.container.exitCode = exit.exitCode;
    unit.ended.resolve(exit);
    this.#context.changed();
    if (unit.definition.essential !== false) this.#essentialEnd.resolve();
  }

  /** False when the task stops before they hold. */
  async #awaitDependencies(unit: Unit): Promise<boolean> {
    for (const { containerName, condition } of unit.definition.dependsOn ?? []) {
      const on = this.#units.find(({ definition }) => definition.name === containerName);
      if (on === undefined) continue;
      const cancels: (() => void)[] = [];
      const waits: Promise<"met" | "failed" | "stopped" | "late">[] = [
        this.#condition(on, condition ?? "START"),
        this.#stopping.promise.then(() => "stopped" as const),
      ];
      const { startTimeout } = on.definition;
      if (startTimeout !== undefined) {
        const { clock, secondMs } = this.#context;
        const late = deferred<"late">();
        cancels.push(clock.after(startTimeout * secondMs, () => late.resolve("late")));
        waits.push(late.promise);
      }
      const outcome = await Promise.race(waits);
      for (const cancel of cancels) cancel();
      if (outcome === "stopped") return false;
      if (outcome !== "met") {
        const what = `dependency [${containerName}] for target [${unit.definition.name}]`;
        const why = outcome === "late" ? "startTimeout has passed" : `it never was ${condition}`;
        throw new StartFailure(`failed to resolve container ordering ${what}: ${why}`);
      }
    }
    return true;
  }

  async #condition(on: Unit, condition: string): Promise<"met" | "failed"> {
    switch (condition) {
      case "START":
        return Promise.race([
          on.started.promise.then(() => "met" as const),
          on.ended.promise.then((exit) => (exit === null ? "failed" : "met")),
        ]);
      case "COMPLETE":
        return (await on.ended.promise) === null ? "failed" : "met";
      case "SUCCESS":
        return (await on.ended.promise)?.exitCode === 0 ? "met" : "failed";
      default:
        return Promise.race([
          on.healthy.promise.then(() => "met" as const),
          on.ended.promise.then(() => "failed" as const),
        ]);
    }
  }

  async #stop(unit: Unit, graceLimitMs: number): Promise<void> {
    const dependents = this.#units.filter(({ definition }) =>
      (definition.dependsOn ?? []).some(
        ({ containerName }) => containerName === unit.definition.name,
      ),
    );
    await Promise.all(dependents.map(({ ended }) => ended.promise));
    const { clock, secondMs } = this.#context;
    const graceMs = (unit.definition.stopTimeout ?? STOP_TIMEOUT_SECONDS) * secondMs;
    unit.running?.signal("SIGTERM");
    const cancel = clock.after(Math.min(graceMs, graceLimitMs), () =>
      unit.running?.signal("SIGKILL"),
    );
    await unit.ended.promise;
    cancel();
  }

  async #watchHealth(unit: Unit, running: Running, healthCheck: HealthCheck): Promise<void> {
    const { clock, secondMs, changed } = this.#context;
    const [form, ...rest] = healthCheck.command ?? [];
    const argv = form === "CMD-SHELL" ? ["/bin/sh", "-c", rest.join(" ")] : rest;
    const seconds = { ...HEALTH, ...healthCheck };
    const startedAtMs = clock.nowMs();
    let failed = 0;
    while (unit.running !== null) {
      await Promise.race([
        new Promise<void>((resolve) => void clock.after(seconds.interval * secondMs, resolve)),
        unit.ended.promise,
      ]);
      if (unit.running === null) return;
      const good = await running.probe(argv, seconds.timeout * secondMs);
      if (unit.running === null) return;
      const starting = clock.nowMs() - startedAtMs < seconds.startPeriod * secondMs;
      failed = good ? 0 : starting ? failed : failed + 1;
      const status = good ? "HEALTHY" : failed >= seconds.retries ? "UNHEALTHY" : undefined;
      if (good) unit.healthy.resolve();
      if (status !== undefined && unit.container.healthStatus !== status) {
        unit.container.healthStatus = status;
        changed();
      }
    }
  }
}

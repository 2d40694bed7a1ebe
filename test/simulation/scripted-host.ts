// A machine on which containers run as scripts say. It outlives the worker, unless it is switched off itself.
import { Readable } from "node:stream";
import type { Observation, PodSink, RunnablePod, RunningPod, Runtime } from "@gantry/worker";
import type { SimulatedProcess, World } from "./world.ts";

/** What becomes of one container if nobody stops it. */
export interface Fate {
  readonly readyMs: number;
  /** From its start, or its last restart, to its end; Infinity: it never ends by itself. */
  readonly runMs: number;
  /** restartPolicy OnFailure: how often it fails and starts again before it ends. */
  readonly restarts: number;
  readonly exitCode: number;
  /** After SIGTERM it takes this long to end, with this code. */
  readonly stopMs: number;
  readonly stopCode: number;
}

export interface Run {
  readonly uid: string;
  readonly name: string;
  readonly job: string;
  readonly index: number | undefined;
  readonly host: string;
  readonly startedAtMs: number;
  readonly fate: Fate;
  /** How it ended: as its script says, stopped, or with its machine. */
  end: "natural" | "stopped" | "lost" | undefined;
  exitCode: number | undefined;
}

interface Listener {
  readonly process: SimulatedProcess;
  readonly sink: PodSink;
  readonly end: (last: Observation) => void;
  readonly waiting: Observation[];
}

interface Container {
  readonly run: Run;
  readonly pod: { namespace: string; name: string; uid: string };
  restartCount: number;
  ready: boolean;
  killAtMs: number;
  finishedAtMs: number | undefined;
  listener: Listener | undefined;
}

/** Says what becomes of each container, and is told of it. */
export interface Script {
  fate(job: string, index: number | undefined): Fate;
  started(run: Run): void;
  ended(run: Run): void;
}

const RESTART_DELAY_MS = 10_000;

export class ScriptedHost {
  readonly name: string;
  readonly #world: World;
  readonly #script: Script;
  #containers = new Map<string, Container>();

  constructor(name: string, world: World, script: Script) {
    this.name = name;
    this.#world = world;
    this.#script = script;
  }

  get running(): Run[] {
    return [...this.#containers.values()].flatMap(({ run }) =>
      run.end === undefined ? [run] : [],
    );
  }

  get leftovers(): number {
    return this.#containers.size;
  }

  /** The machine goes down: nothing is left of what ran, and nothing tells how it ended. */
  switchOff(): void {
    for (const { run } of this.#containers.values()) this.#finish(run, "lost", undefined);
    this.#containers = new Map();
  }

  /** The runtime of one worker process on this machine. */
  runtime(process: SimulatedProcess): Runtime {
    return {
      name: "simulated",
      admit: () => [],
      launch: (pod, sink) => {
        const container = this.#containers.get(pod.uid) ?? this.#start(pod);
        return this.#attach(container, process, sink);
      },
      adopt: (pod, _handle, sink) => {
        const container = this.#containers.get(pod.uid);
        return Promise.resolve(
          container === undefined ? null : this.#attach(container, process, sink),
        );
      },
      remove: ({ uid }) => {
        if (process.alive) this.#remove(uid);
        return Promise.resolve();
      },
      list: () => Promise.resolve([...this.#containers.values()].map(({ pod }) => pod)),
      logs: () => Promise.resolve(Readable.from([])),
      close: () => Promise.resolve(),
    };
  }

  #start(pod: RunnablePod): Container {
    const { namespace, name, uid, labels, annotations } = pod;
    const job = labels["batch.kubernetes.io/job-name"] ?? "";
    const indexText = annotations["batch.kubernetes.io/job-completion-index"];
    const index = indexText === undefined ? undefined : Number(indexText);
    const container: Container = {
      pod: { namespace, name, uid },
      run: {
        uid,
        name,
        job,
        index,
        host: this.name,
        startedAtMs: this.#world.nowMs,
        fate: this.#script.fate(job, index),
        end: undefined,
        exitCode: undefined,
      },
      restartCount: 0,
      ready: false,
      killAtMs: Infinity,
      finishedAtMs: undefined,
      listener: undefined,
    };
    this.#containers.set(uid, container);
    this.#script.started(container.run);
    this.#round(container);
    return container;
  }

  /** From a start, or a restart, to the next event. */
  #round(container: Container): void {
    const { run } = container;
    const { fate } = run;
    const { nowMs } = this.#world;
    const at = (ms: number, what: string, act: () => void): void => {
      if (ms === Infinity) return;
      this.#world.at(nowMs + ms, `${run.name} ${what}`, () => {
        if (run.end === undefined) act();
      });
    };
    if (fate.readyMs < fate.runMs) {
      at(fate.readyMs, "is ready", () => {
        container.ready = true;
        this.#tell(container);
      });
    }
    at(fate.runMs, "ends", () => {
      if (container.restartCount >= fate.restarts) return this.#end(container, "natural");
      container.restartCount += 1;
      container.ready = false;
      this.#tell(container);
      this.#world.at(this.#world.nowMs + RESTART_DELAY_MS, `${run.name} restarts`, () => {
        if (run.end === undefined) this.#round(container);
      });
    });
  }

  #stop(container: Container, graceSeconds: number): void {
    const atMs = this.#world.nowMs + Math.min(container.run.fate.stopMs, graceSeconds * 1000);
    if (atMs >= container.killAtMs || container.run.end !== undefined) return;
    container.killAtMs = atMs;
    this.#world.at(atMs, `${container.run.name} is stopped`, () => {
      if (container.run.end === undefined) this.#end(container, "stopped");
    });
  }

  #end(container: Container, end: "natural" | "stopped"): void {
    const { fate } = container.run;
    container.finishedAtMs = this.#world.nowMs;
    container.ready = false;
    this.#finish(container.run, end, end === "natural" ? fate.exitCode : fate.stopCode);
    this.#tell(container);
  }

  #finish(run: Run, end: Run["end"], exitCode: number | undefined): void {
    if (run.end !== undefined) return;
    run.end = end;
    run.exitCode = exitCode;
    this.#script.ended(run);
  }

  #remove(uid: string): void {
    const container = this.#containers.get(uid);
    if (container === undefined) return;
    this.#finish(container.run, "lost", undefined);
    this.#containers.delete(uid);
  }

  #attach(container: Container, process: SimulatedProcess, sink: PodSink): RunningPod {
    let end: (last: Observation) => void = () => {};
    const ended = new Promise<Observation>((resolve) => {
      end = resolve;
    });
    if (process.alive) {
      container.listener = { process, sink, end, waiting: [] };
      this.#tell(container);
    }
    return {
      ended,
      stop: (graceSeconds) => {
        if (process.alive) this.#stop(container, graceSeconds);
      },
    };
  }

  /** What is seen reaches the worker in order, but when the simulation says. */
  #tell(container: Container): void {
    const { listener } = container;
    if (listener === undefined) return;
    listener.waiting.push(observation(container));
    this.#world.step(listener.process, `sees ${container.run.name}`, () => {
      const seen = listener.waiting.shift();
      if (seen === undefined) return;
      if (seen.phase === "Running") listener.sink.observed(seen);
      else listener.end(seen);
    });
  }
}

const observation = (container: Container): Observation => {
  const { run, restartCount, ready, finishedAtMs } = container;
  const handle = run.uid;
  const { startedAtMs } = run;
  if (finishedAtMs === undefined) {
    return {
      phase: "Running",
      ready,
      startedAtMs,
      handle,
      containers: [{ state: "running", startedAtMs, restartCount, ready, started: true }],
    };
  }
  const exitCode = run.exitCode ?? 0;
  return {
    phase: exitCode === 0 ? "Succeeded" : "Failed",
    ready: false,
    startedAtMs,
    handle,
    containers: [
      {
        state: "terminated",
        exitCode,
        reason: exitCode === 0 ? "Completed" : "Error",
        startedAtMs,
        finishedAtMs,
        restartCount,
        ready: false,
        started: false,
      },
    ],
  };
};

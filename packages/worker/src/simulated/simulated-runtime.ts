// The simulated runtime: Pods that run nothing and end after a while, for load tests and benchmarks.
import type { ContainerRecord, PodSpec } from "@gantry/core";
import { Readable } from "node:stream";
import {
  type LogOptions,
  type Observation,
  type PodSink,
  type Rejection,
  type RunnablePod,
  type RunningPod,
  type Runtime,
} from "../runtime.ts";

/** Pod template annotations, all optional. */
const RUN_MS = "gantry.dev/simulated-run-ms";
/** One code, or codes by completion index: `0:1,7:42`. */
const EXIT_CODE = "gantry.dev/simulated-exit-code";
/** The Job's first n Pods fail. */
const FAIL_FIRST = "gantry.dev/simulated-fail-first";
const STOP_MS = "gantry.dev/simulated-stop-ms";

const INDEX = "batch.kubernetes.io/job-completion-index";
const JOB_UID = "batch.kubernetes.io/controller-uid";
const KILLED_EXIT_CODE = 137;
const SIGKILL = 9;
/** Jobs whose launches are remembered; the longest unused is forgotten first. */
const MAX_COUNTED_JOBS = 10_000;

const wholeNumber = (text: string | undefined, fallback = 0): number => {
  const number = Number(text ?? fallback);
  return Number.isInteger(number) && number >= 0 ? number : fallback;
};

/** The exit code that the annotation gives a Pod of this completion index. */
export const simulatedExitCode = (text: string, index: string | undefined): number => {
  if (!text.includes(":")) return wholeNumber(text);
  for (const pair of text.split(",")) {
    const [at, code] = pair.split(":").map((part) => part.trim());
    if (at === index) return wholeNumber(code);
  }
  return 0;
};

const terminated = (
  exitCode: number,
  times: { startedAtMs: number; finishedAtMs: number },
): ContainerRecord => ({
  state: "terminated",
  reason: exitCode === 0 ? "Completed" : "Error",
  exitCode,
  ...(exitCode === KILLED_EXIT_CODE ? { signal: SIGKILL } : {}),
  ...times,
  restartCount: 0,
  ready: false,
  started: false,
});

class SimulatedPod implements RunningPod {
  readonly ended: Promise<Observation>;
  readonly startedAtMs = Date.now();
  readonly #sink: PodSink;
  readonly pod: RunnablePod;
  readonly #over: () => void;
  readonly #resolve: (observation: Observation) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopAtMs = Number.POSITIVE_INFINITY;
  #hasEnded = false;

  constructor(pod: RunnablePod, sink: PodSink, exitCode: number, over: () => void) {
    this.pod = pod;
    this.#sink = sink;
    this.#over = over;
    let resolve: (observation: Observation) => void = () => {};
    this.ended = new Promise((settle) => (resolve = settle));
    this.#resolve = resolve;
    const running = { state: "running" as const, startedAtMs: this.startedAtMs, restartCount: 0 };
    const containers = (pod.spec.containers ?? []).map(() => ({
      ...running,
      ready: true,
      started: true,
    }));
    sink.observed(this.#observation("Running", containers));
    const runMs = wholeNumber(pod.annotations[RUN_MS]);
    if (runMs === 0) this.#finish(exitCode);
    else this.#timer = setTimeout(() => this.#finish(exitCode), Math.min(runMs, 2 ** 31 - 1));
  }

  stop(graceSeconds: number): void {
    if (this.#hasEnded) return;
    const stopMs = Math.min(wholeNumber(this.pod.annotations[STOP_MS]), graceSeconds * 1000);
    const atMs = Date.now() + stopMs;
    if (atMs >= this.#stopAtMs) return;
    this.#stopAtMs = atMs;
    clearTimeout(this.#timer);
    if (stopMs === 0) this.#finish(KILLED_EXIT_CODE);
    else this.#timer = setTimeout(() => this.#finish(KILLED_EXIT_CODE), stopMs);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  #observation(phase: Observation["phase"], containers: readonly ContainerRecord[]): Observation {
    const init = this.pod.spec.initContainers?.map(() => ({
      ...terminated(0, { startedAtMs: this.startedAtMs, finishedAtMs: this.startedAtMs }),
      ready: true,
    }));
    return {
      phase,
      startedAtMs: this.startedAtMs,
      ready: phase === "Running",
      containers,
      ...(init === undefined || init.length === 0 ? {} : { initContainers: init }),
    };
  }

  #finish(exitCode: number): void {
    this.#hasEnded = true;
    const times = { startedAtMs: this.startedAtMs, finishedAtMs: Date.now() };
    const containers = (this.pod.spec.containers ?? []).map(() => terminated(exitCode, times));
    const observation = this.#observation(exitCode === 0 ? "Succeeded" : "Failed", containers);
    this.#over();
    this.#sink.observed(observation);
    this.#resolve(observation);
  }
}

/**
 * Keeps nothing but timers. A Pod of a worker that is restarted is gone without a trace, and
 * `simulated-fail-first` counts the launches that this worker made for the Job.
 */
export class SimulatedRuntime implements Runtime {
  readonly name = "simulated";
  readonly #pods = new Map<string, SimulatedPod>();
  readonly #launches = new Map<string, number>();

  admit(_spec: PodSpec): readonly Rejection[] {
    return [];
  }

  launch(pod: RunnablePod, sink: PodSink): RunningPod {
    const known = this.#pods.get(pod.uid);
    if (known !== undefined) return known;
    let over = false;
    const running = new SimulatedPod(pod, sink, this.#exitCode(pod), () => {
      over = true;
      this.#pods.delete(pod.uid);
    });
    if (!over) this.#pods.set(pod.uid, running);
    return running;
  }

  async adopt(pod: RunnablePod): Promise<RunningPod | null> {
    return this.#pods.get(pod.uid) ?? null;
  }

  async logs(_pod: { name: string }, _options: LogOptions): Promise<Readable> {
    return Readable.from([]);
  }

  async remove({ uid }: { uid: string }): Promise<void> {
    this.#pods.get(uid)?.stop(0);
  }

  async list(): Promise<readonly { namespace: string; name: string; uid: string }[]> {
    return [...this.#pods.values()].map(({ pod: { namespace, name, uid } }) => ({
      namespace,
      name,
      uid,
    }));
  }

  async close(): Promise<void> {
    for (const pod of this.#pods.values()) pod.cancel();
    this.#pods.clear();
  }

  #exitCode(pod: RunnablePod): number {
    const failFirst = wholeNumber(pod.annotations[FAIL_FIRST]);
    const exitCode = simulatedExitCode(pod.annotations[EXIT_CODE] ?? "0", pod.annotations[INDEX]);
    if (failFirst === 0) return exitCode;
    const job = pod.labels[JOB_UID] ?? pod.uid;
    const launches = (this.#launches.get(job) ?? 0) + 1;
    this.#launches.delete(job);
    this.#launches.set(job, launches);
    if (this.#launches.size > MAX_COUNTED_JOBS) {
      const [oldest] = this.#launches.keys();
      if (oldest !== undefined) this.#launches.delete(oldest);
    }
    return launches <= failFirst ? exitCode || 1 : exitCode;
  }
}

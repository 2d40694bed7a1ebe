// A Pod as the worker follows it: what the supervisor says, and what the journal says without one.
import type { ContainerRecord, PodSpec } from "@gantry/core";
import type { Observation, PodSink, RunningPod } from "../runtime.ts";
import { readJournal } from "./journal.ts";
import { endLostPod, isOfEarlierBoot, rebootEvent } from "./lost-pod.ts";
import type { PodPlan } from "./pod-plan.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import type { SupervisorMessage } from "./protocol.ts";
import type { SupervisorPool } from "./supervisor-pool.ts";

/** Exit code of a container that could not be started, as containerd reports it. */
const START_ERROR_CODE = 128;

const isFinal = ({ phase }: Observation): boolean => phase === "Succeeded" || phase === "Failed";

/** A kubelet's waits between attempts to mount. */
const MOUNT_RETRY_MS = 500;
const MOUNT_RETRY_MAX_MS = 122_000;

const deadlineExceeded = {
  reason: "DeadlineExceeded",
  message: "Pod was active on the node longer than the specified deadline",
};

const waitingObservation = (spec: PodSpec, startedAtMs: number): Observation => {
  const { initContainers = [], containers = [] } = spec;
  const waiting = (reason: string): ContainerRecord => ({
    state: "waiting",
    reason,
    restartCount: 0,
    ready: false,
    started: false,
  });
  const reason = initContainers.length > 0 ? "PodInitializing" : "ContainerCreating";
  return {
    phase: "Pending",
    startedAtMs,
    ready: false,
    containers: containers.map(() => waiting(reason)),
    ...(initContainers.length > 0 && { initContainers: initContainers.map(() => waiting(reason)) }),
  };
};

export class SupervisedPod implements RunningPod {
  readonly ended: Promise<Observation>;
  /** Init containers' names, then the containers'. */
  readonly names: readonly string[];
  last: Observation | null = null;
  hasEnded = false;
  readonly #uid: string;
  readonly #directory: string;
  readonly #supervisors: SupervisorPool;
  #sink: PodSink;
  #graceSeconds: number | null = null;
  #sent = false;
  #waiting: { sinceMs: number; delayMs: number; timer: NodeJS.Timeout | undefined } | undefined;
  #end: (observation: Observation) => void = () => {};

  constructor(
    pod: { readonly uid: string; readonly names: readonly string[] },
    directory: string,
    supervisors: SupervisorPool,
    sink: PodSink,
  ) {
    this.#uid = pod.uid;
    this.names = pod.names;
    this.#directory = directory;
    this.#supervisors = supervisors;
    this.#sink = sink;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  withSink(sink: PodSink): this {
    this.#sink = sink;
    if (this.last !== null) sink.observed(this.last);
    return this;
  }

  start(plan: PodPlan): void {
    this.#waiting = undefined;
    void this.#supervisors.forNewPods().then(
      (client) => {
        client.send({ op: "start", plan });
        this.#sent = true;
        this.#sendStop();
      },
      (error: Error) => this.refuse(error, "Failed"),
    );
  }

  /** Tries again later to start a Pod whose volumes can't be mounted; it stays Pending meanwhile. */
  awaitVolumes(message: string, spec: PodSpec, retry: () => void): void {
    this.#sink.event({ type: "Warning", reason: "FailedMount", message });
    this.#waiting ??= { sinceMs: Date.now(), delayMs: MOUNT_RETRY_MS, timer: undefined };
    const { sinceMs, delayMs } = this.#waiting;
    this.#observed(waitingObservation(spec, sinceMs));
    if (this.#graceSeconds !== null) return this.#endWaiting();
    const endMs = sinceMs + (spec.activeDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    const timer = setTimeout(
      () => (Date.now() >= endMs ? this.#endWaiting(deadlineExceeded) : retry()),
      Math.min(delayMs, Math.max(0, endMs - Date.now())),
    );
    this.#waiting = { sinceMs, delayMs: Math.min(delayMs * 2, MOUNT_RETRY_MAX_MS), timer };
  }

  /** Takes up a Pod that has a journal. */
  adopt(): void {
    const journal = readJournal(this.#directory);
    if (journal === null) return;
    const { observation, supervisor } = journal;
    if (observation !== null && isFinal(observation)) return this.#observed(observation);
    const client = supervisor === null ? null : this.#supervisors.of(supervisor);
    if (client === null) return this.#lost();
    client.send({ op: "attach", uid: this.#uid });
    this.#sent = true;
    this.#sendStop();
  }

  stop(graceSeconds: number): void {
    this.#graceSeconds = Math.min(graceSeconds, this.#graceSeconds ?? graceSeconds);
    if (this.#waiting === undefined) this.#sendStop();
    else this.#endWaiting();
  }

  handle(message: SupervisorMessage): void {
    switch (message.op) {
      case "observed":
        return this.#observed(message.observation);
      case "event":
        return this.#sink.event(message.event);
      case "unknown":
        return this.#lost();
    }
  }

  supervisorLost(supervisor: ProcessIdentity): void {
    if (this.hasEnded) return;
    const journal = readJournal(this.#directory);
    if (journal === null) return this.#sent ? this.#lost() : undefined;
    if (
      journal.supervisor?.pid === supervisor.pid &&
      journal.supervisor.start === supervisor.start
    ) {
      this.#lost();
    }
  }

  /** Ends a Pod that could not be started at all. */
  refuse(error: Error, reason: string): void {
    const nowMs = Date.now();
    this.#sink.event({ type: "Warning", reason, message: error.message });
    this.#observed({
      phase: "Failed",
      reason: "StartError",
      message: error.message,
      ready: false,
      containers: this.names.map(() => ({
        state: "terminated",
        reason: "StartError",
        message: error.message,
        exitCode: START_ERROR_CODE,
        startedAtMs: nowMs,
        finishedAtMs: nowMs,
        restartCount: 0,
        ready: false,
      })),
    });
  }

  /** Ends a Pod of which nothing was started. */
  #endWaiting(failure: { readonly reason?: string; readonly message?: string } = {}): void {
    clearTimeout(this.#waiting?.timer);
    this.#waiting = undefined;
    if (this.last !== null) this.#observed({ ...this.last, phase: "Failed", ...failure });
  }

  #sendStop(): void {
    if (this.#graceSeconds === null || !this.#sent || this.hasEnded) return;
    this.#supervisors.broadcast({ op: "stop", uid: this.#uid, graceSeconds: this.#graceSeconds });
  }

  #observed(observation: Observation): void {
    if (this.hasEnded) return;
    this.last = observation;
    this.hasEnded = isFinal(observation);
    this.#sink.observed(observation);
    if (this.hasEnded) this.#end(observation);
  }

  #lost(): void {
    if (this.hasEnded) return;
    const journal = readJournal(this.#directory);
    const last = journal?.observation ?? null;
    if (last !== null && isFinal(last)) return this.#observed(last);
    if (journal !== null && isOfEarlierBoot(journal)) this.#sink.event(rebootEvent);
    const content = journal ?? {
      supervisor: null,
      namespace: "",
      name: "",
      names: this.names,
      processes: [],
      observation: null,
    };
    this.#observed(endLostPod(this.#directory, content, this.names.length, Date.now()));
  }
}

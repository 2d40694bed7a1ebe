// A Pod as the worker follows it: what the supervisor says, and what the journal says without one.
import type { Observation, PodSink, RunningPod } from "../runtime.ts";
import { readJournal } from "./journal.ts";
import { endLostPod } from "./lost-pod.ts";
import type { PodPlan } from "./pod-plan.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import type { SupervisorMessage } from "./protocol.ts";
import type { SupervisorPool } from "./supervisor-pool.ts";

/** Exit code of a container that could not be started, as containerd reports it. */
const START_ERROR_CODE = 128;

const isFinal = ({ phase }: Observation): boolean => phase === "Succeeded" || phase === "Failed";

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
    void this.#supervisors.forNewPods().then(
      (client) => {
        client.send({ op: "start", plan });
        this.#sent = true;
        this.#sendStop();
      },
      (error: Error) => this.refuse(error, "Failed"),
    );
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
    this.#sendStop();
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

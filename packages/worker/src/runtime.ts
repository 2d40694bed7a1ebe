// What a runtime is: the seam between the worker's loop and the place where Pods really run.
import type { ContainerRecord, ObservedCondition, PodRecord, PodSpec } from "@gantry/core";
import type { Readable } from "node:stream";
import type { Session, SessionRequest } from "./sessions/session.ts";

/** A reason why a runtime can't run a Pod, found before it is tried. */
export interface Rejection {
  /** Path below the Pod spec, e.g. `volumes[0].hostPath`. */
  readonly path: string;
  readonly message: string;
}

/** A Pod with everything resolved that a runtime needs; no further look-ups. */
export interface RunnablePod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly node: string;
  /** Fencing number that it is run under; absent where nobody else could have the Pod. */
  readonly claim?: number;
  /** Name of the Job that it belongs to. */
  readonly job?: string;
  readonly jobUid?: string;
  /** Since when it is to be stopped, and within which grace; absent while it is not. */
  readonly deletion?: { readonly requestedAtMs: number; readonly graceSeconds: number };
  /** Unix milliseconds. */
  readonly createdAtMs?: number;
  /** Completion index, of an Indexed Job's Pod. */
  readonly index?: number;
  readonly serviceAccountName: string;
  readonly spec: PodSpec;
  /** What the Pod refers to, decoded, by `configmap/NAME`, `binarydata/NAME`, `secret/NAME`. */
  readonly sources: ReadonlyMap<string, ReadonlyMap<string, Buffer>>;
}

/** What a runtime reports of a Pod; the worker turns it into the Pod's record. */
export interface Observation {
  readonly phase: PodRecord["phase"];
  readonly reason?: string;
  readonly message?: string;
  readonly startedAtMs?: number;
  readonly ready: boolean;
  /** One entry a container of the spec, in its order. */
  readonly containers: readonly ContainerRecord[];
  readonly initContainers?: readonly ContainerRecord[];
  readonly podIP?: string;
  readonly hostIP?: string;
  readonly handle?: string;
  /** The Pod ended, or is about to, for its host's sake: condition DisruptionTarget (R85). */
  readonly disruption?: Disruption;
  /** All that this runtime has to say by conditions; what it said before and not now goes. */
  readonly conditions?: readonly ObservedCondition[];
  /** Annotations that the runtime wants kept on the Pod. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Disruption {
  readonly reason: string;
  readonly message: string;
}

/** An Event that the runtime wants recorded on the Pod (Pulled, Created, Started, Killing, BackOff...). */
export interface RuntimeEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** `spec.containers{name}`, as a kubelet fills involvedObject.fieldPath. */
  readonly fieldPath?: string;
}

export interface LogOptions {
  readonly container: string;
  readonly follow?: boolean;
  readonly tailLines?: number;
  /** Only lines written at or after this time, Unix ms. */
  readonly sinceMs?: number;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
  readonly previous?: boolean;
  /** Stops a follow. */
  readonly signal?: AbortSignal;
}

/** Where a runtime reports to while a Pod runs. Calls for one Pod come in order. */
export interface PodSink {
  observed(observation: Observation): void;
  event(event: RuntimeEvent): void;
}

/** A Pod that a runtime is running. */
export interface RunningPod {
  /** Resolves with the last observation, whose phase is Succeeded or Failed. Rejects only if the Pod can't be watched further. */
  readonly ended: Promise<Observation>;
  /** SIGTERM (after preStop), then SIGKILL after the grace. A second call may only shorten it. */
  stop(graceSeconds: number): void;
  /** What `ended` said is durable: what was kept of the Pod for another worker may go. */
  reported?(): Promise<void>;
  /** This worker answers for the Pod no more, another goes on: nothing is stopped. */
  release?(): void;
}

export interface Runtime {
  readonly name: "process" | "docker" | "ecs" | "simulated";
  /**
   * What it runs does not live on the worker: a Pod is taken over by another worker when this one
   * goes, and takes no cpu and memory of it. `launch` goes on with what another worker has begun.
   */
  readonly portable?: true;
  /** What the API is to know of its settings, so that it refuses what `admit` would: JSON. */
  readonly published?: string;
  /** What this runtime can't do of this Pod; empty when it can run it. */
  admit(spec: PodSpec, pod?: Pick<RunnablePod, "namespace" | "annotations">): readonly Rejection[];
  /** Starts a Pod. Idempotent by uid: a Pod that runs already (a restarted worker) is adopted. */
  launch(pod: RunnablePod, sink: PodSink): RunningPod;
  /** Adopts a Pod by its handle after a restart; `null` when it is gone without a trace. */
  adopt(pod: RunnablePod, handle: string | undefined, sink: PodSink): Promise<RunningPod | null>;
  /** A container's log. Throws `LogUnavailable` with a Kubernetes-like message when there is none. */
  logs(
    pod: { namespace: string; name: string; uid: string },
    options: LogOptions,
  ): Promise<Readable>;
  /** Runs a command in a container or attaches to it. Throws `SessionRefused`. Absent: it can't. */
  openSession?(
    pod: { namespace: string; name: string; uid: string },
    request: SessionRequest,
  ): Promise<Session>;
  /** Removes what is left of a Pod whose object is gone: logs, directories, containers. */
  remove(pod: { uid: string }): Promise<void>;
  /** Pods of which something is left on this host (for the sweep of leftovers). */
  list(): Promise<readonly { namespace: string; name: string; uid: string }[]>;
  close(): Promise<void>;
}

export class LogUnavailable extends Error {
  override name = "LogUnavailable";
}

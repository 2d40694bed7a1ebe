// The Pod as the engine holds it: what differs from its Job's template, and its state.
// `pod-render.ts` turns it into the Kubernetes object; `store` keeps it in a positional form.
import type { PodCondition, PodSpec } from "./schema/pod.ts";
import type { ObjectMeta, OwnerReference } from "./schema/meta.ts";

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";

/** State of one container, as far as it ran. Times are Unix milliseconds. */
export interface ContainerState {
  readonly state: "waiting" | "running" | "terminated";
  /** Waiting or terminated: `ContainerCreating`, `Completed`, `Error`, `OOMKilled`, `StartError`... */
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly signal?: number | undefined;
  readonly startedAtMs?: number | undefined;
  readonly finishedAtMs?: number | undefined;
}

/** One entry a container of the spec, in its order. */
export interface ContainerRecord extends ContainerState {
  readonly restartCount: number;
  readonly ready: boolean;
  readonly started?: boolean | undefined;
  readonly lastState?: ContainerState | undefined;
  readonly containerID?: string | undefined;
  readonly imageID?: string | undefined;
}

export interface PodRecord {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly createdAtMs: number;
  /** The controlling Job, while a controller ownerReference to it stands. */
  readonly job?: { readonly name: string; readonly uid: string } | undefined;
  /** Key of the stored Pod template that spec, labels and annotations derive from. */
  readonly template?: string | undefined;
  /** The whole spec, where it does not derive from a template (Pods made or changed by users). */
  readonly spec?: PodSpec | undefined;
  /** Completion index (Indexed Jobs). */
  readonly index?: number | undefined;
  /** `job-index-failure-count` and `job-index-ignored-failure-count` (backoffLimitPerIndex). */
  readonly failureCount?: number | undefined;
  readonly ignoredFailureCount?: number | undefined;
  /** Metadata that does not derive: each field present replaces the derived one whole. */
  readonly meta?:
    | {
        readonly labels?: Readonly<Record<string, string>> | undefined;
        readonly annotations?: Readonly<Record<string, string>> | undefined;
        /** Finalizers beside the tracking finalizer. */
        readonly finalizers?: readonly string[] | undefined;
        /** ownerReferences beside that to `job`. */
        readonly ownerReferences?: readonly OwnerReference[] | undefined;
        readonly generateName?: string | undefined;
        readonly managedFields?: ObjectMeta["managedFields"];
      }
    | undefined;
  /** The finalizer `batch.kubernetes.io/job-tracking` is on: not accounted for yet. */
  readonly tracked: boolean;
  readonly phase: PodPhase;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** Node (worker) that it is bound to. */
  readonly node?: string | undefined;
  /** Fencing number of the claim under which it runs; a report with another is refused. */
  readonly claim?: number | undefined;
  /** What runs of it does not live on its node: another worker may take it over and go on. */
  readonly portable?: boolean | undefined;
  /** Set once deletion was asked for: deletionTimestamp = atMs + grace. */
  readonly deletion?: { readonly requestedAtMs: number; readonly graceSeconds: number } | undefined;
  readonly scheduledAtMs?: number | undefined;
  /** status.startTime. */
  readonly startedAtMs?: number | undefined;
  /** All containers ready; the time is that of the last change of Ready. */
  readonly ready: boolean;
  readonly readyChangedAtMs?: number | undefined;
  readonly containers: readonly ContainerRecord[];
  readonly initContainers?: readonly ContainerRecord[] | undefined;
  /** Conditions that do not derive from the above: DisruptionTarget, PodScheduled=False, users' own. */
  readonly conditions?: readonly PodCondition[] | undefined;
  readonly podIP?: string | undefined;
  readonly hostIP?: string | undefined;
  /** What a runtime needs to find the Pod again, e.g. supervisor directory, container id, task ARN. */
  readonly handle?: string | undefined;
  /** What a newer Gantry keeps of a Pod and this one does not know; kept as it is. */
  readonly unknown?: readonly unknown[] | undefined;
}

export const podKey = (pod: { namespace: string; name: string }): string =>
  `${pod.namespace}/${pod.name}`;

/** Succeeded or Failed: the phase changes no more. */
export const isTerminal = (pod: PodRecord): boolean =>
  pod.phase === "Succeeded" || pod.phase === "Failed";

/** R12: neither ended nor being deleted. */
export const isActive = (pod: PodRecord): boolean => !isTerminal(pod) && pod.deletion === undefined;

/** R12: being deleted and not yet ended. */
export const isTerminating = (pod: PodRecord): boolean =>
  !isTerminal(pod) && pod.deletion !== undefined;

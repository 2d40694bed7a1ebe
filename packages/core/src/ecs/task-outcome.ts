// What a task means for its Pod: the vocabulary of `taskOutcome`.
import type { ContainerRecord, ContainerState, PodPhase } from "../pod-record.ts";
import type { Classification } from "./classification.ts";

/** Of a Pod, what a runtime saw of it; the shape of a worker's observations. */
export interface TaskObservation {
  readonly phase: PodPhase;
  readonly reason?: string;
  readonly message?: string;
  /** When the Pod was first tried, Unix milliseconds. */
  readonly startedAtMs?: number;
  readonly ready: boolean;
  /** One entry a container of the spec, in its order. */
  readonly containers: readonly ContainerRecord[];
  readonly initContainers?: readonly ContainerRecord[];
  readonly podIP?: string;
  readonly handle?: string;
  /** The Pod ends for its host's sake: condition DisruptionTarget. */
  readonly disruption?: { readonly reason: string; readonly message: string };
  /** Conditions that only this runtime has: PodScheduled=False, ConfigIssue. */
  readonly conditions?: readonly ObservedCondition[];
}

export interface ObservedCondition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

export type TaskOutcome =
  /** On its way, running, or being stopped. */
  | { readonly kind: "alive"; readonly observation: TaskObservation }
  /** Its phase is Succeeded or Failed. */
  | { readonly kind: "ended"; readonly observation: TaskObservation }
  /** The containers ran and are to run again in the same Pod (restartPolicy). */
  | {
      readonly kind: "restart";
      readonly observation: TaskObservation;
      /** How long they ran, for the back-off. */
      readonly ranMs: number;
      /** To be kept in the next attempt's intent. */
      readonly lastStates: Readonly<Record<string, ContainerState>>;
    }
  /** The launch came to nothing: another attempt, in the same Pod, which stays Pending. */
  | {
      readonly kind: "relaunch";
      readonly observation: TaskObservation;
      readonly cause: Classification;
    };

// A Pod with all that its task is made from.
import type { PodSpec } from "../schema/pod.ts";

export interface EcsPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly serviceAccountName: string;
  /** Name of its Job. */
  readonly job?: string | undefined;
  /** As defaulted. */
  readonly spec: PodSpec;
  /** Data of the ConfigMaps that it refers to, by name; those that don't exist are absent. */
  readonly configMaps: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** Why a Pod can't be run as a task, at the path below its spec. */
export interface EcsRejection {
  /** e.g. `volumes[0].hostPath`. */
  readonly path: string;
  readonly message: string;
}

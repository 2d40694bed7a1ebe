// What a rule of admission finds in a Pod: a reason to refuse it, or something that is ignored.
import type { Container } from "../../schema/container.ts";
import type { PodSpec } from "../../schema/pod.ts";
import { type LaneKind, laneKind, type LaneSettings } from "../lane-settings.ts";
import type { EcsSettings } from "../settings.ts";

export interface Finding {
  readonly kind: "refusal" | "warning";
  /** Path below the Pod spec. */
  readonly path: string;
  readonly message: string;
}

/** A Pod, or the template of one. */
export interface AdmittedPod {
  readonly namespace: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

/** A Pod as one lane would have to run it. */
export interface AdmissionCase extends AdmittedPod {
  readonly lane: LaneSettings;
  readonly settings: EcsSettings;
}

export const kindOf = ({ lane }: AdmissionCase): LaneKind => laneKind(lane);

export const refusal = (path: string, message: string): Finding => ({
  kind: "refusal",
  path,
  message,
});

export const warning = (path: string, message: string): Finding => ({
  kind: "warning",
  path,
  message,
});

/** A refusal where `condition` holds. */
export const refuseIf = (condition: boolean, path: string, message: string): Finding[] =>
  condition ? [refusal(path, message)] : [];

export const warnIf = (condition: boolean, path: string, message: string): Finding[] =>
  condition ? [warning(path, message)] : [];

export interface LocatedContainer {
  readonly container: Container;
  readonly path: string;
  readonly isInit: boolean;
}

export const allContainers = ({
  initContainers = [],
  containers = [],
}: PodSpec): LocatedContainer[] => [
  ...initContainers.map((container, n) => ({
    container,
    path: `initContainers[${n}]`,
    isInit: true,
  })),
  ...containers.map((container, n) => ({ container, path: `containers[${n}]`, isInit: false })),
];

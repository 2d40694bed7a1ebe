// R44: when a Pod ended, as far as its record tells.
import type { PodTemplateSpec } from "../schema/pod.ts";
import type { ContainerRecord, PodRecord } from "../pod-record.ts";

/** Regular containers, and init containers that restart always (sidecars). */
function lastingContainers(pod: PodRecord, template: PodTemplateSpec): readonly ContainerRecord[] {
  const spec = pod.spec ?? template.spec;
  const sidecars = (pod.initContainers ?? []).filter(
    (_, i) => spec?.initContainers?.[i]?.restartPolicy === "Always",
  );
  return sidecars.length === 0 ? pod.containers : [...pod.containers, ...sidecars];
}

/** The latest end among the containers; `undefined` unless each has ended and says when. */
function containersFinishedAtMs(pod: PodRecord, template: PodTemplateSpec): number | undefined {
  let latest: number | undefined;
  for (const container of lastingContainers(pod, template)) {
    if (container.state !== "terminated" || container.finishedAtMs === undefined) return undefined;
    latest = Math.max(latest ?? container.finishedAtMs, container.finishedAtMs);
  }
  return latest;
}

/** Unix ms. */
export const finishedAtMs = (pod: PodRecord, template: PodTemplateSpec): number =>
  containersFinishedAtMs(pod, template) ??
  (pod.ready ? undefined : pod.readyChangedAtMs) ??
  pod.deletion?.requestedAtMs ??
  pod.createdAtMs;

// Which Pods a Job may adopt or must release, read from the store (R8 to R11).
import {
  type Job,
  matchesLabels,
  type PodRecord,
  podLabels,
  selectorFromObject,
} from "@gantry/core";
import type { Stored } from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";

const selector = (job: Job): ((labels: Readonly<Record<string, string>>) => boolean) => {
  const requirements = selectorFromObject(job.spec.selector);
  return (labels) => requirements !== undefined && matchesLabels(requirements, labels);
};

/** R10: ownerless Pods of the Job's namespace whose labels match its selector. */
export const candidatesForAdoption = async (
  { store, templates }: ControllerContext,
  job: Job,
  ownerlessNames: readonly string[],
): Promise<Stored<PodRecord>[]> => {
  if (ownerlessNames.length === 0) return [];
  const { namespace } = job.metadata;
  const stored = await store.getMany(
    "pods",
    ownerlessNames.map((name) => `${namespace}/${name}`),
  );
  const pods = stored.filter((pod) => pod !== null);
  const found = await templates.ofAll(pods.map((pod) => pod.value));
  const selects = selector(job);
  return pods.filter(
    ({ value }, n) => value.deletion === undefined && selects(podLabels(value, found[n])),
  );
};

/**
 * R9: names of controlled Pods whose labels no longer match. Labels that derive from the template
 * match by validation, so only edited ones are looked at, and those of Pods that have no template:
 * an adopted Pod without labels of its own has none.
 */
export const podsWithForeignLabels = (
  job: Job,
  pods: readonly PodRecord[],
): ReadonlySet<string> => {
  const edited = pods.filter((pod) => pod.meta?.labels !== undefined || pod.template === undefined);
  if (edited.length === 0) return new Set();
  const selects = selector(job);
  return new Set(edited.filter((pod) => !selects(pod.meta?.labels ?? {})).map((pod) => pod.name));
};

// From a Pod as a client wrote it (created, or changed through PUT and PATCH) to a Pod record.
import { invariant } from "./apimachinery/invariant.ts";
import { derivedConditions } from "./pod-conditions.ts";
import { containersFromApi } from "./pod-containers-from-api.ts";
import {
  COMPLETION_INDEX,
  INDEX_FAILURE_COUNT,
  INDEX_IGNORED_FAILURE_COUNT,
  TRACKING_FINALIZER,
} from "./pod-labels.ts";
import { isGated } from "./placement/awaits-worker.ts";
import type { PodPhase, PodRecord } from "./pod-record.ts";
import { derivedAnnotations, derivedLabels } from "./pod-render.ts";
import { prefixOfName, renderPodSpec } from "./pod-spec-render.ts";
import { timeFromApi } from "./pod-time-from-api.ts";
import type { ObjectMeta, OwnerReference } from "./schema/meta.ts";
import type { Pod, PodCondition, PodSpec, PodTemplateSpec } from "./schema/pod.ts";
import { semanticEqual } from "./validation/semantic-equal.ts";

const MAX_INT32 = 2_147_483_647;

const phases: ReadonlySet<string> = new Set(["Pending", "Running", "Succeeded", "Failed"]);

const isPhase = (phase: string | undefined): phase is PodPhase =>
  phase !== undefined && phases.has(phase);

/** R14: an integer >= 0. */
const indexFrom = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;

/** R62: what can't be read, is negative or above int32 reads as 0. */
function countFrom(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = /^\+?\d+$/.test(text) ? Number(text) : 0;
  return count > MAX_INT32 ? 0 : count;
}

const isJobController = (reference: OwnerReference): boolean =>
  reference.controller === true &&
  reference.kind === "Job" &&
  (reference.apiVersion ?? "").startsWith("batch/");

/** A record without the fields that are undefined: it is stored, and compared. */
const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

const nonEmpty = <T extends object>(value: T): T | undefined =>
  Object.keys(value).length > 0 ? value : undefined;

/** Only what does not derive; see PodRecord.meta. */
function ownMeta(
  metadata: ObjectMeta,
  record: Pick<PodRecord, "index" | "failureCount" | "ignoredFailureCount" | "template" | "name">,
  template: PodTemplateSpec | undefined,
): PodRecord["meta"] {
  const labels = metadata.labels ?? {};
  const annotations = metadata.annotations ?? {};
  const finalizers = (metadata.finalizers ?? []).filter((name) => name !== TRACKING_FINALIZER);
  const others = (metadata.ownerReferences ?? []).filter((one) => !isJobController(one));
  const generateName = metadata.generateName ?? "";
  const derivedName = record.template === undefined ? "" : prefixOfName(record.name);
  const same = (a: object, b: object): boolean => semanticEqual(a, b);
  return nonEmpty(
    compact({
      labels: same(labels, derivedLabels(record, template)) ? undefined : labels,
      annotations: same(annotations, derivedAnnotations(record, template))
        ? undefined
        : annotations,
      finalizers: nonEmpty(finalizers),
      ownerReferences: nonEmpty(others),
      generateName: generateName === derivedName ? undefined : generateName,
      managedFields: metadata.managedFields,
    }),
  );
}

/** The node stands in the record itself. */
function withoutNode(spec: PodSpec): PodSpec {
  const { nodeName: _node, ...rest } = spec;
  return rest;
}

const sameCondition = (a: PodCondition, b: PodCondition | undefined): boolean =>
  b !== undefined &&
  a.type === b.type &&
  a.status === b.status &&
  (a.reason ?? "") === (b.reason ?? "") &&
  (a.message ?? "") === (b.message ?? "") &&
  a.lastTransitionTime === b.lastTransitionTime;

/** Those that the record would not show of itself. */
function ownConditions(
  record: PodRecord,
  spec: PodSpec,
  conditions: readonly PodCondition[],
): PodCondition[] | undefined {
  const derived = new Map(derivedConditions(record, spec).map((one) => [one.type, one]));
  return nonEmpty(conditions.filter((one) => !sameCondition(one, derived.get(one.type))));
}

function statusFields(pod: Pod, previous: PodRecord | undefined) {
  const status = pod.status ?? {};
  const condition = (type: string): PodCondition | undefined =>
    status.conditions?.find((one) => one.type === type);
  const ready = condition("Ready");
  const spec = pod.spec ?? {};
  const init = containersFromApi(
    status.initContainerStatuses,
    spec.initContainers,
    previous?.initContainers,
  );
  return {
    phase: isPhase(status.phase) ? status.phase : ("Pending" as const),
    reason: status.reason,
    message: status.message,
    podIP: status.podIP,
    hostIP: status.hostIP,
    startedAtMs: timeFromApi(status.startTime, previous?.startedAtMs),
    scheduledAtMs: timeFromApi(
      condition("PodScheduled")?.lastTransitionTime,
      previous?.scheduledAtMs,
    ),
    ready: ready?.status === "True",
    // A change of Ready that nobody timed keeps the time it had.
    readyChangedAtMs: timeFromApi(ready?.lastTransitionTime, previous?.readyChangedAtMs),
    containers: containersFromApi(status.containerStatuses, spec.containers, previous?.containers),
    initContainers: nonEmpty(init),
  };
}

/**
 * The record of a Pod whose metadata the API has completed (name, namespace, uid,
 * creationTimestamp). `previous` is what was stored, with the template it derives from: what
 * clients can't set (deletion, claim, portable, handle) and the milliseconds of unchanged times stay.
 * Without `previous` the Pod is a new one and keeps its spec whole.
 */
export function recordFromPod(
  pod: Pod,
  previous?: PodRecord,
  template?: PodTemplateSpec,
): PodRecord {
  const metadata = pod.metadata ?? {};
  const { name, namespace, uid } = metadata;
  const createdAtMs = timeFromApi(metadata.creationTimestamp, previous?.createdAtMs);
  invariant(
    name !== undefined && namespace !== undefined && uid !== undefined && createdAtMs !== undefined,
    "the API completes a Pod's metadata before it is stored",
  );
  const owner = metadata.ownerReferences?.find(isJobController);
  const annotations = metadata.annotations ?? {};
  const spec = pod.spec ?? {};
  const base = {
    namespace,
    name,
    uid,
    createdAtMs,
    job: owner && { name: owner.name ?? "", uid: owner.uid ?? "" },
    template: previous?.template,
    index: indexFrom(annotations[COMPLETION_INDEX]),
    failureCount: countFrom(annotations[INDEX_FAILURE_COUNT]),
    ignoredFailureCount: countFrom(annotations[INDEX_IGNORED_FAILURE_COUNT]),
    tracked: metadata.finalizers?.includes(TRACKING_FINALIZER) ?? false,
    node: spec.nodeName,
    claim: previous?.claim,
    portable: previous?.portable,
    deletion: previous?.deletion,
    handle: previous?.handle,
    ...statusFields(pod, previous),
  };
  const derivedSpec =
    previous === undefined || previous.template === undefined
      ? undefined
      : renderPodSpec({ ...base, node: undefined }, template);
  const ownSpec = withoutNode(spec);
  const record: PodRecord = {
    ...base,
    spec:
      derivedSpec !== undefined && !isGated(ownSpec) && semanticEqual(ownSpec, derivedSpec)
        ? undefined
        : ownSpec,
    meta: ownMeta(metadata, base, template),
  };
  return compact({
    ...record,
    conditions: ownConditions(record, spec, pod.status?.conditions ?? []),
  });
}

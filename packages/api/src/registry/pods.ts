// Strategy of Pods.
import {
  admitPod,
  defaultPod,
  fieldPath,
  podKind,
  podWarnings,
  validateObjectMetaUpdate,
  validatePodCreate,
  validatePodUpdate,
  type WirePod,
} from "@gantry/core";
import { validateRuntime } from "./batch.ts";
import type { ApiObject, Strategy } from "./strategy.ts";

const asPod = (object: ApiObject): WirePod => object as WirePod;

const fields: Readonly<Record<string, (pod: WirePod) => string | undefined>> = {
  "spec.nodeName": ({ spec }) => spec?.nodeName,
  "spec.restartPolicy": ({ spec }) => spec?.restartPolicy,
  "spec.schedulerName": ({ spec }) => spec?.schedulerName,
  "spec.serviceAccountName": ({ spec }) => spec?.serviceAccountName,
  "spec.hostNetwork": ({ spec }) => String(spec?.hostNetwork ?? false),
  "status.phase": ({ status }) => status?.phase,
  "status.podIP": ({ status }) => status?.podIP,
  "status.podIPs": ({ status }) => status?.podIP,
  "status.nominatedNodeName": ({ status }) => status?.nominatedNodeName,
};

export const pods: Strategy = {
  ...podKind,
  resource: "pods",
  empty: { spec: { containers: null }, status: {} },
  field: (object, name) => fields[name]?.(asPod(object)) ?? "",
  prepareCreate(object) {
    const { status: _, ...pod } = asPod(object);
    return defaultPod(pod) as ApiObject;
  },
  admitCreate: (object) =>
    ({ ...admitPod(asPod(object)), status: { phase: "Pending" } }) as ApiObject,
  validateCreate: (object) => [
    ...validatePodCreate(asPod(object)),
    ...validateRuntime(asPod(object).spec?.runtimeClassName, "spec"),
  ],
  prepareUpdate: (next, old) =>
    ({ ...defaultPod(asPod(next)), status: asPod(old).status }) as ApiObject,
  validateUpdate: (next, old) => validatePodUpdate(asPod(next), asPod(old)),
  warnings: (object, old) => (old === undefined ? podWarnings(asPod(object)) : []),
  podTemplate: (object) => ({ path: [], template: asPod(object) }),
  status: {
    prepare: (next, old) => ({ ...next, spec: old["spec"] }),
    validate: (next, old) =>
      validateObjectMetaUpdate(next.metadata, old.metadata, fieldPath("metadata")),
  },
};

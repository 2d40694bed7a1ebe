// Strategies of batch/v1: Jobs and CronJobs.
import {
  blank,
  cronJobKind,
  cronJobWarnings,
  defaultCronJob,
  defaultJob,
  fieldPath,
  type FieldErrors,
  generateSelector,
  jobKind,
  jobWarnings,
  unsupportedField,
  semanticEqual,
  validateCronJobCreate,
  validateCronJobUpdate,
  validateJobCreate,
  validateJobStatusUpdate,
  validateJobUpdate,
  validateObjectMetaUpdate,
  type WireCronJob,
  type WireJob,
} from "@gantry/core";
import { runtimeNames } from "@gantry/store";
import type { ApiObject, Strategy } from "./strategy.ts";

const asJob = (object: ApiObject): WireJob => object as WireJob;
const asCronJob = (object: ApiObject): WireCronJob => object as WireCronJob;

const known: readonly string[] = runtimeNames;

/** A runtime that no worker can have would leave the Pods Pending for ever. */
export const validateRuntime = (name: string | undefined, ...path: string[]): FieldErrors =>
  name === undefined || name === "" || known.includes(name)
    ? []
    : [unsupportedField(fieldPath(...path, "runtimeClassName"), name, known)];

/** M5: the generation counts changes of the spec. */
export const withGeneration = (next: ApiObject, old: ApiObject): ApiObject => {
  const before = old.metadata?.generation ?? 0;
  const generation = semanticEqual(next["spec"], old["spec"]) ? before : before + 1;
  return { ...blank, ...next, metadata: { ...blank, ...next.metadata, generation } };
};

const emptyTemplate = { template: { metadata: {}, spec: { containers: null } } };

export const jobs: Strategy = {
  ...blank,
  ...jobKind,
  resource: "jobs",
  empty: { spec: emptyTemplate, status: {} },
  orphanWarning:
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background " +
    "to remove them or set propagationPolicy=Orphan to suppress this warning",
  field: (object) => String(asJob(object).status?.succeeded ?? 0),
  prepareCreate: (object) => defaultJob({ ...blank, ...asJob(object), status: {} }) as ApiObject,
  admitCreate: (object) => generateSelector(asJob(object), object.metadata?.uid ?? "") as ApiObject,
  validateCreate: (object) => [
    ...validateJobCreate(asJob(object)),
    ...validateRuntime(
      asJob(object).spec?.template?.spec?.runtimeClassName,
      "spec",
      "template",
      "spec",
    ),
  ],
  prepareUpdate(next, old) {
    const job = defaultJob({ ...blank, ...asJob(next), status: asJob(old).status });
    return withGeneration(job as ApiObject, old);
  },
  validateUpdate: (next, old) => validateJobUpdate(asJob(next), asJob(old)),
  warnings: (object, old) => jobWarnings(asJob(object), old === undefined ? undefined : asJob(old)),
  podTemplate: (object) => ({
    path: ["spec", "template"],
    template: asJob(object).spec?.template,
  }),
  status: {
    prepare: (next, old) => ({ ...blank, ...next, spec: old["spec"] }),
    validate: (next, old) => validateJobStatusUpdate(asJob(next), asJob(old)),
  },
};

export const cronJobs: Strategy = {
  ...blank,
  ...cronJobKind,
  resource: "cronjobs",
  empty: {
    spec: { schedule: "", jobTemplate: { metadata: {}, spec: emptyTemplate } },
    status: {},
  },
  field: () => "",
  prepareCreate: (object) =>
    defaultCronJob({ ...blank, ...asCronJob(object), status: {} }) as ApiObject,
  validateCreate: (object) => [
    ...validateCronJobCreate(asCronJob(object)),
    ...validateRuntime(
      asCronJob(object).spec?.jobTemplate?.spec?.template?.spec?.runtimeClassName,
      "spec",
      "jobTemplate",
      "spec",
      "template",
      "spec",
    ),
  ],
  prepareUpdate(next, old) {
    const cronJob = defaultCronJob({ ...blank, ...asCronJob(next), status: asCronJob(old).status });
    return withGeneration(cronJob as ApiObject, old);
  },
  validateUpdate: (next, old) => validateCronJobUpdate(asCronJob(next), asCronJob(old)),
  warnings: (object, old) =>
    cronJobWarnings(asCronJob(object), old === undefined ? undefined : asCronJob(old)),
  podTemplate: (object) => ({
    path: ["spec", "jobTemplate", "spec", "template"],
    template: asCronJob(object).spec?.jobTemplate?.spec?.template,
  }),
  status: {
    prepare: (next, old) => ({ ...blank, ...next, spec: old["spec"] }),
    // Kubernetes does not validate the status of a CronJob (C2).
    validate: (next, old) =>
      validateObjectMetaUpdate(next.metadata, old.metadata, fieldPath("metadata")),
  },
};

// The Job as the engine holds it: decoded, defaulted and validated, so inside there are few optionals.
import type {
  Job as WireJob,
  JobCondition,
  JobSpec as WireJobSpec,
  JobStatus,
} from "./schema/batch.ts";
import type { ObjectMeta } from "./schema/meta.ts";

/** Metadata of an object that is stored; `resourceVersion` is kept beside it by the store. */
export type StoredMeta = Omit<ObjectMeta, "name" | "uid" | "creationTimestamp"> &
  Required<Pick<ObjectMeta, "name" | "uid" | "creationTimestamp">>;

export type NamespacedMeta = StoredMeta & { namespace: string };

/** JobSpec after defaulting: these fields are always there. */
export type JobSpec = WireJobSpec &
  Required<
    Pick<
      WireJobSpec,
      | "parallelism"
      | "backoffLimit"
      | "completionMode"
      | "suspend"
      | "podReplacementPolicy"
      | "selector"
      | "template"
    >
  >;

export type Job = Omit<WireJob, "metadata" | "spec" | "status"> & {
  metadata: NamespacedMeta & { generation: number };
  spec: JobSpec;
  status: JobStatus;
};

export type { JobCondition, JobStatus };

/** `namespace/name`. */
export const jobKey = (job: { metadata: { namespace: string; name: string } }): string =>
  `${job.metadata.namespace}/${job.metadata.name}`;

export const conditionTrue = (
  conditions: readonly { type?: string | undefined; status?: string | undefined }[] | undefined,
  type: string,
): boolean => conditions?.some((c) => c.type === type && c.status === "True") ?? false;

/** R4: Complete or Failed is True; nothing revives such a Job. */
export const isFinished = (job: Job): boolean =>
  conditionTrue(job.status.conditions, "Complete") ||
  conditionTrue(job.status.conditions, "Failed");

export const isIndexed = (job: Job): boolean => job.spec.completionMode === "Indexed";

/** R3: another controller has this Job. */
export const isManagedElsewhere = (job: Job): boolean =>
  job.spec.managedBy !== undefined && job.spec.managedBy !== "kubernetes.io/job-controller";

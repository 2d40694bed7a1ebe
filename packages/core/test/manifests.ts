// Valid objects that rule tests break one thing of, and the form in which they state errors.
import { type FieldError, fieldErrorBody } from "../src/apimachinery/field-error.ts";
import { generateSelector } from "../src/defaults/generated-selector.ts";
import { defaultJob } from "../src/defaults/job.ts";
import { defaultPod } from "../src/defaults/pod.ts";
import type { Job, JobSpec } from "../src/schema/batch.ts";
import type { Container } from "../src/schema/container.ts";
import type { Pod, PodSpec } from "../src/schema/pod.ts";

/** One line an error: `<reason> <field>: <message of the cause>`. */
export const lines = (errors: readonly FieldError[]): string[] =>
  errors.map((error) => `${error.type} ${error.field}: ${fieldErrorBody(error)}`);

export const jobUid = "6a8f1d1c-0000-4000-8000-000000000001";

export const templateSpec = (patch: PodSpec = {}): PodSpec => ({
  restartPolicy: "Never",
  containers: [{ name: "c", image: "busybox:1.36" }],
  ...patch,
});

/** As a client would send it. */
export const jobManifest = (spec: JobSpec = {}, name = "demo"): Job => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, namespace: "default" },
  spec: { template: { spec: templateSpec() }, ...spec },
});

/** Defaulted, with uid and generated selector: what validation gets. */
export function storedJob(spec: JobSpec = {}, name = "demo"): Job {
  const manifest = jobManifest(spec, name);
  const job = defaultJob({
    ...manifest,
    metadata: { ...manifest.metadata, uid: jobUid, resourceVersion: "1" },
  });
  return defaultJob(generateSelector(job, jobUid));
}

export const podManifest = (spec: PodSpec = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "demo", namespace: "default" },
  spec: templateSpec(spec),
});

export function storedPod(spec: PodSpec = {}): Pod {
  const manifest = podManifest(spec);
  return defaultPod({ ...manifest, metadata: { ...manifest.metadata, resourceVersion: "1" } });
}

/** A Pod of one container, with `patch` over a valid one. */
export const podWith = (patch: Container, spec: PodSpec = {}): Pod =>
  storedPod({ ...spec, containers: [{ name: "c", image: "busybox:1.36", ...patch }] });

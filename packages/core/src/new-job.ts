// A Job as it is stored when it is created: defaulted, with its generated selector, uid and times.
import { blank } from "./apimachinery/blank.ts";
import { rfc3339 } from "./apimachinery/time.ts";
import { defaultJob } from "./defaults/job.ts";
import { generateSelector } from "./defaults/generated-selector.ts";
import type { Job } from "./job.ts";
import type { Job as WireJob } from "./schema/batch.ts";

/** Not validated yet (`validateJobCreate`). `manifest.metadata` has its name and namespace. */
export const newJob = (manifest: WireJob, uid: string, nowMs: number): Job => {
  const { metadata } = manifest;
  return generateSelector(
    defaultJob({
      ...blank,
      ...manifest,
      kind: "Job",
      apiVersion: "batch/v1",
      metadata: {
        ...blank,
        ...metadata,
        uid,
        creationTimestamp: rfc3339(nowMs),
        generation: 1,
      },
      status: {},
    }),
    uid,
  ) as Job;
};

// Puts a Job in: creates it, replaces a finished one of the same name, or joins one that is running.
import { type Gantry, hasReason, isFinished, type Job, type JobManifest } from "@gantry/sdk";
import { randomUUID } from "node:crypto";
import { humanDuration } from "../duration.ts";
import type { Say } from "../redis/find.ts";
import { UsageError } from "../usage-error.ts";
import { isSubset } from "./subset.ts";

export interface Submitted {
  readonly job: Job;
  /** False when the Job was running already. */
  readonly created: boolean;
}

/** Time for a finished Job's Pods and logs to go before its successor comes. */
const REPLACE_TIMEOUT_MS = 30_000;

export async function submitJob(
  client: Gantry,
  manifest: JobManifest,
  say: Say,
): Promise<Submitted> {
  // The key makes a repeat after a lost answer find the Job instead of failing as a duplicate.
  const idempotencyKey = randomUUID();
  const create = async (): Promise<Submitted> => {
    const { body, warnings } = await client.jobs.submitVerbose(manifest, { idempotencyKey });
    for (const warning of warnings) say(`warning: ${warning}`);
    return { job: body, created: true };
  };
  const name = manifest.metadata?.name;
  try {
    return await create();
  } catch (error) {
    if (name === undefined || !hasReason(error, "AlreadyExists")) throw error;
  }
  const namespace = manifest.metadata?.namespace;
  const existing = await client.jobs.get(name, { namespace }).catch((error: unknown) => {
    if (hasReason(error, "NotFound")) return undefined;
    throw error;
  });
  if (existing !== undefined && !isFinished(existing) && !existing.metadata.deletionTimestamp) {
    if (!isSubset(manifest.spec, existing.spec)) {
      throw new UsageError(
        `a Job ${name} with another spec is running; wait for it, or delete it with \`gantry delete job ${name}\``,
      );
    }
    say(`Job ${name} is running already: following it`);
    return { job: existing, created: false };
  }
  if (existing !== undefined) {
    say(`Job ${name} ${ageText(existing)}: replacing it`);
    const { uid } = existing.metadata;
    await client.jobs
      .delete(name, { namespace, uid, propagation: "Foreground" })
      .catch((error: unknown) => {
        if (!hasReason(error, "NotFound")) throw error;
      });
    await client.jobs.waitDeleted(name, { namespace, uid, timeoutMs: REPLACE_TIMEOUT_MS });
  }
  return create();
}

function ageText(job: Job): string {
  const end = job.status?.conditions?.find((c) => c.type === "Complete" || c.type === "Failed");
  if (end?.lastTransitionTime === undefined) return "is being deleted";
  return `finished ${humanDuration(Date.now() - Date.parse(end.lastTransitionTime))} ago`;
}

// `gantry run FILE`: runs a Job to its end and exits with its outcome.
import { type Gantry, hasCondition, hasReason, type Job, type JobManifest } from "@gantry/sdk";
import { applyManifest } from "../apply-manifest.ts";
import { humanDuration } from "../duration.ts";
import { type Manifest, readManifests } from "../manifest.ts";
import { EXIT_FAILED } from "../report-error.ts";
import { jobFailureText } from "../run/failure.ts";
import { followJob } from "../run/follow.ts";
import { LogWriter } from "../run/log-writer.ts";
import { Progress } from "../run/progress.ts";
import { submitJob } from "../run/submit.ts";
import { say } from "../say.ts";
import { type Attachment, attach, type AttachOptions } from "../server/attach.ts";
import { type EndRequest, endRequest, exitCodeOf } from "../server/signals.ts";
import { UsageError } from "../usage-error.ts";

export interface RunOptions extends AttachOptions {
  readonly prefix: boolean;
  /** An interrupt leaves the Job in place. */
  readonly keep: boolean;
}

/** Beyond the Pods' own grace period, for the deletion to be done. */
const CANCEL_MARGIN_MS = 5_000;
const DEFAULT_GRACE_SECONDS = 30;

export async function run(file: string, options: RunOptions): Promise<void> {
  const { manifest, others } = oneJob(file, readManifests([file]));
  const end = endRequest();
  const attachment = await attach(options, say);
  let hurry = AbortSignal.abort();
  try {
    for (const other of others) await applyManifest(attachment.client, other);
    process.exitCode = await runJob(attachment, manifest, options, end);
    hurry = end.signal;
  } finally {
    await attachment.close(hurry);
    end.stopListening();
  }
}

async function runJob(
  { client, instance }: Attachment,
  manifest: JobManifest,
  options: RunOptions,
  end: EndRequest,
): Promise<number> {
  if (end.signal.aborted) return exitCodeOf(await end.requested);
  if (instance !== undefined) say(`using the Gantry of process ${instance.pid}`);
  const { job, created } = await submitJob(client, manifest, say);
  if (created) say(`Job ${job.metadata.name} created in namespace ${job.metadata.namespace}`);
  const progress = new Progress({
    write: (text) => process.stderr.write(text),
    isTTY: process.stderr.isTTY,
    columns: process.stderr.columns ?? 80,
  });
  const writer = new LogWriter(process.stdout, progress, options.prefix);
  const startedAtMs = Date.now();
  let ended: Job | undefined;
  try {
    ended = await followJob({ client, job, progress, writer, signal: end.signal });
  } catch (error) {
    if (!end.signal.aborted) throw error;
    progress.close();
    return await interrupted(client, job, options.keep, end);
  } finally {
    progress.close();
  }
  if (ended === undefined) {
    say(`Job ${job.metadata.name} was deleted before it finished`);
    return EXIT_FAILED;
  }
  if (hasCondition(ended, "Complete")) {
    say(`Job ${ended.metadata.name} complete in ${humanDuration(Date.now() - startedAtMs)}`);
    return 0;
  }
  for (const line of (await jobFailureText(client, ended)).split("\n")) say(line);
  return EXIT_FAILED;
}

async function interrupted(
  client: Gantry,
  job: Job,
  keep: boolean,
  end: EndRequest,
): Promise<number> {
  const signal = await end.requested;
  const { name, namespace, uid } = job.metadata;
  if (keep) {
    say(`interrupted; Job ${name} stays, and goes on while a Gantry runs on it`);
    return exitCodeOf(signal);
  }
  say(`interrupted: deleting Job ${name} (once more to leave at once)`);
  const grace = job.spec?.template?.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  const timeoutMs = grace * 1_000 + CANCEL_MARGIN_MS;
  try {
    await client.jobs.delete(name, { namespace, uid, propagation: "Foreground" });
    await client.jobs.waitDeleted(name, { namespace, uid, timeoutMs });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
  return exitCodeOf(signal);
}

/** The file's Job; objects beside it (a ConfigMap it mounts) are put in before it. */
function oneJob(
  file: string,
  manifests: readonly Manifest[],
): { manifest: JobManifest; others: readonly Manifest[] } {
  const jobs = manifests.filter(({ object }) => object.kind === "Job");
  const [first] = jobs;
  if (first === undefined) {
    const kinds = [...new Set(manifests.map(({ object }) => object.kind))].join(", ");
    throw new UsageError(
      `${file}: run takes a Job, and this is ${kinds}; \`gantry apply -f\` takes any kind`,
    );
  }
  if (jobs.length > 1) {
    throw new UsageError(
      `${file}: run takes one Job, and this has ${jobs.length}; use \`gantry apply -f\``,
    );
  }
  if (first.object.apiVersion !== "batch/v1") {
    throw new UsageError(
      `${file}: apiVersion: a Job is of batch/v1, not ${first.object.apiVersion}`,
    );
  }
  return { manifest: first.object, others: manifests.filter((one) => one !== first) };
}

// Follows a Job to its end: its Pods' output on stdout, everything else on stderr.
import { type Gantry, isFinished, type Job, type Pod } from "@gantry/sdk";
import { podFailureText } from "./failure.ts";
import type { LogWriter } from "./log-writer.ts";
import type { Progress } from "./progress.ts";

export interface FollowOptions {
  readonly client: Gantry;
  readonly job: Job;
  readonly progress: Progress;
  readonly writer: LogWriter;
  readonly signal: AbortSignal;
}

/** After this many failed Pods only the counts are told. */
const FAILURES_TOLD = 20;

/** The Job as it ended; undefined when somebody deleted it. Aborting the signal rejects. */
export async function followJob(options: FollowOptions): Promise<Job | undefined> {
  const { client, job, progress, signal } = options;
  const { name, namespace, uid } = job.metadata;
  const abort = new AbortController();
  const either = AbortSignal.any([signal, abort.signal]);
  const printing = printLogs(options, either);
  const telling = tellFailures(options, either);
  telling.catch(() => undefined);
  printing.catch(() => undefined);
  try {
    const ended = await client.jobs.waitUntil(name, { namespace, signal }, (now) => {
      if (now === undefined || now.metadata.uid !== uid) return { done: undefined };
      progress.update(now);
      return isFinished(now) ? { done: now } : undefined;
    });
    // The logs end by themselves once the Job has.
    await printing;
    return ended;
  } finally {
    abort.abort();
  }
}

async function printLogs(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { client, job, writer } = options;
  const { name, namespace } = job.metadata;
  const chunks = client.jobs.logChunks(name, { namespace, follow: true, signal });
  for await (const { pod, chunk } of chunks) await writer.write(pod, chunk);
  writer.end();
}

/** Tells of each Pod that fails while the Job goes on. */
async function tellFailures(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { client, job, progress } = options;
  const told = new Set<string>();
  const events = client.pods.watch({
    namespace: job.metadata.namespace,
    labelSelector: `batch.kubernetes.io/controller-uid=${job.metadata.uid}`,
    signal,
  });
  for await (const { type, object } of events) {
    if (type === "DELETED" || !hasFailed(object) || told.has(object.metadata.uid)) continue;
    told.add(object.metadata.uid);
    if (told.size > FAILURES_TOLD)
      return progress.note("more Pods fail; from here on only counted");
    progress.note(`Pod ${object.metadata.name} failed: ${podFailureText(object)}`);
  }
}

const hasFailed = (pod: Pod): boolean => pod.status?.phase === "Failed";

// Jobs: the common verbs, waiting for the outcome, and the logs of all their Pods.
import type { Connection } from "./connection.ts";
import { WaitError } from "./errors.ts";
import { followJob, type JobLogChunk, type JobLogOptions } from "./job-logs.ts";
import { lineText } from "./lines.ts";
import type { Job, JobManifest } from "./objects.ts";
import { hasCondition, isFinished, outcomeText } from "./outcome.ts";
import type { PodsClient } from "./pods.ts";
import { ResourceClient, type WaitOptions } from "./resource-client.ts";

/** `finished`: Complete or Failed; a condition's name; `deleted`. */
export type JobGoal = "finished" | "deleted" | (string & {});

export interface JobWaitOptions extends WaitOptions {
  readonly for?: JobGoal | undefined;
}

export interface JobLogLine {
  readonly pod: string;
  readonly line: string;
}

export class JobsClient extends ResourceClient<JobManifest, Job> {
  readonly #pods: PodsClient;

  constructor(connection: Connection, namespace: string, pods: PodsClient) {
    super(connection, JOBS, namespace);
    this.#pods = pods;
  }

  /**
   * Waits and returns the Job as it then is (for `deleted`: as it last was, or undefined if it never was).
   * Throws WaitError: `Timeout`, or `Impossible` when the Job ended so that the condition can't come any more.
   */
  async wait(name: string, options: JobWaitOptions = {}): Promise<Job | undefined> {
    const goal = (options.for ?? "finished").toLowerCase();
    let last: Job | undefined;
    return this.waitUntil(name, options, (job) => {
      if (job === undefined) {
        if (goal === "deleted") return { done: last };
        if (last === undefined) return undefined;
        throw new WaitError("Impossible", `jobs/${name} was deleted`);
      }
      last = job;
      const reached = goal === "finished" ? isFinished(job) : hasCondition(job, goal);
      if (reached) return { done: job };
      if (goal !== "deleted" && isFinished(job)) {
        throw new WaitError("Impossible", `jobs/${name} ended otherwise: ${outcomeText(job)}`);
      }
      return undefined;
    });
  }

  /** Lines of the Job's Pods; with `follow`, of Pods to come too, until the Job has finished or is gone. */
  async *logs(name: string, options: JobLogOptions = {}): AsyncGenerator<JobLogLine> {
    for await (const { pod, chunk } of this.logChunks(name, options)) {
      yield { pod, line: lineText(chunk) };
    }
  }

  /** As `logs`, with each line's bytes as they came, newline included. */
  logChunks(name: string, options: JobLogOptions = {}): AsyncGenerator<JobLogChunk> {
    return followJob({ jobs: this, pods: this.#pods, name, options });
  }
}

const JOBS = { kind: "Job", apiVersion: "batch/v1", plural: "jobs", namespaced: true } as const;

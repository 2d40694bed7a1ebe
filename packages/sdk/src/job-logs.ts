// The logs of a Job: its Pods are watched, and each container run that begins is followed to its end.
import { setMaxListeners } from "node:events";
import { Channel } from "./channel.ts";
import { GantryError } from "./errors.ts";
import { lines } from "./lines.ts";
import type { Job, JobManifest, Pod } from "./objects.ts";
import { isFinished } from "./outcome.ts";
import type { LogOptions, PodsClient } from "./pods.ts";
import type { ResourceClient } from "./resource-client.ts";

export type JobLogOptions = Omit<LogOptions, "previous" | "limitBytes">;

/** One line of one Pod, newline included if the program wrote one. */
export interface JobLogChunk {
  readonly pod: string;
  readonly chunk: Buffer;
}

type Jobs = ResourceClient<JobManifest, Job>;

export interface FollowSource {
  readonly jobs: Jobs;
  readonly pods: PodsClient;
  readonly name: string;
  readonly options: JobLogOptions;
}

/** Logs followed at once; more wait their turn, their lines are not lost. */
const MAX_STREAMS = 64;

export async function* followJob(source: FollowSource): AsyncGenerator<JobLogChunk> {
  const { jobs, pods, name, options } = source;
  const job = await jobs.get(name, options);
  const selection = {
    namespace: options.namespace,
    labelSelector: `batch.kubernetes.io/controller-uid=${job.metadata.uid}`,
  };
  const follower = new Follower(pods, options);
  const abort = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal;
  const run = async (): Promise<void> => {
    if (options.follow !== true) {
      for (const pod of (await pods.list(selection)).items) follower.see(pod);
      return follower.drained();
    }
    const watching = (async () => {
      for await (const event of pods.watch({ ...selection, signal })) {
        if (event.type !== "DELETED") follower.see(event.object);
      }
    })();
    const end = untilFinished(jobs, job, options, signal);
    await Promise.race([end, watching]);
    if (signal.aborted) return;
    // The last Pods may have ended after the watch's latest event: look once more before the end.
    for (const pod of (await pods.list(selection)).items) follower.see(pod);
    await follower.drained();
  };
  const running = run().then(
    () => follower.channel.close(),
    (error: unknown) => follower.channel.close(error),
  );
  try {
    yield* follower.channel;
  } finally {
    abort.abort();
    follower.stop();
    await running;
  }
}

/** Resolves when the Job has finished or is gone. */
const untilFinished = (
  jobs: Jobs,
  job: Job,
  options: JobLogOptions,
  signal: AbortSignal,
): Promise<void> =>
  jobs.waitUntil(job.metadata.name, { namespace: options.namespace, signal }, (now) =>
    now === undefined || now.metadata.uid !== job.metadata.uid || isFinished(now)
      ? { done: undefined }
      : undefined,
  );

class Follower {
  readonly channel = new Channel<JobLogChunk>();
  readonly #pods: PodsClient;
  readonly #options: JobLogOptions;
  readonly #abort = new AbortController();
  /** Container runs seen, by Pod uid and restart count. */
  readonly #seen = new Set<string>();
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(pods: PodsClient, options: JobLogOptions) {
    this.#pods = pods;
    this.#options = options;
    // Every stream listens to it; that is no leak.
    setMaxListeners(0, this.#abort.signal);
  }

  /** Starts following the Pod's container run, once. */
  see(pod: Pod): void {
    const status = containerOf(pod, this.#options.container);
    if (status === undefined) return;
    const run = `${pod.metadata.uid}/${status.restarts}`;
    if (this.#seen.has(run)) return;
    this.#seen.add(run);
    this.#waiting.push(() => this.#follow(pod));
    this.#next();
  }

  async drained(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  stop(): void {
    this.#waiting.length = 0;
    this.#abort.abort();
  }

  #next(): void {
    while (this.#running < MAX_STREAMS) {
      const start = this.#waiting.shift();
      if (start === undefined) break;
      this.#running++;
      void start()
        .catch((error: unknown) => this.channel.close(error))
        .finally(() => {
          this.#running--;
          this.#next();
          if (this.#running === 0) for (const wake of this.#idle.splice(0)) wake();
        });
    }
  }

  async #follow(pod: Pod): Promise<void> {
    const options = {
      ...this.#options,
      namespace: pod.metadata.namespace,
      signal: this.#abort.signal,
    };
    try {
      for await (const chunk of lines(this.#pods.logStream(pod.metadata.name, options))) {
        if (!(await this.channel.push({ pod: pod.metadata.name, chunk }))) return;
      }
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      // The Pod is gone, or its container never ran (StartError): there is nothing to read.
      if (error instanceof GantryError && (error.code === 404 || error.code === 400)) return;
      throw error;
    }
  }
}

/** The container's run, once it has begun. */
function containerOf(pod: Pod, container: string | undefined): { restarts: number } | undefined {
  const all = pod.status?.containerStatuses ?? [];
  const status = container === undefined ? all[0] : all.find((one) => one.name === container);
  if (status === undefined) {
    const ended = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
    return ended ? { restarts: 0 } : undefined;
  }
  const begun = status.state?.running !== undefined || status.state?.terminated !== undefined;
  return begun ? { restarts: status.restartCount ?? 0 } : undefined;
}

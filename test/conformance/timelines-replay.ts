// Lives a recorded life again: submits the manifest, acts as the recording says and notes what watches show.
import type { Gantry, Job, Pod } from "@gantry/sdk";
import { waitFor } from "@gantry/store/testing/wait-for";
import type { Entry, Manifest, Recording } from "./timelines-recording.ts";

const TRACKING = "batch.kubernetes.io/job-tracking";
const INDEX = "batch.kubernetes.io/job-completion-index";
const FAILURE_COUNT = "batch.kubernetes.io/job-index-failure-count";
const JOB_NAME = "batch.kubernetes.io/job-name";

/** What the stand-in kubelet of the recordings read from a container's env. */
const ANNOTATIONS: Readonly<Record<string, string>> = {
  FAKE_EXIT: "gantry.dev/simulated-exit-code",
  FAKE_EXIT_BY_INDEX: "gantry.dev/simulated-exit-code",
  FAKE_RUN_MS: "gantry.dev/simulated-run-ms",
  FAKE_TERM_MS: "gantry.dev/simulated-stop-ms",
  FAKE_FAIL_FIRST: "gantry.dev/simulated-fail-first",
};

/** The same Job for the simulated runtime. */
export const simulatedJob = (manifest: Manifest): unknown => {
  const { template } = manifest.spec;
  const annotations: Record<string, string> = {};
  for (const { env = [] } of template.spec.containers) {
    for (const { name, value } of env) {
      const annotation = ANNOTATIONS[name];
      if (annotation === undefined) throw new Error(`a recording uses ${name}`);
      annotations[annotation] = value;
    }
  }
  return {
    ...manifest,
    spec: {
      ...manifest.spec,
      template: {
        metadata: { annotations },
        spec: {
          ...template.spec,
          runtimeClassName: "simulated",
          containers: template.spec.containers.map((container) => ({ ...container, env: [] })),
        },
      },
    },
  };
};

const conditionsText = (
  conditions: readonly { type: string; status: string; reason?: string; message?: string }[],
): string =>
  conditions
    .map(({ type, status, reason, message }) => `${type}=${status}(${reason}: ${message})`)
    .join("; ");

const jobEntry = (atMs: number, type: string, { metadata, status }: Job): Entry => {
  const { conditions, ...fields } = status ?? {};
  const times = ["startTime", "completionTime"] as const;
  const set = times.filter((time) => fields[time] !== undefined).map((time) => [time, "set"]);
  return {
    kind: "job",
    atMs,
    type,
    deleting: metadata.deletionTimestamp !== undefined,
    finalizers: metadata.finalizers?.length ? JSON.stringify(metadata.finalizers) : "",
    status: { ...fields, ...Object.fromEntries(set) },
    conditions: conditionsText((conditions ?? []) as never),
  };
};

const podEntry = (atMs: number, type: string, pod: Pod): Entry => {
  const { metadata, spec, status } = pod;
  const exitCode = status?.containerStatuses?.[0]?.state?.terminated?.exitCode;
  const deleting = metadata.deletionTimestamp !== undefined;
  const phase = status?.phase ?? "";
  const index = metadata.annotations?.[INDEX];
  const failures = metadata.annotations?.[FAILURE_COUNT];
  const disruption = status?.conditions?.filter(({ type: name }) => name === "DisruptionTarget");
  const words = [
    phase,
    spec?.nodeName ? "bound" : "",
    exitCode === undefined ? "" : `exit ${exitCode}`,
    deleting ? "deleting" : "",
    index === undefined ? "" : `index=${index}`,
    failures === undefined ? "" : `index-failure-count=${failures}`,
    conditionsText((disruption ?? []) as never),
  ];
  return {
    kind: "pod",
    atMs,
    type,
    pod: metadata.name,
    phase,
    state: words.filter((word) => word !== "").join(" "),
    deleting,
    tracked: metadata.finalizers?.includes(TRACKING) === true,
  };
};

interface WatchedEvent {
  readonly metadata: { readonly name: string };
  readonly involvedObject: { readonly kind?: string; readonly name?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
}

const EVENTS = { kind: "Event", apiVersion: "v1", plural: "events", namespaced: true } as const;

/** Follows all Jobs, Pods and Events of a namespace; tells each Job's changes apart. */
export class LifeWatch {
  readonly client: Gantry;
  readonly #abort = new AbortController();
  readonly #lives = new Map<string, { startMs: number; entries: Entry[] }>();
  #watches: readonly Promise<void>[] = [];
  #failure: unknown;

  private constructor(client: Gantry) {
    this.client = client;
  }

  /** From the moment it resolves no change is missed. */
  static async start(client: Gantry): Promise<LifeWatch> {
    const watch = new LifeWatch(client);
    await watch.#start();
    return watch;
  }

  async #start(): Promise<void> {
    const { signal } = this.#abort;
    const { jobs, pods } = this.client;
    const events = this.client.resource(EVENTS);
    const [jobsNow, podsNow, eventsNow] = await Promise.all([
      jobs.list(),
      pods.list(),
      events.list(),
    ]);
    this.#watches = [
      this.#follow(jobs.watch({ signal, from: jobsNow }), (type, job) => {
        this.#note(job.metadata.name, (atMs) => jobEntry(atMs, type, job));
      }),
      this.#follow(pods.watch({ signal, from: podsNow }), (type, pod) => {
        const job = pod.metadata.labels?.[JOB_NAME] ?? "";
        this.#note(job, (atMs) => podEntry(atMs, type, pod));
      }),
      this.#follow(events.watch({ signal, from: eventsNow }), (type, object) => {
        const event = object as unknown as WatchedEvent;
        if (event.involvedObject.kind !== "Job") return;
        const { reason, message, count } = event;
        const text = `${type} ${event.type} ${reason}: ${message} (count ${count})`;
        this.#note(event.involvedObject.name ?? "", (atMs) => ({ kind: "event", atMs, text }));
      }),
    ];
  }

  /** What has been seen of the Job since `begin`. */
  entries(job: string): readonly Entry[] {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#lives.get(job)?.entries ?? [];
  }

  begin(job: string): void {
    this.#lives.set(job, { startMs: performance.now(), entries: [] });
  }

  act(job: string, text: string): void {
    this.#note(job, (atMs) => ({ kind: "action", atMs, text }));
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#watches);
  }

  #note(job: string, make: (atMs: number) => Entry): void {
    const life = this.#lives.get(job);
    life?.entries.push(make(performance.now() - life.startMs));
  }

  async #follow<T>(
    watch: AsyncIterable<{ type: string; object: T }>,
    note: (type: string, object: T) => void,
  ): Promise<void> {
    try {
      for await (const { type, object } of watch) note(type, object);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#failure = error;
    }
  }
}

const jobsPath = "/apis/batch/v1/namespaces/default/jobs";
const podsPath = "/api/v1/namespaces/default/pods";

const livePod = (watch: LifeWatch, job: string): string => {
  const gone = new Set<string>();
  const live = new Set<string>();
  for (const entry of watch.entries(job)) {
    if (entry.kind !== "pod") continue;
    if (entry.type === "DELETED" || entry.phase === "Failed") gone.add(entry.pod);
    live.add(entry.pod);
  }
  const [pod, ...others] = [...live].filter((name) => !gone.has(name));
  if (pod === undefined || others.length > 0) throw new Error(`${job} has not one live Pod`);
  return pod;
};

const PATCH = /^patch (suspend|parallelism)=(\w+)$/;

/** The status code of the answer. */
const perform = async (watch: LifeWatch, what: string, life: Recording): Promise<number> => {
  const { connection } = watch.client;
  const path = `${jobsPath}/${life.name}`;
  const patch = PATCH.exec(what);
  if (patch !== null) {
    const [, field = "", value = ""] = patch;
    const body = { spec: { [field]: JSON.parse(value) as unknown } };
    const contentType = "application/merge-patch+json";
    return (await connection.request({ method: "PATCH", path, body, contentType })).status;
  }
  if (what === "POST job") {
    const body = simulatedJob(life.manifest);
    return (await connection.request({ method: "POST", path: jobsPath, body })).status;
  }
  if (what === "DELETE job Foreground") {
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Foreground" };
    return (await connection.request({ method: "DELETE", path, body })).status;
  }
  const name = livePod(watch, life.name);
  const pod = `${podsPath}/${name}`;
  if (what === "DELETE the pod") {
    return (await connection.request({ method: "DELETE", path: pod })).status;
  }
  if (what === "evict the pod") {
    const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } };
    return (await connection.request({ method: "POST", path: `${pod}/eviction`, body })).status;
  }
  throw new Error(`a recording does what is not known here: ${what}`);
};

const sleepUntil = (startMs: number, atMs: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, atMs - (performance.now() - startMs)));
  });

const jobEnded = (entry: Entry): boolean =>
  entry.kind === "job" &&
  (entry.type === "DELETED" || /\b(Complete|Failed)=True/.test(entry.conditions));

const count = (entries: readonly Entry[], wanted: (entry: Entry) => boolean): number =>
  entries.filter(wanted).length;

const isEvent = (entry: Entry): boolean => entry.kind === "event";
const isJobDeleted = (entry: Entry): boolean => entry.kind === "job" && entry.type === "DELETED";
const isPodDeleted = (entry: Entry): boolean => entry.kind === "pod" && entry.type === "DELETED";

const LIFE_TIMEOUT_MS = 90_000;

/**
 * Acts at the recorded times and resolves once the Job has ended, with as many Events and deletions
 * as were recorded. What is wrong with it, the comparison tells.
 */
export const replay = async (watch: LifeWatch, life: Recording): Promise<void> => {
  const startMs = performance.now();
  watch.begin(life.name);
  for (const action of life.entries.filter((entry) => entry.kind === "action")) {
    await sleepUntil(startMs, action.atMs);
    const [what = "", code] = action.text.split(" -> ");
    watch.act(life.name, action.text);
    const status = await perform(watch, what, life);
    if (code !== undefined && status !== Number(code)) {
      throw new Error(`${life.name}: ${action.text}, but Gantry answered ${status}`);
    }
  }
  const asMany = (wanted: (entry: Entry) => boolean): boolean =>
    count(watch.entries(life.name), wanted) >= count(life.entries, wanted);
  await waitFor(
    `the end of ${life.name}`,
    () =>
      (watch.entries(life.name).some(jobEnded) &&
        [isJobDeleted, isPodDeleted, isEvent].every(asMany)) ||
      undefined,
    LIFE_TIMEOUT_MS,
  );
};

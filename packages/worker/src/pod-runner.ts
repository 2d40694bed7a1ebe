// Runs claimed Pods on their runtimes and keeps track of those that run here.
import { isTerminal, podAnnotations, type PodRecord, renderPodSpec } from "@gantry/core";
import type { PodPayload, Stored } from "@gantry/store";
import { type Claim, claimPod, reclaimPod } from "./claim.ts";
import { Latch, untilRaised } from "./latch.ts";
import { lostObservation, withDisruption } from "./observed-pod.ts";
import { PodReporter } from "./pod-reporter.ts";
import { type PodResult, resultOf } from "./pod-result.ts";
import { MissingSourceError, readSources } from "./pod-sources.ts";
import type { Observation, PodSink, RunningPod, Runtime } from "./runtime.ts";
import { runnablePod, withAnnotations } from "./runnable-pod.ts";
import { awaitSources, sourcesNow } from "./source-wait.ts";
import { pastDeadline, refused, stoppedBeforeStart } from "./unlaunched-pod.ts";
import type { WorkerContext } from "./worker-context.ts";

/** Faults of the store are waited out: they say nothing of the Pod. */
const STORE_RETRY_MS = 1_000;

/**
 * A worker that stood still this long between claim and launch looks again whether the Pod is still
 * to run: it may have been given up, and be replaced elsewhere.
 */
const CLAIM_FRESH_MS = 1_000;

export type RunOutcome =
  | { readonly kind: "ended"; readonly result: PodResult }
  | { readonly kind: "elsewhere"; readonly node: string }
  /** Another worker is to go on with it. */
  | { readonly kind: "handed over" }
  | Extract<Claim, { kind: "unfit" }>
  /** The store could not be asked: the Pod is nobody's yet, and is to be tried again. */
  | { readonly kind: "unclaimed"; readonly error: unknown }
  | { readonly kind: "over"; readonly why: string };

interface LocalPod {
  readonly key: string;
  readonly reporter: PodReporter;
  done: Promise<PodResult | null>;
  running: RunningPod | undefined;
  /** When it was known to be this worker's. */
  heldAtMs: number;
  /** Asked to stop before it had started. */
  stopGraceSeconds: number | undefined;
  readonly stop: Latch;
  /** Raised when another worker is to go on with it. */
  readonly handOver: Latch;
}

const SHUTDOWN = {
  reason: "TerminationByKubelet",
  message: "Pod was terminated in response to imminent node shutdown.",
};

export class PodRunner {
  readonly #context: WorkerContext;
  readonly #local = new Map<string, LocalPod>();
  #shuttingDown = false;

  constructor(context: WorkerContext) {
    this.#context = context;
  }

  get running(): number {
    return this.#local.size;
  }

  /** The Pods that run here. */
  get local(): readonly { readonly key: string; readonly uid: string }[] {
    return [...this.#local].map(([uid, { key }]) => ({ key, uid }));
  }

  has(uid: string): boolean {
    return this.#local.has(uid);
  }

  /**
   * Runs the Pod of a queue job to its end, or says why it is not to be run here. `seen`: the Pod as
   * it was when it was taken from the queue, which saves reading it.
   */
  async run(payload: PodPayload, seen: Stored<PodRecord> | null = null): Promise<RunOutcome> {
    const local = this.#local.get(payload.uid);
    if (local !== undefined) return outcomeOf(local);
    if (this.#shuttingDown) return { kind: "elsewhere", node: this.#context.node };
    const claim = await claimPod(this.#context, payload, seen).catch((error: unknown) => ({
      kind: "unclaimed" as const,
      error,
    }));
    if (claim.kind !== "claimed" && claim.kind !== "ours") return claim;
    // Between the look and here the same Pod may have been taken up by adoption.
    const taken = this.#local.get(payload.uid);
    return outcomeOf(taken ?? this.#start(claim.pod, claim.kind === "ours"));
  }

  /** After a restart: takes up a Pod that this node had claimed before. */
  adopt(pod: Stored<PodRecord>): void {
    if (!this.#local.has(pod.value.uid)) this.#start(pod, true);
  }

  /** Looks at the Pod's object again: it may be deleted, or be gone. */
  async recheck(key: string, uid: string): Promise<void> {
    const found = await this.#context.store.get("pods", key);
    const local = this.#local.get(uid);
    if (found === null || found.value.uid !== uid) {
      if (local !== undefined) {
        this.#stop(local, 0);
        await local.done.catch(() => {});
      }
      await this.#removeLeftovers(uid);
      return;
    }
    const { deletion, node } = found.value;
    // Bound to this node by who made it.
    if (node === this.#context.node && !isTerminal(found.value) && !this.#shuttingDown) {
      this.adopt(found);
    }
    if (local === undefined || deletion === undefined) return;
    const endMs = deletion.requestedAtMs + deletion.graceSeconds * 1000;
    this.#stop(local, Math.max(0, (endMs - this.#context.now()) / 1000));
  }

  /** Stops all Pods within their grace and waits for their ends to be reported. */
  async stopAll(): Promise<void> {
    this.#shuttingDown = true;
    const all = [...this.#local.values()].filter((local) => !isPortable(local));
    for (const local of all) {
      const grace = local.reporter.pod.spec?.terminationGracePeriodSeconds;
      const template = await this.#context.templates.of(local.reporter.pod).catch(() => undefined);
      this.#stop(local, grace ?? template?.spec?.terminationGracePeriodSeconds ?? 30);
    }
    await Promise.allSettled(all.map((local) => local.done));
  }

  /** Waits for the ends of all Pods that only this worker can run. */
  async drained(): Promise<void> {
    for (;;) {
      const all = [...this.#local.values()].filter((local) => !isPortable(local));
      if (all.length === 0) break;
      await Promise.allSettled(all.map((local) => local.done));
    }
  }

  /** Lets other workers go on with the Pods that they can take over; nothing is stopped. */
  async handOver(): Promise<void> {
    this.#shuttingDown = true;
    const all = [...this.#local.values()].filter(isPortable);
    for (const local of all) local.handOver.raise();
    await Promise.allSettled(all.map((local) => local.done));
  }

  async #removeLeftovers(uid: string): Promise<void> {
    await Promise.all(
      [...this.#context.runtimes.values()].map((runtime) => runtime.remove({ uid })),
    );
  }

  #stop(local: LocalPod, graceSeconds: number): void {
    local.stopGraceSeconds = Math.min(graceSeconds, local.stopGraceSeconds ?? graceSeconds);
    local.stop.raise();
    local.running?.stop(local.stopGraceSeconds);
  }

  #start(pod: Stored<PodRecord>, adopted: boolean): LocalPod {
    const { uid } = pod.value;
    const reporter = new PodReporter(this.#context, pod);
    const local: LocalPod = {
      key: pod.key,
      reporter,
      running: undefined,
      heldAtMs: pod.value.scheduledAtMs ?? this.#context.now(),
      stopGraceSeconds: undefined,
      stop: new Latch(),
      handOver: new Latch(),
      done: notBegun,
    };
    this.#local.set(uid, local);
    // Claimed while this worker was told to end: the next one takes it from here.
    if (this.#shuttingDown && isPortable(local)) local.handOver.raise();
    const { deletion } = pod.value;
    if (deletion !== undefined) {
      const endMs = deletion.requestedAtMs + deletion.graceSeconds * 1000;
      this.#stop(local, Math.max(0, (endMs - this.#context.now()) / 1000));
    }
    local.done = this.#run(local, adopted);
    local.done.catch(() => {});
    return local;
  }

  async #run(local: LocalPod, adopted: boolean): Promise<PodResult | null> {
    try {
      return await untilRaised(() => this.#toTheEnd(local, adopted), local.handOver);
    } finally {
      const { uid } = local.reporter.pod;
      if (local.handOver.raised) local.running?.release?.();
      this.#local.delete(uid);
      this.#context.placement?.release(uid);
    }
  }

  async #toTheEnd(local: LocalPod, adopted: boolean): Promise<PodResult> {
    const { log, now } = this.#context;
    const { reporter } = local;
    let last: Observation;
    try {
      if (adopted && !(await this.#reclaim(local))) return resultOf(reporter.pod);
      const running = await this.#launch(local, adopted);
      local.running = running ?? undefined;
      if (local.handOver.raised) running?.release?.();
      if (running !== null && local.stopGraceSeconds !== undefined) {
        running.stop(local.stopGraceSeconds);
      }
      last =
        running === null
          ? lostObservation(reporter.pod, "The pod was lost by its runtime", now())
          : await running.ended;
    } catch (error) {
      log.error({ err: error, pod: local.key }, "the runtime failed to run a pod");
      const message = error instanceof Error ? error.message : String(error);
      last = lostObservation(reporter.pod, message, now());
    }
    // Whoever took it over answers for it.
    if (local.handOver.raised) return resultOf(reporter.pod);
    const shutdown = this.#shuttingDown && !isPortable(local) ? SHUTDOWN : undefined;
    await this.#report(local, last, last.disruption ?? shutdown);
    await reporter.flushed();
    if (reporter.takenOver) local.running?.release?.();
    else await local.running?.reported?.();
    return resultOf(reporter.pod);
  }

  /** What the worker adds to an observation: conditions and annotations of the Pod. */
  async #report(
    local: LocalPod,
    observation: Observation,
    disruption: Observation["disruption"],
  ): Promise<void> {
    const { now, templates } = this.#context;
    const { annotations } = observation;
    if (annotations === undefined && disruption === undefined) {
      local.reporter.report(observation);
      return;
    }
    const template =
      annotations === undefined
        ? undefined
        : await this.#patiently(local, () => templates.of(local.reporter.pod));
    local.reporter.report(observation, (pod) => {
      const noted = annotations === undefined ? pod : withAnnotations(pod, template, annotations);
      return disruption !== undefined && noted.phase !== "Succeeded" && noted.deletion === undefined
        ? withDisruption(noted, disruption, now())
        : noted;
    });
  }

  async #patiently<T>(local: LocalPod, ask: () => Promise<T>): Promise<T> {
    const { log, sleep } = this.#context;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof MissingSourceError) throw error;
        log.warn({ err: error, pod: local.key }, "the store could not be asked; trying again");
        await sleep(STORE_RETRY_MS);
      }
    }
  }

  async #reclaim(local: LocalPod): Promise<boolean> {
    const context = this.#context;
    const { stored } = local.reporter;
    await this.#patiently(local, async () => context.placement?.adopt(stored.value));
    if (stored.value.claim === context.fence) return true;
    local.heldAtMs = context.now();
    const reclaimed = await this.#patiently(local, () => reclaimPod(context, stored));
    if (reclaimed === null) return false;
    local.reporter.restart(reclaimed);
    return true;
  }

  async #launch(local: LocalPod, adopted: boolean): Promise<RunningPod | null> {
    const pod = local.reporter.pod;
    const { templates, now } = this.#context;
    const template =
      templates.known(pod) ?? (await this.#patiently(local, () => templates.of(pod)));
    // A Pod without containers would succeed at once.
    if (template === undefined && pod.spec === undefined) throw new Error("its template is lost");
    const spec = renderPodSpec(pod, template);
    const runtime = this.#runtime(spec.runtimeClassName);
    const sink = this.#sink(local);
    if (adopted) {
      const sources = await this.#patiently(local, () => sourcesNow(this.#context, pod, spec));
      const runnable = runnablePod(this.#context, pod, template, spec, sources);
      const running = await runtime.adopt(runnable, pod.handle, sink);
      if (running !== null || pod.handle !== undefined || pod.phase !== "Pending") return running;
      // Claimed, and never launched: the worker died in between.
    }
    if (runtime.name !== "simulated") this.#assigned(pod);
    const annotations = podAnnotations(pod, template);
    const rejections = runtime.admit(spec, { namespace: pod.namespace, annotations });
    if (rejections.length > 0) return refused(runtime, rejections, sink);
    const sources = await awaitSources({
      context: this.#context,
      reporter: local.reporter,
      spec,
      origin: pod.spec ?? template,
      sink,
      stop: local.stop,
      read: () => this.#patiently(local, () => readSources(this.#context, pod.namespace, spec)),
    });
    if (sources === "past deadline") return pastDeadline();
    const isFresh = now() - local.heldAtMs <= CLAIM_FRESH_MS;
    if (sources === null || !(isFresh || (await this.#isHeld(local)))) {
      return stoppedBeforeStart(pod, now());
    }
    return runtime.launch(runnablePod(this.#context, pod, template, spec, sources), sink);
  }

  async #isHeld(local: LocalPod): Promise<boolean> {
    const { now } = this.#context;
    while (now() - local.heldAtMs > CLAIM_FRESH_MS) {
      const askedAtMs = now();
      if (!(await this.#patiently(local, () => local.reporter.holds()))) return false;
      local.heldAtMs = askedAtMs;
    }
    return true;
  }

  /** The Event by which people see when and where a Pod was placed. */
  #assigned({ namespace, name, uid }: PodRecord): void {
    const { events, node } = this.#context;
    events.record(
      "default-scheduler",
      { kind: "Pod", apiVersion: "v1", namespace, name, uid },
      {
        type: "Normal",
        reason: "Scheduled",
        message: `Successfully assigned ${namespace}/${name} to ${node}`,
      },
    );
  }

  #runtime(name: string | undefined): Runtime {
    const wanted = name ?? this.#context.defaultRuntime;
    const runtime = this.#context.runtimes.get(wanted);
    if (runtime === undefined) throw new Error(`this worker has no runtime "${wanted}"`);
    return runtime;
  }

  #sink(local: LocalPod): PodSink {
    const { events } = this.#context;
    return {
      observed: (observation) => {
        // The end is reported by `#toTheEnd`.
        if (observation.phase === "Succeeded" || observation.phase === "Failed") return;
        const { disruption } = observation;
        local.reporter.report(observation, (pod) =>
          disruption === undefined || pod.deletion !== undefined
            ? pod
            : withDisruption(pod, disruption, this.#context.now()),
        );
      },
      event: ({ fieldPath, ...event }) => {
        const { namespace, name, uid } = local.reporter.pod;
        const regarding = { kind: "Pod", apiVersion: "v1", namespace, name, uid };
        events.record(
          "kubelet",
          fieldPath === undefined ? regarding : { ...regarding, fieldPath },
          event,
          this.#context.node,
        );
      },
    };
  }
}

const isPortable = ({ reporter }: LocalPod): boolean => reporter.pod.portable === true;

const outcomeOf = async (local: LocalPod): Promise<RunOutcome> => {
  const result = await local.done;
  return result === null ? { kind: "handed over" } : { kind: "ended", result };
};

/** Of a Pod whose work has not begun; nobody sees it. */
const notBegun: Promise<null> = Promise.resolve(null);

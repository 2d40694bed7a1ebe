// A Pod on the docker runtime: its ground, its containers under supervision, its end.
import { join } from "node:path";
import type { PodSpec } from "@gantry/core";
import type { ContainerInspectInfo } from "dockerode";
import { type ContainerBehaviour, containerBehaviour } from "../pod/behaviour.ts";
import type { StartReports } from "../pod/container-driver.ts";
import type { SupervisedContainer } from "../pod/container-supervision.ts";
import { quantityAmount } from "../pod/field-ref.ts";
import { PodSupervision } from "../pod/pod-supervision.ts";
import { VolumeError } from "../pod/host-path.ts";
import { rebootEvent } from "../pod/reboot.ts";
import { type VolumeLimit, watchVolumeLimits } from "../pod/volume-limits.ts";
import { freeVolumes } from "../pod/volumes.ts";
import type { Observation, PodSink, RunnablePod, RunningPod } from "../runtime.ts";
import type { PodGround } from "./container-config.ts";
import type { DockerContext } from "./docker-context.ts";
import { DockerDriver, type DriverPod, type KnownRun, terminatedState } from "./docker-driver.ts";
import { engineMessage, unlessGone } from "./engine-error.ts";
import { infraName, label } from "./labels.ts";
import { persist } from "./pause.ts";
import { layGround, networkOf, podAddress } from "./pod-ground.ts";
import { endedByReboot, rebootedObservation } from "./rebooted-pod.ts";
import { readState, type PodState, writeState } from "./pod-state.ts";

type Container = NonNullable<PodSpec["containers"]>[number];

const DEFAULT_GRACE_SECONDS = 30;
const LOOPBACK = "127.0.0.1";
/** Ends that came before the deadline, while no worker was there to see, are read first. */
const DEADLINE_AFTER_ADOPTION_MS = 2000;

/** A kubelet's, for a volume above its limit. */
const EVICTION_GRACE_SECONDS = 1;

const isFinal = ({ phase }: Observation): boolean => phase === "Succeeded" || phase === "Failed";

export class DockerPod implements RunningPod, DriverPod {
  readonly ended: Promise<Observation>;
  readonly pod: RunnablePod;
  readonly directory: string;
  last: Observation | null = null;
  readonly #context: DockerContext;
  #sink: PodSink;
  #state: PodState;
  #supervision: PodSupervision | null = null;
  #ground: Promise<PodGround | null> | null = null;
  #abandoned = false;
  readonly #facts: { podIP?: string; hostIP: string; handle: string };
  #probeHost = LOOPBACK;
  #cleaned: Promise<void> = Promise.resolve();
  #unwatchVolumes: () => void = () => {};
  #end: (observation: Observation) => void = () => {};

  constructor(context: DockerContext, pod: RunnablePod, directory: string, sink: PodSink) {
    this.#context = context;
    this.pod = pod;
    this.directory = directory;
    this.#sink = sink;
    const { namespace, name } = pod;
    this.#state = readState(directory) ?? { namespace, name, startedAtMs: Date.now() };
    this.#facts = { hostIP: context.host.hostIP, handle: infraName(pod.uid) };
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  withSink(sink: PodSink): this {
    this.#sink = sink;
    if (this.last !== null) sink.observed(this.last);
    return this;
  }

  /** Runs the Pod, or goes on with what the engine has of it. */
  run(engineContainers: readonly ContainerInspectInfo[]): void {
    if (this.#abandoned) return;
    const { final, killAtMs, startedAtMs } = this.#state;
    if (final !== undefined) return this.#observed(final);
    writeState(this.directory, this.#state);
    const { spec } = this.pod;
    const { bootedAtMs } = this.#context;
    const knownRunOf = ({ name }: Container): KnownRun | undefined =>
      knownRun(engineContainers.filter(({ Config }) => Config.Labels[label.container] === name));
    if (engineContainers.some((each) => endedByReboot(each, bootedAtMs))) {
      this.#sink.event(rebootEvent);
      const base = { startedAtMs, ...this.#facts };
      return this.#observed(rebootedObservation(spec, knownRunOf, bootedAtMs, base));
    }
    const isAdopted = engineContainers.length > 0;
    const deadlineMs =
      spec.activeDeadlineSeconds === undefined
        ? undefined
        : Math.max(
            startedAtMs + spec.activeDeadlineSeconds * 1000 - Date.now(),
            isAdopted ? DEADLINE_AFTER_ADOPTION_MS : 0,
          );
    const { uid, namespace, name } = this.pod;
    const supervised = (isInit: boolean) => (container: Container) =>
      this.#supervised(container, isInit, knownRunOf(container));
    this.#supervision = new PodSupervision(
      {
        uid,
        namespace,
        name,
        startedAtMs,
        deadlineMs,
        graceSeconds: Math.max(0, spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS),
        backoff: this.#context.backoff,
        facts: this.#facts,
        initContainers: (spec.initContainers ?? []).map(supervised(true)),
        containers: (spec.containers ?? []).map(supervised(false)),
      },
      {
        observed: (observation) => this.#observed(observation),
        event: (event) => this.#sink.event(event),
      },
    );
    const { volumeCheckMs } = this.#context;
    const limits = volumeLimits(spec, this.directory);
    this.#unwatchVolumes = watchVolumeLimits(limits, volumeCheckMs, (why) => this.#evict(why));
    if (killAtMs !== undefined) this.#supervision.stop(Math.max(0, killAtMs - Date.now()) / 1000);
    void this.#address(isAdopted).then(() => this.#supervision?.run());
  }

  stop(graceSeconds: number): void {
    if (this.last !== null && isFinal(this.last)) return;
    const killAtMs = Date.now() + graceSeconds * 1000;
    if (killAtMs >= (this.#state.killAtMs ?? Number.POSITIVE_INFINITY)) return;
    this.#state = { ...this.#state, killAtMs };
    if (this.#supervision === null) return;
    writeState(this.directory, this.#state);
    this.#supervision.stop(graceSeconds);
  }

  /** Leaves the Pod as it is. */
  abandon(): void {
    this.#abandoned = true;
    this.#unwatchVolumes();
    this.#supervision?.abandon();
  }

  /** Resolves when nothing is being made or removed for the Pod any more. */
  async settled(): Promise<void> {
    await this.#ground;
    await this.#cleaned;
  }

  async ground(reports: StartReports): Promise<PodGround | null> {
    this.#ground ??= this.#layGround(reports);
    const ground = await this.#ground;
    // Asked for again by the next container: it may have to be laid again.
    this.#ground = null;
    return ground;
  }

  #layGround(reports: StartReports): Promise<PodGround | null> {
    const { backoff } = this.#context;
    const attempt = async (): Promise<PodGround> => {
      const ground = await layGround(this.pod, this.directory, this.#context);
      await this.#learnAddress(ground.infraId);
      return ground;
    };
    return persist(attempt, (error) => this.#groundFailed(error), backoff, reports.cancelled);
  }

  #groundFailed(error: unknown): void {
    const message = engineMessage(error);
    this.#sink.event(
      error instanceof VolumeError
        ? { type: "Warning", reason: "FailedMount", message }
        : {
            type: "Warning",
            reason: "FailedCreatePodSandBox",
            message: `Failed to create pod sandbox: ${message}`,
          },
    );
  }

  async #address(isAdopted: boolean): Promise<void> {
    if (!isAdopted) return;
    // Without it the Pod goes on as well; only probes over its network would miss it.
    await this.#learnAddress(infraName(this.pod.uid)).catch((error: unknown) => {
      this.#context.log?.warn({ err: error, uid: this.pod.uid }, "the pod's address is not known");
    });
  }

  async #learnAddress(infra: string): Promise<void> {
    const network = networkOf(this.pod, this.#context.network);
    if (network === "none") return;
    if (network === "host") this.#facts.podIP = this.#context.host.hostIP;
    else {
      const address = await podAddress(this.#context.docker, infra);
      if (address === undefined) return;
      this.#facts.podIP = address;
      this.#probeHost = address;
    }
  }

  #supervised(
    container: Container,
    isInit: boolean,
    known: KnownRun | undefined,
  ): SupervisedContainer {
    const driver = new DockerDriver(this.#context, this, container, known);
    const behaviour = (): ContainerBehaviour =>
      containerBehaviour(this.pod.spec, container, isInit, this.#probeHost);
    return {
      driver,
      // The Pod's address is known only once its network is there.
      get behaviour() {
        return behaviour();
      },
    };
  }

  #observed(observation: Observation): void {
    if (this.#abandoned || (this.last !== null && isFinal(this.last))) return;
    if (isFinal(observation)) {
      this.#unwatchVolumes();
      this.#state = { ...this.#state, final: observation };
      writeState(this.directory, this.#state);
    }
    this.last = observation;
    this.#sink.observed(observation);
    if (!isFinal(observation)) return;
    this.#cleaned = this.#cleanUp();
    this.#end(observation);
  }

  #evict(message: string): void {
    this.#sink.event({ type: "Warning", reason: "Evicted", message });
    this.#supervision?.fail({ reason: "Evicted", message }, EVICTION_GRACE_SECONDS);
  }

  /** What can't be removed now goes with the Pod. */
  async #cleanUp(): Promise<void> {
    const { docker, log } = this.#context;
    const { uid } = this.pod;
    const infra = docker.getContainer(infraName(uid));
    await Promise.all([
      unlessGone(infra.remove({ force: true, v: true })).catch((error: unknown) => {
        log?.warn({ err: error, uid }, "a pod's network was not removed");
      }),
      freeVolumes(this.directory).catch((error: unknown) => {
        log?.warn({ err: error, uid }, "a pod's volumes were not removed");
      }),
    ]);
  }
}

/** Of volumes on disk; those in memory are made no larger than their limit. */
const volumeLimits = ({ volumes = [] }: PodSpec, directory: string): VolumeLimit[] =>
  volumes.flatMap(({ name = "", emptyDir }) => {
    const limit = emptyDir?.sizeLimit;
    if (limit === undefined || emptyDir?.medium === "Memory") return [];
    const limitBytes = quantityAmount(limit);
    // As for a kubelet, zero is no limit.
    const path = join(directory, "volumes", name);
    return limitBytes > 0 ? [{ volume: name, path, limit, limitBytes }] : [];
  });

/** The newest run that was started, and what ended before it. */
const knownRun = (containers: readonly ContainerInspectInfo[]): KnownRun | undefined => {
  const started = containers
    .filter(({ State }) => State.Status !== "created" || State.Error !== "")
    .map((info) => ({ info, restart: Number(info.Config.Labels[label.restart] ?? 0) }))
    .toSorted((a, b) => b.restart - a.restart);
  const [newest, before] = started;
  if (newest === undefined) return undefined;
  return before === undefined ? newest : { ...newest, lastState: terminatedState(before.info) };
};

export const podDirectory = (dataDir: string, uid: string): string =>
  join(dataDir, "docker", "pods", uid);

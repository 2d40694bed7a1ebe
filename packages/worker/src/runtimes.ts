// Opens the runtimes that a worker is asked to offer.
import type { EcsSettings } from "@gantry/core";
import type { EventRecorder, Store } from "@gantry/store";
import type { Logger } from "pino";
import { ProcessRuntime } from "./process/process-runtime.ts";
import { SimulatedRuntime } from "./simulated/simulated-runtime.ts";
import type { Runtime } from "./runtime.ts";

export interface RuntimeOptions {
  readonly runtimes: readonly string[];
  /** Where runtimes keep Pods' directories and logs. */
  readonly dataDir: string;
  readonly log: Logger;
  /** hostPath volumes must lie below one of these; none by default. */
  readonly allowedHostPaths?: readonly string[];
  /** Of the docker runtime: Pods may be privileged and use the host's namespaces. */
  readonly allowPrivileged?: boolean;
  /** Of the docker runtime: the engine's network that Pods get; `bridge` by default. */
  readonly dockerNetwork?: string;
  /** Of the ecs runtime, which is not offered without them. */
  readonly ecs?: EcsSettings;
}

/** What runtimes that share state with other workers need. */
export interface RuntimeHost {
  readonly store: Store;
  readonly events: EventRecorder;
  /** Name of the Node. */
  readonly node: string;
  /** Names this run of the worker. */
  readonly holder: string;
}

export const openRuntimes = async (
  options: RuntimeOptions,
  host: RuntimeHost,
): Promise<ReadonlyMap<string, Runtime>> => {
  const opened = new Map<string, Runtime>();
  for (const name of options.runtimes) opened.set(name, await openRuntime(name, options, host));
  return opened;
};

const openRuntime = async (
  name: string,
  options: RuntimeOptions,
  host: RuntimeHost,
): Promise<Runtime> => {
  const { dataDir, log, allowedHostPaths, allowPrivileged, dockerNetwork } = options;
  if (name === "process") return ProcessRuntime.open({ dataDir, log, allowedHostPaths });
  if (name === "docker") {
    // Its client takes a while to load, which the others need not wait for.
    const { DockerRuntime } = await import("./docker/docker-runtime.ts");
    const network = dockerNetwork;
    return DockerRuntime.open({ dataDir, log, allowedHostPaths, allowPrivileged, network });
  }
  if (name === "ecs") {
    if (options.ecs === undefined) throw new Error("the ecs runtime needs its settings");
    const { EcsRuntime } = await import("./ecs/ecs-runtime.ts");
    return EcsRuntime.open({ ...host, settings: options.ecs, log });
  }
  if (name === "simulated") return new SimulatedRuntime();
  throw new Error(`unknown runtime "${name}": there are process, docker, ecs and simulated`);
};

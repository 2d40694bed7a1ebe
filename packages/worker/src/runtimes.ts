// Opens the runtimes that a worker is asked to offer.
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
}

export const openRuntimes = async (
  options: RuntimeOptions,
): Promise<ReadonlyMap<string, Runtime>> => {
  const opened = new Map<string, Runtime>();
  for (const name of options.runtimes) opened.set(name, await openRuntime(name, options));
  return opened;
};

const openRuntime = async (name: string, options: RuntimeOptions): Promise<Runtime> => {
  const { dataDir, log, allowedHostPaths, allowPrivileged, dockerNetwork } = options;
  if (name === "process") return ProcessRuntime.open({ dataDir, log, allowedHostPaths });
  if (name === "docker") {
    // Its client takes a while to load, which the others need not wait for.
    const { DockerRuntime } = await import("./docker/docker-runtime.ts");
    const network = dockerNetwork;
    return DockerRuntime.open({ dataDir, log, allowedHostPaths, allowPrivileged, network });
  }
  if (name === "simulated") return new SimulatedRuntime();
  throw new Error(`unknown runtime "${name}": there are process, docker and simulated`);
};

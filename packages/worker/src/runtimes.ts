// Opens the runtimes that a worker is asked to offer.
import type { Logger } from "pino";
import { ProcessRuntime } from "./process/process-runtime.ts";
import { SimulatedRuntime } from "./simulated/simulated-runtime.ts";
import type { Runtime } from "./runtime.ts";

export const openRuntimes = async (options: {
  readonly runtimes: readonly string[];
  readonly dataDir: string;
  readonly log: Logger;
}): Promise<ReadonlyMap<string, Runtime>> => {
  const opened = new Map<string, Runtime>();
  for (const name of options.runtimes) opened.set(name, await openRuntime(name, options));
  return opened;
};

const openRuntime = async (
  name: string,
  { dataDir, log }: { readonly dataDir: string; readonly log: Logger },
): Promise<Runtime> => {
  if (name === "process") return ProcessRuntime.open({ dataDir, log });
  if (name === "simulated") return new SimulatedRuntime();
  throw new Error(`unknown runtime "${name}": this build has process and simulated`);
};

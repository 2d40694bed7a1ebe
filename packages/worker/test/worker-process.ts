// A process that runs one Pod on the process runtime, as a worker does, and can be killed.
import { type ChildProcess, spawn } from "node:child_process";
import type { ProcessRuntimeOptions } from "../src/process/process-runtime.ts";
import type { RunnablePod } from "../src/runtime.ts";
import type { Compiled } from "./compiled.ts";

/** Resolves when the Pod is Running. */
export const startRuntimeProcess = async (
  { killedWorker }: Compiled,
  options: ProcessRuntimeOptions,
  pod: RunnablePod,
): Promise<ChildProcess> => {
  const worker = spawn(
    process.execPath,
    [killedWorker, JSON.stringify(options), JSON.stringify(pod)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await new Promise<void>((resolve) => {
    worker.stdout?.on("data", (chunk) => {
      if (String(chunk).includes('"Running"')) resolve();
    });
  });
  return worker;
};

export const killed = async (worker: ChildProcess): Promise<void> => {
  const gone = new Promise((resolve) => worker.once("exit", resolve));
  worker.kill("SIGKILL");
  await gone;
};

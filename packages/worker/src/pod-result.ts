// What the queue shows of a Pod that has ended.
import { isTerminal, type PodRecord } from "@gantry/core";

/** What the queue shows of an ended Pod. */
export interface PodResult {
  readonly phase: string;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly message?: string;
}

export const resultOf = (pod: PodRecord): PodResult => {
  const ended = pod.containers.filter((container) => container.state === "terminated");
  const decisive = ended.find((container) => container.exitCode !== 0) ?? ended[0];
  const reason = pod.reason ?? decisive?.reason;
  const message = pod.message ?? decisive?.message;
  return {
    phase: isTerminal(pod) ? pod.phase : "Unknown",
    ...(decisive?.exitCode === undefined ? {} : { exitCode: decisive.exitCode }),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
};

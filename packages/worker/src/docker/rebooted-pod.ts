// Containers that ended with the machine: the engine gives them an exit code that none of them had.
import type { ContainerRecord, PodSpec } from "@gantry/core";
import type { ContainerInspectInfo } from "dockerode";
import { rebooted } from "../pod/reboot.ts";
import type { Observation } from "../runtime.ts";
import type { KnownRun } from "./docker-driver.ts";
import { terminatedState } from "./docker-driver.ts";

type Container = NonNullable<PodSpec["containers"]>[number];

const LOST_EXIT_CODE = 137;

/** Started before the machine did, and found dead by the engine after that. */
export const endedByReboot = ({ State }: ContainerInspectInfo, bootedAtMs: number): boolean =>
  !State.Running &&
  Date.parse(State.StartedAt) > 0 &&
  Date.parse(State.StartedAt) < bootedAtMs &&
  Date.parse(State.FinishedAt) >= bootedAtMs;

const recordOf = (known: KnownRun | undefined, bootedAtMs: number): ContainerRecord => {
  if (known === undefined) {
    const reason = "ContainerCreating";
    return { state: "waiting", reason, restartCount: 0, ready: false, started: false };
  }
  const { info, restart, lastState } = known;
  const lost = {
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the pod was terminated",
    exitCode: LOST_EXIT_CODE,
  };
  return {
    ...terminatedState(info),
    ...(endedByReboot(info, bootedAtMs) ? lost : {}),
    restartCount: restart,
    ready: false,
    started: false,
    containerID: `docker://${info.Id}`,
    ...(lastState === undefined ? {} : { lastState }),
  };
};

/** The last observation of a Pod that the machine's restart ended. */
export const rebootedObservation = (
  { initContainers, containers = [] }: PodSpec,
  knownRunOf: (container: Container) => KnownRun | undefined,
  bootedAtMs: number,
  base: Pick<Observation, "startedAtMs" | "hostIP" | "handle">,
): Observation => {
  const records = (all: readonly Container[]): ContainerRecord[] =>
    all.map((container) => recordOf(knownRunOf(container), bootedAtMs));
  return {
    ...base,
    ...rebooted,
    phase: "Failed",
    ready: false,
    containers: records(containers),
    ...(initContainers === undefined ? {} : { initContainers: records(initContainers) }),
  };
};

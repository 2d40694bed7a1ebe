// The end of a Pod whose supervisor is dead: nothing of it may run on, and its record says so.
import { basename } from "node:path";
import type { ContainerRecord } from "@gantry/core";
import type { Observation, RuntimeEvent } from "../runtime.ts";
import { Journal, type JournalContent } from "./journal.ts";
import { killGroups, sweepMarked } from "./leftovers.ts";
import { bootId } from "./process-identity.ts";

const LOST_EXIT_CODE = 137;

const lost = (container: ContainerRecord, nowMs: number): ContainerRecord => {
  if (container.state === "terminated") return { ...container, ready: false };
  const { lastState, restartCount, imageID, startedAtMs } = container;
  return {
    state: "terminated",
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the pod was terminated",
    exitCode: LOST_EXIT_CODE,
    finishedAtMs: nowMs,
    restartCount,
    imageID,
    ready: false,
    started: false,
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(lastState === undefined ? {} : { lastState }),
  };
};

const unknownContainer: ContainerRecord = { state: "waiting", restartCount: 0, ready: false };

const supervisorGone = {
  reason: "ContainerStatusUnknown",
  message: "The supervisor of the Pod's processes ended before they did",
};

const REBOOTED = "The machine of this node was restarted while the Pod ran";
const rebooted = {
  reason: "NodeRebooted",
  message: REBOOTED,
  disruption: { reason: "TerminationByKubelet", message: REBOOTED },
};

/** What is recorded of a Pod that a restart of the machine ended. */
export const rebootEvent: RuntimeEvent = {
  type: "Warning",
  reason: rebooted.reason,
  message: REBOOTED,
};

/** The journal is of an earlier boot: no process of the Pod can be left. */
export const isOfEarlierBoot = ({ boot }: JournalContent): boolean =>
  boot !== undefined && boot !== bootId();

/** Kills what is left, and writes and returns the Pod's last observation. */
export const endLostPod = (
  directory: string,
  journal: JournalContent,
  containerCount: number,
  nowMs: number,
): Observation => {
  const earlierBoot = isOfEarlierBoot(journal);
  if (!earlierBoot) {
    killGroups(journal.processes);
    sweepMarked(new Set([basename(directory)]));
  }
  const last = journal.observation;
  const containers =
    last?.containers ?? Array.from({ length: containerCount }, () => unknownContainer);
  const observation: Observation = {
    ...last,
    phase: "Failed",
    ...(earlierBoot ? rebooted : supervisorGone),
    ready: false,
    containers: containers.map((container) => lost(container, nowMs)),
    handle: directory,
  };
  const reopened = Journal.reopen(directory);
  reopened.append({ observation });
  reopened.close();
  return observation;
};

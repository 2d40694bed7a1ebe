// The end of a Pod whose supervisor is dead: nothing of it may run on, and its record says so.
import { basename } from "node:path";
import type { ContainerRecord } from "@gantry/core";
import type { Observation } from "../runtime.ts";
import { Journal, type JournalContent } from "./journal.ts";
import { killGroups, sweepMarked } from "./leftovers.ts";

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

/** Kills what is left, and writes and returns the Pod's last observation. */
export const endLostPod = (
  directory: string,
  journal: JournalContent,
  containerCount: number,
  nowMs: number,
): Observation => {
  killGroups(journal.processes);
  sweepMarked(new Set([basename(directory)]));
  const last = journal.observation;
  const containers =
    last?.containers ?? Array.from({ length: containerCount }, () => unknownContainer);
  const observation: Observation = {
    ...last,
    phase: "Failed",
    reason: "ContainerStatusUnknown",
    message: "The supervisor of the Pod's processes ended before they did",
    ready: false,
    containers: containers.map((container) => lost(container, nowMs)),
    handle: directory,
  };
  const reopened = Journal.reopen(directory);
  reopened.append({ observation });
  reopened.close();
  return observation;
};

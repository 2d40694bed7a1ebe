// The stored form of a Pod: a positional JSON array, times relative to its creation, defaults left out.
// A finished no-op Pod of a Job takes about 130 bytes.
import { blank } from "@gantry/core";
import type { ContainerRecord, ContainerState, PodPhase, PodRecord } from "@gantry/core";
import { packUid, unpackUid } from "./uid-text.ts";

type Cell = unknown;

const phases: readonly PodPhase[] = ["Pending", "Running", "Succeeded", "Failed", "Unknown"];
const states = ["waiting", "running", "terminated"] as const;

const TRACKED = 1;
const READY = 2;
/** Of a Pod. */
const PORTABLE = 4;
/** Of a container. */
const STARTED = 4;
const STARTED_KNOWN = 8;

/** Cells of this format. A newer minor may add some behind them. */
const CELLS = 26;

/** In place: a Pod is encoded at each of its changes. */
const trim = (cells: Cell[]): Cell[] => {
  let length = cells.length;
  while (length > 0 && (cells[length - 1] ?? 0) === 0) length -= 1;
  cells.length = length;
  for (let n = 0; n < length; n++) cells[n] ??= 0;
  return cells;
};

/** 0 stands for "absent", so what is not before `base` is kept one higher. */
const relative = (ms: number | undefined, base: number): number | undefined =>
  ms === undefined ? undefined : ms < base ? ms - base : ms - base + 1;
const absolute = (cell: Cell, base: number): number | undefined =>
  typeof cell !== "number" || cell === 0 ? undefined : base + (cell < 0 ? cell : cell - 1);

/** Likewise for counts. */
const plusOne = (n: number | undefined): number | undefined =>
  n === undefined ? undefined : n + 1;
const minusOne = (cell: Cell): number | undefined =>
  typeof cell === "number" && cell !== 0 ? cell - 1 : undefined;

const text = (cell: Cell): string | undefined => (typeof cell === "string" ? cell : undefined);

const usualReason = (state: ContainerState): string | undefined => {
  if (state.state === "running") return undefined;
  if (state.state === "waiting") return "ContainerCreating";
  return state.exitCode === 0 ? "Completed" : "Error";
};

const packState = (state: ContainerState, base: number): Cell[] => [
  states.indexOf(state.state),
  plusOne(state.exitCode),
  relative(state.startedAtMs, base),
  relative(state.finishedAtMs, base),
  // 0: the usual reason; 1: none.
  state.reason === usualReason(state) ? 0 : (state.reason ?? 1),
  state.message,
  plusOne(state.signal),
];

const unpackState = (cells: readonly Cell[], base: number): ContainerState => {
  const state: ContainerState = {
    state: states[cells[0] as number] ?? "waiting",
    exitCode: minusOne(cells[1]),
    startedAtMs: absolute(cells[2], base),
    finishedAtMs: absolute(cells[3], base),
    message: text(cells[5]),
    signal: minusOne(cells[6]),
  };
  const reason = cells[4] === 1 ? undefined : (text(cells[4]) ?? usualReason(state));
  return reason === undefined ? state : { ...blank, ...state, reason };
};

const packContainer = (container: ContainerRecord, base: number): Cell[] =>
  trim([
    (container.ready ? READY : 0) |
      (container.started === true ? STARTED : 0) |
      (container.started === undefined ? 0 : STARTED_KNOWN),
    container.restartCount,
    trim(packState(container, base)),
    container.containerID,
    container.imageID,
    container.lastState === undefined ? undefined : trim(packState(container.lastState, base)),
  ]);

const unpackContainer = (cells: readonly Cell[], base: number): ContainerRecord => {
  const flags = (cells[0] as number | undefined) ?? 0;
  const last = cells[5];
  return {
    ...blank,
    ...unpackState(Array.isArray(cells[2]) ? cells[2] : [], base),
    restartCount: (cells[1] as number | undefined) ?? 0,
    ready: (flags & READY) !== 0,
    started: (flags & STARTED_KNOWN) === 0 ? undefined : (flags & STARTED) !== 0,
    containerID: text(cells[3]),
    imageID: text(cells[4]),
    lastState: Array.isArray(last) ? unpackState(last, base) : undefined,
  };
};

/** The Job's name as Pod names carry it: `<job>-xxxxx`, Indexed `<job>-<index>-xxxxx`. */
const jobNameIn = (podName: string, index: number | undefined): string => {
  const prefix = podName.slice(0, podName.lastIndexOf("-"));
  return index === undefined ? prefix : prefix.slice(0, prefix.lastIndexOf("-"));
};

export const encodePod = (pod: PodRecord): string => {
  const base = pod.createdAtMs;
  const job = pod.job;
  return JSON.stringify(
    trim([
      packUid(pod.uid),
      base,
      phases.indexOf(pod.phase),
      (pod.tracked ? TRACKED : 0) |
        (pod.ready ? READY : 0) |
        (pod.portable === true ? PORTABLE : 0),
      job === undefined ? undefined : packUid(job.uid),
      job === undefined || job.name === jobNameIn(pod.name, pod.index) ? undefined : job.name,
      pod.template,
      plusOne(pod.index),
      pod.node,
      pod.claim,
      relative(pod.scheduledAtMs, base),
      relative(pod.startedAtMs, base),
      relative(pod.readyChangedAtMs, base),
      trim(pod.containers.map((container) => packContainer(container, base))),
      pod.initContainers?.map((container) => packContainer(container, base)),
      plusOne(pod.failureCount),
      plusOne(pod.ignoredFailureCount),
      pod.deletion === undefined
        ? undefined
        : [pod.deletion.requestedAtMs - base, pod.deletion.graceSeconds],
      pod.reason,
      pod.message,
      pod.podIP,
      pod.hostIP,
      pod.handle,
      pod.conditions,
      pod.meta,
      pod.spec,
      ...(pod.unknown ?? []),
    ]),
  );
};

/** Reads `encodePod`'s text; throws on anything else (a record edited by hand). */
export const decodePod = (key: string, body: string): PodRecord => {
  const cells = JSON.parse(body) as Cell[];
  if (!Array.isArray(cells) || typeof cells[0] !== "string" || typeof cells[1] !== "number") {
    throw new Error(`stored Pod ${key} is malformed`);
  }
  const slash = key.indexOf("/");
  const name = key.slice(slash + 1);
  const base = cells[1];
  const index = minusOne(cells[7]);
  const flags = (cells[3] as number | undefined) ?? 0;
  const jobUid = text(cells[4]);
  const deletion = cells[17];
  return {
    namespace: key.slice(0, slash),
    name,
    uid: unpackUid(cells[0]),
    createdAtMs: base,
    phase: phases[(cells[2] as number | undefined) ?? 0] ?? "Unknown",
    tracked: (flags & TRACKED) !== 0,
    ready: (flags & READY) !== 0,
    portable: (flags & PORTABLE) !== 0 ? true : undefined,
    job:
      jobUid === undefined
        ? undefined
        : { uid: unpackUid(jobUid), name: text(cells[5]) ?? jobNameIn(name, index) },
    template: text(cells[6]),
    index,
    node: text(cells[8]),
    claim: typeof cells[9] === "number" && cells[9] !== 0 ? cells[9] : undefined,
    scheduledAtMs: absolute(cells[10], base),
    startedAtMs: absolute(cells[11], base),
    readyChangedAtMs: absolute(cells[12], base),
    containers: Array.isArray(cells[13])
      ? cells[13].map((c) => unpackContainer(Array.isArray(c) ? c : [], base))
      : [],
    initContainers: Array.isArray(cells[14])
      ? cells[14].map((c) => unpackContainer(Array.isArray(c) ? c : [], base))
      : undefined,
    failureCount: minusOne(cells[15]),
    ignoredFailureCount: minusOne(cells[16]),
    deletion: Array.isArray(deletion)
      ? { requestedAtMs: (deletion[0] as number) + base, graceSeconds: deletion[1] as number }
      : undefined,
    reason: text(cells[18]),
    message: text(cells[19]),
    podIP: text(cells[20]),
    hostIP: text(cells[21]),
    handle: text(cells[22]),
    conditions: Array.isArray(cells[23]) ? (cells[23] as PodRecord["conditions"]) : undefined,
    meta: typeof cells[24] === "object" ? (cells[24] as PodRecord["meta"]) : undefined,
    spec: typeof cells[25] === "object" ? (cells[25] as PodRecord["spec"]) : undefined,
    unknown: cells.length > CELLS ? cells.slice(CELLS) : undefined,
  };
};

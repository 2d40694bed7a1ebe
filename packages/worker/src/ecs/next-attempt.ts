// The next attempt of a Pod: where it goes, and what RunTask is sent. Reads the clock and the lanes.
import {
  chooseLane,
  type EcsPod as PlannedPod,
  isSpot,
  type LaneChoice,
  planTask,
  runTaskInput,
  suitablePlaces,
} from "@gantry/core";
import type { TaskRecord } from "@gantry/store";
import type { RunnablePod } from "../runtime.ts";
import type { EcsContext } from "./ecs-context.ts";
import type { ShutLane } from "./lane-states.ts";

const CONFIG_MAP = "configmap/";

/** The Pod as the planner takes it. */
export const plannedPod = (pod: RunnablePod): PlannedPod => ({
  namespace: pod.namespace,
  name: pod.name,
  uid: pod.uid,
  labels: pod.labels,
  annotations: pod.annotations,
  serviceAccountName: pod.serviceAccountName,
  job: pod.job,
  spec: pod.spec,
  configMaps: new Map(
    [...pod.sources].flatMap(([source, data]) =>
      source.startsWith(CONFIG_MAP)
        ? [
            [
              source.slice(CONFIG_MAP.length),
              new Map([...data].map(([key, value]) => [key, value.toString("utf8")])),
            ] as const,
          ]
        : [],
    ),
  ),
});

/** This will not pass by itself: the Pod can't be run as a task. */
export class UnplannableError extends Error {
  override name = "UnplannableError";
}

/**
 * The lane for the next attempt, as things are now. `reclaims`: how often Spot took back the Pods
 * that this one replaces.
 */
export const laneFor = (
  { settings }: Pick<EcsContext, "settings">,
  pod: RunnablePod,
  before: TaskRecord | null,
  shut: ReadonlyMap<string, ShutLane>,
  reclaims: number,
): LaneChoice => {
  const { lanePolicy } = settings;
  // A lane that many Pods were refused on is as if this one had been.
  const spotFailures = Math.max(
    0,
    ...settings.lanes.map((lane) => (isSpot(lane) ? (shut.get(lane.name)?.failures ?? 0) : 0)),
  );
  const history = {
    spotAttempts: Math.max((before?.spotAttempts ?? 0) + reclaims, spotFailures),
    capacityFailures: before?.capacityFailures ?? 0,
  };
  const closed = new Map([...shut].map(([name, { untilMs }]) => [name, untilMs] as const));
  const choice = chooseLane(suitablePlaces(pod, settings), lanePolicy, history, closed);
  if (choice === undefined) {
    throw new UnplannableError("no lane can run the Pod any more");
  }
  return choice;
};

/** Registers what is missing. Throws UnplannableError, RefusedCall, AbortedError. */
export const planAttempt = async (
  context: EcsContext,
  pod: RunnablePod,
  before: TaskRecord | null,
  choice: LaneChoice,
  signal: AbortSignal,
): Promise<TaskRecord> => {
  const { settings, definitions, now } = context;
  const attempt = (before?.attempt ?? 0) + 1;
  const planned = plannedPod(pod);
  const plan = planTask({ pod: planned, lane: choice.lane, settings, attempt });
  if (!plan.ok) {
    throw new UnplannableError(`spec.${plan.rejection.path}: ${plan.rejection.message}`);
  }
  const taskDefinition = await definitions.ensure(plan.definition, signal);
  const input = runTaskInput({
    pod: planned,
    choice,
    attempt,
    settings,
    taskDefinition,
    overrides: plan.overrides,
  });
  const nowMs = now();
  const isFirst = before === null || before.failedLaunches === 0;
  const earlier = [before?.taskArn, ...(before?.earlier ?? [])].filter((arn) => arn !== undefined);
  return {
    podUid: pod.uid,
    pod: `${pod.namespace}/${pod.name}`,
    attempt,
    restarts: before?.restarts ?? 0,
    failedLaunches: before?.failedLaunches ?? 0,
    capacityFailures: before?.capacityFailures ?? 0,
    spotAttempts: before?.spotAttempts ?? 0,
    lane: choice.lane.name,
    cluster: choice.lane.cluster,
    launchedAtMs: nowMs,
    firstLaunchedAtMs: isFirst ? nowMs : before.firstLaunchedAtMs,
    input,
    definition: definitions.familyOf(plan.definition),
    cpu: plan.size.cpuUnits,
    ...(before?.lastStates === undefined ? {} : { lastStates: before.lastStates }),
    ...(before?.streak === undefined ? {} : { streak: before.streak }),
    ...(before?.ran === undefined ? {} : { ran: before.ran }),
    ...(before?.startedAtMs === undefined ? {} : { startedAtMs: before.startedAtMs }),
    ...(earlier.length === 0 ? {} : { earlier: earlier.slice(0, EARLIER_MAX) }),
  };
};

/** Tasks before the present one whose logs can be found. */
const EARLIER_MAX = 10;

// The one RunTask of an attempt, made once and then kept: what is replayed must be the same bytes.
import type { EcsPod } from "./ecs-pod.ts";
import type { LaneChoice } from "./lane-choice.ts";
import { laneKind, type LaneSettings } from "./lane-settings.ts";
import { clientToken } from "./launch-intent.ts";
import type { RunTaskInput, Tag, TaskOverrides } from "./run-task-input.ts";
import { type EcsSettings, startedBy } from "./settings.ts";

const MAX_TAG_VALUE = 256;

/** What tags may not contain is replaced: they are for people and cost reports only. */
const tag = (key: string, value: string): Tag => ({
  key,
  value: value.replaceAll(/[^\p{L}\p{N}\s_.:/=+\-@]/gu, "_").slice(0, MAX_TAG_VALUE),
});

export function taskTags(pod: EcsPod, settings: Pick<EcsSettings, "tags">): Tag[] {
  return [
    ...Object.entries(settings.tags).map(([key, value]) => tag(key, value)),
    tag("gantry.dev/namespace", pod.namespace),
    tag("gantry.dev/pod", pod.name),
    tag("gantry.dev/pod-uid", pod.uid),
    ...(pod.job === undefined ? [] : [tag("gantry.dev/job", pod.job)]),
  ];
}

/** Exactly one of the two; a strategy's weight is 0 where it is not given. */
const capacity = ({
  launchType,
  capacityProvider,
}: LaneSettings): Pick<RunTaskInput, "launchType" | "capacityProviderStrategy"> =>
  capacityProvider === undefined
    ? { launchType: launchType ?? "FARGATE" }
    : { capacityProviderStrategy: [{ capacityProvider, weight: 1 }] };

export interface RunTaskRequest {
  readonly pod: EcsPod;
  readonly choice: LaneChoice;
  readonly attempt: number;
  readonly settings: EcsSettings;
  /** `family:revision` or its ARN. */
  readonly taskDefinition: string;
  readonly overrides: TaskOverrides;
}

export function runTaskInput(request: RunTaskRequest): RunTaskInput {
  const { pod, choice, attempt, settings, taskDefinition, overrides } = request;
  const { lane, subnets } = choice;
  const fargate = laneKind(lane) === "fargate";
  return {
    cluster: lane.cluster,
    taskDefinition,
    count: 1,
    clientToken: clientToken({ podUid: pod.uid, attempt }),
    startedBy: startedBy(settings),
    ...capacity(lane),
    ...(fargate && { platformVersion: lane.platformVersion }),
    networkConfiguration: {
      awsvpcConfiguration: {
        subnets: [...subnets],
        securityGroups: [...settings.network.securityGroups],
        // On EC2 there is no such choice.
        ...(fargate && {
          assignPublicIp: settings.network.assignPublicIp ? "ENABLED" : "DISABLED",
        }),
      },
    },
    overrides,
    enableECSManagedTags: true,
    ...(settings.enableExecuteCommand && { enableExecuteCommand: true }),
    tags: taskTags(pod, settings),
  };
}

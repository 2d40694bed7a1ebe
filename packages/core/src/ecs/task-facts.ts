// What is kept of a Pod's last task when ECS has forgotten it: compact JSON in an annotation.
import { z } from "zod";
import { isSpot, laneKind, type LaneSettings } from "./lane-settings.ts";
import type { LaunchIntent } from "./launch-intent.ts";
import type { EcsTask } from "./task.ts";

/** Annotation of Pods that ran on ECS. */
export const TASK_ANNOTATION = "gantry.dev/ecs-task";

/** ECS's reasons have at most so many characters; with more containers they could add up. */
const MAX_REASON = 1024;

const ms = z.number().optional();

const taskFacts = z.object({
  taskArn: z.string(),
  attempt: z.number(),
  /** ARNs of the tasks before that ran, newest first: where their logs are. */
  ran: z.array(z.string()).optional(),
  lane: z.string(),
  arch: z.enum(["amd64", "arm64"]),
  spot: z.boolean(),
  /** False on EC2, where instances are paid for, not tasks. */
  fargate: z.boolean(),
  zone: z.string().optional(),
  /** CPU units and MiB. */
  cpu: z.number().optional(),
  memory: z.number().optional(),
  storageGiB: z.number().optional(),
  stopCode: z.string().optional(),
  stoppedReason: z.string().optional(),
  /** By container. */
  digests: z.record(z.string(), z.string()).optional(),
  /** From the Pod's creation to RunTask. */
  queueMs: ms,
  provisionMs: ms,
  pullMs: ms,
  startMs: ms,
  runMs: ms,
  /** Unix milliseconds: what is paid for begins with the pull. */
  billedFromMs: ms,
  startedAtMs: ms,
  stoppedAtMs: ms,
});
export type TaskFacts = z.infer<typeof taskFacts>;

const between = (fromMs: number | undefined, toMs: number | undefined): number | undefined =>
  fromMs === undefined || toMs === undefined ? undefined : Math.max(0, toMs - fromMs);

const amount = (text: string | undefined): number | undefined =>
  text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);

export interface FactsOf {
  readonly task: EcsTask;
  readonly intent: Pick<LaunchIntent, "attempt" | "launchedAtMs">;
  readonly ran?: readonly string[] | undefined;
  readonly lane: LaneSettings;
  readonly podCreatedAtMs: number;
}

export function factsOfTask({ task, intent, ran, lane, podCreatedAtMs }: FactsOf): TaskFacts {
  const digests = task.containers.flatMap(({ name, imageDigest }) =>
    imageDigest === undefined ? [] : [[name, imageDigest] as const],
  );
  const endMs = task.executionStoppedAtMs ?? task.stoppedAtMs;
  return {
    taskArn: task.taskArn,
    attempt: intent.attempt,
    ...(ran !== undefined && { ran: [...ran] }),
    lane: lane.name,
    arch: lane.arch,
    spot: isSpot(lane),
    fargate: laneKind(lane) === "fargate",
    zone: task.availabilityZone,
    cpu: amount(task.cpu),
    memory: amount(task.memory),
    storageGiB: task.ephemeralStorageGiB,
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason?.slice(0, MAX_REASON),
    ...(digests.length > 0 && { digests: Object.fromEntries(digests) }),
    queueMs: between(podCreatedAtMs, intent.launchedAtMs),
    provisionMs: between(intent.launchedAtMs, task.pullStartedAtMs),
    pullMs: between(task.pullStartedAtMs, task.pullStoppedAtMs),
    startMs: between(task.pullStoppedAtMs, task.startedAtMs),
    runMs: between(task.startedAtMs, endMs),
    billedFromMs: task.pullStartedAtMs,
    startedAtMs: task.startedAtMs,
    stoppedAtMs: task.stoppedAtMs ?? task.executionStoppedAtMs,
  };
}

export const formatTaskFacts = (facts: TaskFacts): string => JSON.stringify(facts);

/** `undefined` for what is no such annotation. */
export function parseTaskFacts(text: string | undefined): TaskFacts | undefined {
  if (text === undefined) return undefined;
  try {
    return taskFacts.safeParse(JSON.parse(text)).data;
  } catch {
    // Written by hand.
    return undefined;
  }
}

// RunTask of a stored record: what its reply means, and what all workers are to learn from it.
import { RunTaskCommand } from "@aws-sdk/client-ecs";
import { type Classification, classify, type EcsTask, laneKind, taskFrom } from "@gantry/core";
import type { TaskRecord } from "@gantry/store";
import type { EcsContext } from "./ecs-context.ts";
import { RefusedCall } from "./ecs-api.ts";
import { ifPossible } from "./patience.ts";

export type LaunchReply =
  /** It is there, now or since an earlier try. */
  | { readonly kind: "task"; readonly arn: string; readonly task: EcsTask | undefined }
  /** There is none under this token, and there will be none but by mistake (a ghost). */
  | {
      readonly kind: "none";
      readonly judged: Classification;
      /** ECS has answered with failures; AWS says that a task may come all the same. */
      readonly mayHaunt: boolean;
    }
  /** The same is to be sent again. `lost`: it may have taken place. */
  | { readonly kind: "again"; readonly judged: Classification; readonly lost: boolean };

/** Sends the record's RunTask once. The caller has been let through by the gate. */
export const runTask = async (context: EcsContext, record: TaskRecord): Promise<LaunchReply> => {
  const begunAtMs = context.now();
  const reply = await send(context, record);
  const { lanes, counters } = context;
  if (reply.kind === "task") {
    counters.count("launches", record.lane);
    await ifPossible(context, () => lanes.succeeded(record.lane, begunAtMs));
    return reply;
  }
  const { judged } = reply;
  counters.count("launch_refusals", judged.class);
  const { cool } = judged;
  await ifPossible(context, async () => {
    if (cool?.scope === "lane" || cool?.scope === "circuit") {
      await lanes.refused(record.lane, judged, cool, begunAtMs);
    } else await lanes.probed(record.lane);
  });
  return reply;
};

const send = async (
  { api, clients, settings }: EcsContext,
  record: TaskRecord,
): Promise<LaunchReply> => {
  const { input } = record;
  const lane = settings.lanes.find(({ name }) => name === record.lane);
  const isFargate = lane !== undefined && laneKind(lane) === "fargate";
  try {
    const { tasks = [], failures = [] } = await api.attempt(
      "RunTask",
      isFargate ? "fargateRunTask" : "clusterModify",
      () => clients.ecs.send(new RunTaskCommand(input)),
      input.overrides.taskRoleArn,
    );
    const [raw] = tasks;
    if (raw?.taskArn !== undefined) {
      return { kind: "task", arn: raw.taskArn, task: taskFrom(raw) };
    }
    const [failure] = failures;
    const judged = classify({
      kind: "failure",
      reason: failure?.reason ?? "RunTask answered with neither tasks nor failures",
      detail: failure?.detail,
    });
    return { kind: "none", judged, mayHaunt: true };
  } catch (error) {
    if (!(error instanceof RefusedCall)) throw error;
    const { classification: judged, resourceIds } = error;
    if (judged.retry === "adopt") {
      const [arn] = resourceIds;
      // The token was used up by a RunTask that made nothing.
      if (arn === undefined) return { kind: "none", judged, mayHaunt: true };
      return { kind: "task", arn, task: undefined };
    }
    if (judged.retry !== "same-token") return { kind: "none", judged, mayHaunt: false };
    return { kind: "again", judged, lost: judged.class === "transient" };
  }
};

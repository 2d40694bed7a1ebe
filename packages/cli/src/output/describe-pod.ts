// A Pod for people.
import type { Pod } from "@gantry/sdk";
import { byName, containerOutline } from "./describe-template.ts";
import { type Outline, pairs } from "./outline.ts";

type Status = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number];

export function podOutline(pod: Pod): Outline {
  const { metadata, spec, status } = pod;
  const statuses = new Map(
    [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].map((one) => [
      one.name,
      one,
    ]),
  );
  const container = (
    one: NonNullable<NonNullable<Pod["spec"]>["containers"]>[number],
  ): Outline => ({
    ...containerOutline(one),
    ...statusOutline(statuses.get(one.name)),
  });
  return {
    Name: metadata.name,
    Namespace: metadata.namespace,
    Node: spec?.nodeName ?? "<none>",
    "Start Time": status?.startTime,
    Labels: pairs(metadata.labels),
    Annotations: pairs(metadata.annotations),
    Status: metadata.deletionTimestamp === undefined ? status?.phase : "Terminating",
    Reason: status?.reason,
    Message: status?.message,
    "Controlled By": metadata.ownerReferences?.map((owner) => `${owner.kind}/${owner.name}`),
    "Init Containers": byName(spec?.initContainers, container),
    Containers: byName(spec?.containers, container),
    Conditions: status?.conditions?.map((one) => {
      const why = [one.reason, one.message].filter(Boolean).join(": ");
      return `${one.type}=${one.status}${why && ` (${why})`}`;
    }),
  };
}

function statusOutline(status: Status | undefined): Outline {
  return {
    State: stateText(status?.state),
    "Last State": stateText(status?.lastState),
    Ready: status?.ready,
    "Restart Count": status?.restartCount,
  };
}

function stateText(state: Status["state"]): string | undefined {
  if (state?.running !== undefined) return `Running since ${state.running.startedAt}`;
  if (state?.waiting !== undefined)
    return lines("Waiting", state.waiting.reason, state.waiting.message);
  if (state?.terminated === undefined) return undefined;
  const { exitCode, reason, message, startedAt, finishedAt } = state.terminated;
  const span = finishedAt === undefined ? "" : ` from ${startedAt} to ${finishedAt}`;
  return lines(`Terminated${span}, exit code ${exitCode}`, reason, message?.trim());
}

const lines = (...parts: (string | undefined)[]): string => parts.filter(Boolean).join("\n");

// What it means that a task has stopped: by its stop code, and by the words beside it.
import type { Classification, Cooling } from "./classification.ts";
import { classifyFailure } from "./classify-refusal.ts";
import type { EcsTask } from "./task.ts";

const podPause: Cooling = { scope: "pod", initialMs: 10_000, maxMs: 300_000 };

const stoppedWords = (task: EcsTask): string => {
  const reasons = [task.stoppedReason, ...task.containers.map(({ reason }) => reason)];
  return [...new Set(reasons.filter((one) => one !== undefined))].join("; ");
};

const disrupted = (podReason: string, message: string): Classification => ({
  class: "disrupted",
  retry: "none",
  podReason,
  message,
});

const MAINTENANCE = /maintenance on the underlying infrastructure/i;
const HOST_ENDED = /host ec2 .*(terminated|stopped)/i;

/** Fargate's Spot reclaims have come with TerminationNotice, too. */
const terminationReason = (task: EcsTask, words: string): string => {
  if (MAINTENANCE.test(words)) return "InfrastructureMaintenance";
  if (HOST_ENDED.test(words)) return "NodeTerminated";
  const isSpot = /spot/i.test(words) || task.capacityProviderName === "FARGATE_SPOT";
  return isSpot ? "SpotInterruption" : "NodeTerminated";
};

interface StartRule {
  readonly matches: RegExp;
  readonly class: "image" | "resource" | "start";
  readonly podReason: string;
}

/** The first that match decide: a timeout of the container runtime is not the program's fault. */
const startRules: readonly StartRule[] = [
  {
    matches: /DockerTimeoutError|ContainerRuntimeTimeoutError|ContainerRuntimeError/,
    class: "resource",
    podReason: "CreateContainerError",
  },
  {
    matches:
      /CannotPull\w*Error|CannotPull|manifest (for .* )?(unknown|not found)|pull access denied|no basic auth/i,
    class: "image",
    podReason: "ErrImagePull",
  },
  {
    matches: /CannotStartContainerError|CannotCreateContainerError|CannotRunContainerError/,
    class: "start",
    podReason: "StartError",
  },
  {
    matches:
      /ResourceInitializationError|Timeout waiting for|InternalError|\bENI\b|network interface|EC2|CannotInspectContainerError|VolumeError|EFS/i,
    class: "resource",
    podReason: "CreateContainerError",
  },
];

const CAPACITY_WORDS =
  /^RESOURCE\b|^AGENT\b|^ATTRIBUTE\b|^LOCATION\b|no active instances|empty capacity provider|MemberOf|capacity is unavailable|reached the limit on the number of/i;

const failedToStart = (words: string): Classification => {
  if (CAPACITY_WORDS.test(words)) {
    return { ...classifyFailure({ kind: "failure", reason: words }), message: words };
  }
  const rule = startRules.find(({ matches }) => matches.test(words));
  if (rule === undefined) {
    return {
      class: "resource",
      retry: "new-attempt",
      cool: podPause,
      podReason: "CreateContainerError",
      message: words,
      unrecognized: true,
    };
  }
  const { class: cause, podReason } = rule;
  if (cause === "start") return { class: cause, podReason, retry: "none", message: words };
  return { class: cause, podReason, retry: "new-attempt", cool: podPause, message: words };
};

const exited = (message: string): Classification => ({
  class: "exited",
  retry: "none",
  podReason: "Error",
  message,
});

/** By the stop code; an unknown one by whether its containers have ended. */
export function classifyStop(task: EcsTask): Classification {
  const words = stoppedWords(task);
  switch (task.stopCode) {
    case "EssentialContainerExited":
      return exited(words);
    case "TaskFailedToStart":
      return failedToStart(words);
    case "SpotInterruption":
      return disrupted("SpotInterruption", words);
    case "TerminationNotice":
      return disrupted(terminationReason(task, words), words);
    case "InfrastructureHealth":
      return disrupted("InfrastructureMaintenance", words);
    case "UserInitiated":
    case "ServiceSchedulerInitiated":
      return disrupted(
        MAINTENANCE.test(words) ? "InfrastructureMaintenance" : "ExternalStop",
        words,
      );
    default:
      return withoutStopCode(task, words);
  }
}

function withoutStopCode(task: EcsTask, words: string): Classification {
  if (MAINTENANCE.test(words)) return disrupted("InfrastructureMaintenance", words);
  const ended = task.containers.some(({ exitCode }) => exitCode !== undefined);
  const unrecognized = task.stopCode === undefined ? {} : { unrecognized: true as const };
  if (ended) return { ...exited(words), ...unrecognized };
  return {
    class: "unknown",
    retry: "none",
    podReason: "TaskStateUnknown",
    message: words,
    ...unrecognized,
  };
}

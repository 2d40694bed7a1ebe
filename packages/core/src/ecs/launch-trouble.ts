// What a Pod shows, and what becomes of it, while its launches come to nothing.
import { rfc3339 } from "../apimachinery/time.ts";
import type { PodSpec } from "../schema/pod.ts";
import type { Classification } from "./classification.ts";
import type { LaunchIntent } from "./launch-intent.ts";
import type { EcsSettings } from "./settings.ts";
import type { TaskObservation, TaskOutcome } from "./task-outcome.ts";
import { taskRecords, type Waiting } from "./task-records.ts";

export interface LaunchTrouble {
  readonly cause: Classification;
  readonly spec: PodSpec;
  readonly intent: Pick<
    LaunchIntent,
    "failedLaunches" | "firstLaunchedAtMs" | "lastStates" | "restarts"
  >;
  readonly settings: { readonly launch: EcsSettings["launch"] };
  /** When its turn may come, in words, e.g. `about 8 min`. */
  readonly estimate?: string | undefined;
  readonly nowMs: number;
}

/** The Pod is fine and its place is not there: it waits as long as it takes. */
const isPatient = ({ class: cause, unrecognized }: Classification): boolean =>
  unrecognized !== true &&
  ["capacity", "quota", "throttled", "transient", "operator", "definition", "launched"].includes(
    cause,
  );

/** Its containers are to be created, and can't be: it has a place. */
const hasPlace = ({ class: cause }: Classification): boolean =>
  ["image", "resource", "permanent", "start"].includes(cause);

function givenUp({ cause, intent, settings, nowMs }: LaunchTrouble): boolean {
  const { deadlineSeconds, permanentAttempts } = settings.launch;
  if (cause.class === "permanent") return intent.failedLaunches + 1 >= permanentAttempts;
  if (isPatient(cause)) return false;
  return nowMs - intent.firstLaunchedAtMs >= deadlineSeconds * 1000;
}

function waitingState({ cause, spec, intent }: LaunchTrouble): Waiting {
  if (!hasPlace(cause)) return { reason: "ContainerCreating", message: cause.message };
  if (cause.class !== "image" || intent.failedLaunches === 0) {
    return { reason: cause.podReason, message: cause.message };
  }
  const image = spec.containers?.[0]?.image ?? "";
  return {
    reason: "ImagePullBackOff",
    message: `Back-off pulling image "${image}": ${cause.message}`,
  };
}

const sentence = ({ cause, intent, estimate }: LaunchTrouble): string => {
  const attempts = intent.failedLaunches + 1;
  const times = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const next = estimate === undefined ? "" : `; next try: ${estimate}`;
  return `${cause.message} (${times} since ${rfc3339(intent.firstLaunchedAtMs)}${next})`;
};

function conditions(trouble: LaunchTrouble, failed: boolean): TaskObservation["conditions"] {
  const { cause } = trouble;
  const message = sentence(trouble);
  const { podReason: reason } = cause;
  const notScheduled = { type: "PodScheduled", status: "False", reason, message } as const;
  const issue = { type: "ConfigIssue", status: "True", reason, message } as const;
  // That the host is not to blame is said, so that a policy may tell it from what is not known.
  const noDisruption = { type: "DisruptionTarget", status: "False", reason, message } as const;
  return [
    ...(hasPlace(cause) ? [] : [notScheduled]),
    ...(cause.class === "permanent" ? [issue] : []),
    ...(failed ? [noDisruption] : []),
  ];
}

/**
 * The Pod stays Pending, and another attempt is due; or, when its own fault has lasted too long, it
 * fails. A lack of room, throttles and what an operator must mend never fail it.
 */
export function launchTrouble(trouble: LaunchTrouble): TaskOutcome {
  const { cause, spec, intent, nowMs } = trouble;
  const failed = givenUp(trouble);
  const waiting = waitingState(trouble);
  const records = taskRecords({ spec, task: undefined, intent, waiting, nowMs });
  const observation: TaskObservation = {
    phase: failed ? "Failed" : "Pending",
    ready: false,
    ...(failed && { reason: "FailedToStart", message: sentence(trouble) }),
    ...records,
    conditions: conditions(trouble, failed),
  };
  return failed ? { kind: "ended", observation } : { kind: "relaunch", observation, cause };
}

// What it means that ECS refused a call, or started no task: by code, and by words.
import type { CauseClass, Classification, Cooling, Retry, Signal } from "./classification.ts";

interface Rule {
  readonly matches: RegExp;
  readonly class: CauseClass;
  readonly retry: Retry;
  readonly podReason: string;
  readonly cool?: Cooling;
}

const UNSCHEDULABLE = "Unschedulable";
/** The Pod could not be scheduled for reasons that are not its own. */
const SCHEDULER_ERROR = "SchedulerError";

const cooling = (scope: Cooling["scope"], initialSeconds: number, maxSeconds: number): Cooling => ({
  scope,
  initialMs: initialSeconds * 1000,
  maxMs: maxSeconds * 1000,
});

const callPause = cooling("call", 1, 30);
const lanePause = cooling("lane", 5, 120);
const quotaPause = cooling("lane", 30, 300);
const podPause = cooling("pod", 10, 300);
const circuit = cooling("circuit", 15, 300);

const capacity = { class: "capacity", podReason: UNSCHEDULABLE, cool: lanePause } as const;
const quota = { class: "quota", podReason: UNSCHEDULABLE, cool: quotaPause } as const;

/** Words that say the same whatever they come in; the first that match decide. */
const byWords: readonly Omit<Rule, "retry">[] = [
  {
    matches: /too many concurrent attempts to create a new revision/i,
    class: "throttled",
    podReason: SCHEDULER_ERROR,
    cool: callPause,
  },
  {
    matches: /rate exceeded|throttl|RequestLimitExceeded/i,
    class: "throttled",
    podReason: SCHEDULER_ERROR,
    cool: lanePause,
  },
  {
    matches: /provisioning capacity limit|\bPROVISIONING\b/,
    class: "throttled",
    podReason: SCHEDULER_ERROR,
    cool: quotaPause,
  },
  { ...quota, matches: /reached the limit on the number of|vCPU limit|concurrent.*limit/i },
  {
    ...capacity,
    matches:
      /capacity is unavailable|no active instances|no container instances were found|empty capacity provider|^RESOURCE\b/i,
  },
];

/** Of exceptions, beside the words: an operator's, a definition's. */
const byErrorWords: readonly Rule[] = [
  {
    matches:
      /task ?definition.*(inactive|not found|does not exist)|unable to describe task definition/i,
    class: "definition",
    retry: "register",
    podReason: SCHEDULER_ERROR,
  },
  {
    matches:
      /(subnet|security group|InvalidSubnet|InvalidGroup).*(does not exist|not found|invalid)|unable to assume|role is not valid|iam:PassRole|cluster not found/i,
    class: "operator",
    retry: "same-token",
    podReason: SCHEDULER_ERROR,
    cool: circuit,
  },
];

const byName: readonly Rule[] = [
  {
    matches: /^Conflict(Exception)?$/,
    class: "launched",
    retry: "adopt",
    podReason: SCHEDULER_ERROR,
  },
  {
    matches:
      /throttl|^TooManyRequests|^RequestLimitExceeded|^LimitExceeded|^SlowDown|^BandwidthLimit/i,
    class: "throttled",
    retry: "same-token",
    podReason: SCHEDULER_ERROR,
    cool: callPause,
  },
  {
    matches:
      /^(AccessDenied|Blocked|ClusterNotFound|UnrecognizedClient|InvalidSignature|ExpiredToken|InvalidClientTokenId|MissingAuthenticationToken|IncompleteSignature|SignatureDoesNotMatch|OptInRequired|NotAuthorized)|^CredentialsProviderError$|^TokenProviderError$/,
    class: "operator",
    retry: "same-token",
    podReason: SCHEDULER_ERROR,
    cool: circuit,
  },
  {
    matches:
      /^(InvalidParameter|Client|PlatformUnknown|PlatformTaskDefinitionIncompatibility|UnsupportedFeature|Validation|Serialization)(Exception)?$/,
    class: "permanent",
    retry: "new-attempt",
    podReason: "CreateContainerConfigError",
    cool: cooling("pod", 10, 60),
  },
  {
    matches:
      /^(Server|InternalServer|InternalFailure|ServiceUnavailable|InternalError|Timeout|RequestTimeout|Networking|Abort)|^E[A-Z]{4,}$/,
    class: "transient",
    retry: "same-token",
    podReason: SCHEDULER_ERROR,
    cool: callPause,
  },
];

const SERVER_FAULT = 500;
const serverFault = {
  class: "transient",
  retry: "same-token",
  podReason: SCHEDULER_ERROR,
  cool: callPause,
} as const;

const found = (rules: readonly Rule[], text: string): Rule | undefined =>
  rules.find(({ matches }) => matches.test(text));

const judged = (rule: Omit<Rule, "matches">, message: string): Classification => {
  const { class: cause, retry, podReason, cool } = rule;
  return { class: cause, retry, podReason, message, ...(cool !== undefined && { cool }) };
};

/** Seconds and attempts are wasted on what nobody knows; hence the pauses are long. */
const unrecognized = (retry: Retry, message: string): Classification => ({
  class: "transient",
  retry,
  cool: cooling("pod", 5, 300),
  podReason: SCHEDULER_ERROR,
  message,
  unrecognized: true,
});

/** A throttled call has done nothing; of one that found no room, the token is used up. */
const byMessage = (message: string): Rule | undefined => {
  const rule = byWords.find(({ matches }) => matches.test(message));
  if (rule === undefined) return found(byErrorWords, message);
  return { ...rule, retry: rule.class === "throttled" ? "same-token" : "new-attempt" };
};

/** The words go before the name: throttles and a lack of room hide in other exceptions. */
const errorRule = (name: string, message: string): Rule | undefined => {
  const named = found(byName, name);
  if (named?.class === "launched" || named?.class === "throttled") return named;
  return byMessage(message) ?? named;
};

export function classifyError(signal: Extract<Signal, { kind: "error" }>): Classification {
  const { name, message, statusCode = 0, taskRoleArn } = signal;
  const text = message === "" ? name : `${name}: ${message}`;
  const rule = errorRule(name, message);
  if (rule === undefined) {
    return statusCode >= SERVER_FAULT
      ? judged(serverFault, text)
      : unrecognized("same-token", text);
  }
  const isPodsRole = taskRoleArn !== undefined && message.includes(taskRoleArn);
  return judged(rule.class === "operator" && isPodsRole ? { ...rule, cool: podPause } : rule, text);
}

const placement: Rule = {
  matches: /^(ATTRIBUTE|LOCATION)\b|MemberOf placement constraint/i,
  class: "placement",
  retry: "new-attempt",
  podReason: UNSCHEDULABLE,
  cool: podPause,
};

const agent: Rule = {
  matches: /^(AGENT|MISSING|INACTIVE)\b/,
  class: "transient",
  retry: "new-attempt",
  podReason: SCHEDULER_ERROR,
  cool: cooling("pod", 5, 60),
};

/** A reply with failures is final for its token: a replay would bring the same ones. */
export function classifyFailure(signal: Extract<Signal, { kind: "failure" }>): Classification {
  const { reason = "", detail = "" } = signal;
  const text = [reason, detail].filter((part) => part !== "").join(": ");
  const words = byWords.find(({ matches }) => matches.test(text));
  if (words !== undefined) return judged({ ...words, retry: "new-attempt" }, text);
  const rule = found([placement, agent], text);
  return rule === undefined ? unrecognized("new-attempt", text) : judged(rule, text);
}

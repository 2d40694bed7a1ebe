// ecs.md sections 0 to 3: every text that ECS is known to say, and what it means.
import { expect, test } from "vitest";
import { classify } from "./classify.ts";
import { type EcsTask, taskFrom } from "./task.ts";

const subnetThrottle =
  "Error retrieving subnet information for [subnet-0a]: Rate exceeded (ErrorCode: Throttling)";
const tooManyTasks = "You've reached the limit on the number of tasks you can run concurrently";
const noCapacity =
  "Capacity is unavailable at this time. Please try again later or in a different availability zone";

test.each([
  // name, message, class, retry, scope that cools
  ["ThrottlingException", "Rate exceeded", "throttled", "same-token", "call"],
  ["TooManyRequestsException", "", "throttled", "same-token", "call"],
  ["LimitExceededException", "The limit was exceeded", "throttled", "same-token", "call"],
  ["InvalidParameterException", subnetThrottle, "throttled", "same-token", "lane"],
  ["ClientException", "RequestLimitExceeded", "throttled", "same-token", "lane"],
  [
    "ClientException",
    "Too many concurrent attempts to create a new revision of the specified family.",
    "throttled",
    "same-token",
    "call",
  ],
  [
    "ClientException",
    "Tasks provisioning capacity limit exceeded.",
    "throttled",
    "same-token",
    "lane",
  ],
  ["ServerException", "", "transient", "same-token", "call"],
  ["TimeoutError", "socket hang up", "transient", "same-token", "call"],
  ["ECONNRESET", "read ECONNRESET", "transient", "same-token", "call"],
  ["ConflictException", "parameters differ: Rate exceeded", "launched", "adopt", undefined],
  ["AccessDeniedException", "not authorized to ecs:RunTask", "operator", "same-token", "circuit"],
  ["BlockedException", "Your account was blocked.", "operator", "same-token", "circuit"],
  ["ClusterNotFoundException", "Cluster not found.", "operator", "same-token", "circuit"],
  ["CredentialsProviderError", "Could not load", "operator", "same-token", "circuit"],
  ["ExpiredTokenException", "expired", "operator", "same-token", "circuit"],
  [
    "InvalidParameterException",
    "Error retrieving subnet information: The subnet ID 'subnet-1' does not exist",
    "operator",
    "same-token",
    "circuit",
  ],
  [
    "ClientException",
    "ECS was unable to assume the role 'arn:aws:iam::1:role/x'",
    "operator",
    "same-token",
    "circuit",
  ],
  ["ClientException", "TaskDefinition is inactive", "definition", "register", undefined],
  ["ClientException", "Unable to describe task definition.", "definition", "register", undefined],
  [
    "InvalidParameterException",
    "No Container Instances were found in your cluster.",
    "capacity",
    "new-attempt",
    "lane",
  ],
  ["ClientException", noCapacity, "capacity", "new-attempt", "lane"],
  ["ClientException", tooManyTasks, "quota", "new-attempt", "lane"],
  [
    "InvalidParameterException",
    "Container Overrides length must be at most 8192",
    "permanent",
    "new-attempt",
    "pod",
  ],
  [
    "ClientException",
    "No Fargate configuration exists for given values.",
    "permanent",
    "new-attempt",
    "pod",
  ],
  ["PlatformUnknownException", "", "permanent", "new-attempt", "pod"],
  ["PlatformTaskDefinitionIncompatibilityException", "", "permanent", "new-attempt", "pod"],
  ["UnsupportedFeatureException", "", "permanent", "new-attempt", "pod"],
  ["SomethingNewException", "what is this", "transient", "same-token", "pod"],
])("RunTask throws %s %s: %s, %s", (name, message, cause, retry, scope) => {
  const judgement = classify({ kind: "error", name, message });
  expect(judgement).toMatchObject({ class: cause, retry });
  expect(judgement.cool?.scope).toBe(scope);
  expect(judgement.message).toContain(message);
});

test("an unknown exception is kept word for word, and a 5xx needs no name", () => {
  const unknown = classify({ kind: "error", name: "Odd", message: "why", statusCode: 400 });
  expect(unknown).toMatchObject({ unrecognized: true, message: "Odd: why" });
  const fault = classify({ kind: "error", name: "Odd", message: "why", statusCode: 503 });
  expect(fault).toMatchObject({ class: "transient", retry: "same-token" });
  expect(fault.unrecognized).toBeUndefined();
});

test("a role of the Pod's own that may not be passed leaves the lane open", () => {
  const message =
    "User is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/a";
  const error = { kind: "error", name: "AccessDeniedException", message } as const;
  expect(classify({ ...error, taskRoleArn: "arn:aws:iam::1:role/a" }).cool?.scope).toBe("pod");
  expect(classify({ ...error, taskRoleArn: "arn:aws:iam::1:role/b" }).cool?.scope).toBe("circuit");
});

test.each([
  ["RESOURCE:CPU", "", "capacity", "Unschedulable", "lane"],
  ["RESOURCE:MEMORY", "", "capacity", "Unschedulable", "lane"],
  ["RESOURCE:GPU", "", "capacity", "Unschedulable", "lane"],
  ["RESOURCE:ENI", "", "capacity", "Unschedulable", "lane"],
  ["RESOURCE:PORTS", "", "capacity", "Unschedulable", "lane"],
  [noCapacity, "", "capacity", "Unschedulable", "lane"],
  ["EMPTY CAPACITY PROVIDER", "", "capacity", "Unschedulable", "lane"],
  ["NO ACTIVE INSTANCES", "", "capacity", "Unschedulable", "lane"],
  [tooManyTasks, "", "quota", "Unschedulable", "lane"],
  ["AGENT", "", "transient", "SchedulerError", "pod"],
  ["ATTRIBUTE", "ecs.capability.x", "placement", "Unschedulable", "pod"],
  ["LOCATION", "", "placement", "Unschedulable", "pod"],
  ["MemberOf placement constraint unsatisfied.", "", "placement", "Unschedulable", "pod"],
  ["Rate exceeded", "", "throttled", "SchedulerError", "lane"],
  ["NEW REASON", "", "transient", "SchedulerError", "pod"],
])(
  "failure %s %s: %s, and the next attempt has another token",
  (reason, detail, cause, podReason, scope) => {
    const judgement = classify({ kind: "failure", reason, detail });
    expect(judgement).toMatchObject({ class: cause, podReason, retry: "new-attempt" });
    expect(judgement.cool?.scope).toBe(scope);
  },
);

const stopped = (
  stopCode: string | undefined,
  stoppedReason: string,
  extra: object = {},
): EcsTask => {
  const task = taskFrom({
    taskArn: "a/b",
    lastStatus: "STOPPED",
    stopCode,
    stoppedReason,
    ...extra,
  });
  if (task === undefined) throw new Error("no task");
  return task;
};

test.each([
  // stop code, reason, class, reason of the Pod
  ["EssentialContainerExited", "Essential container in task exited", "exited", "Error"],
  ["SpotInterruption", "Your Spot Task was interrupted.", "disrupted", "SpotInterruption"],
  ["TerminationNotice", "Your Spot Task was interrupted.", "disrupted", "SpotInterruption"],
  ["TerminationNotice", "Host EC2 (instance i-0a) terminated.", "disrupted", "NodeTerminated"],
  ["TerminationNotice", "Host EC2 (instance i-0a) stopped.", "disrupted", "NodeTerminated"],
  ["InfrastructureHealth", "", "disrupted", "InfrastructureMaintenance"],
  [
    "ServiceSchedulerInitiated",
    "ECS is performing maintenance on the underlying infrastructure hosting the task.",
    "disrupted",
    "InfrastructureMaintenance",
  ],
  ["UserInitiated", "Stopped in the console", "disrupted", "ExternalStop"],
  ["ServiceSchedulerInitiated", "", "disrupted", "ExternalStop"],
  ["TaskFailedToStart", "CannotPullContainerError: manifest unknown", "image", "ErrImagePull"],
  ["TaskFailedToStart", "CannotPullContainerError: pull access denied", "image", "ErrImagePull"],
  [
    "TaskFailedToStart",
    "ResourceInitializationError: unable to pull secrets",
    "resource",
    "CreateContainerError",
  ],
  [
    "TaskFailedToStart",
    "Timeout waiting for network interface provisioning to complete.",
    "resource",
    "CreateContainerError",
  ],
  [
    "TaskFailedToStart",
    "Timeout waiting for EphemeralStorage provisioning to complete.",
    "resource",
    "CreateContainerError",
  ],
  [
    "TaskFailedToStart",
    "Unexpected EC2 error while attempting",
    "resource",
    "CreateContainerError",
  ],
  ["TaskFailedToStart", "InternalError: oops", "resource", "CreateContainerError"],
  [
    "TaskFailedToStart",
    "DockerTimeoutError: Could not transition to started; timed out",
    "resource",
    "CreateContainerError",
  ],
  [
    "TaskFailedToStart",
    "ContainerRuntimeTimeoutError: CannotStartContainerError",
    "resource",
    "CreateContainerError",
  ],
  ["TaskFailedToStart", "CannotStartContainerError: exec format error", "start", "StartError"],
  ["TaskFailedToStart", "CannotCreateContainerError: no such file", "start", "StartError"],
  ["TaskFailedToStart", "RESOURCE:ENI", "capacity", "Unschedulable"],
  ["TaskFailedToStart", "NO ACTIVE INSTANCES", "capacity", "Unschedulable"],
  ["TaskFailedToStart", "EMPTY CAPACITY PROVIDER", "capacity", "Unschedulable"],
  ["TaskFailedToStart", "AGENT", "transient", "SchedulerError"],
  ["TaskFailedToStart", "ATTRIBUTE", "placement", "Unschedulable"],
  ["TaskFailedToStart", "MemberOf placement constraint unsatisfied", "placement", "Unschedulable"],
  ["TaskFailedToStart", "something else", "resource", "CreateContainerError"],
  [undefined, "", "unknown", "TaskStateUnknown"],
])("stopped with %s, %s: %s", (stopCode, reason, cause, podReason) => {
  expect(classify({ kind: "stopped", task: stopped(stopCode, reason) })).toMatchObject({
    class: cause,
    podReason,
  });
});

test("the words of containers count, and a Spot reclaim may only show by the provider", () => {
  const containers = [{ name: "a", reason: "CannotPullContainerError: no such host" }];
  const task = stopped("TaskFailedToStart", "Task failed to start", { containers });
  expect(classify({ kind: "stopped", task }).class).toBe("image");
  const spot = stopped("TerminationNotice", "", { capacityProviderName: "FARGATE_SPOT" });
  expect(classify({ kind: "stopped", task: spot }).podReason).toBe("SpotInterruption");
});

test("a stop code of the future is judged by what its containers did, and told", () => {
  const gone = stopped("BrandNew", "new words");
  expect(classify({ kind: "stopped", task: gone })).toMatchObject({
    class: "unknown",
    unrecognized: true,
  });
  const ended = stopped("BrandNew", "new words", { containers: [{ name: "a", exitCode: 0 }] });
  expect(classify({ kind: "stopped", task: ended })).toMatchObject({
    class: "exited",
    unrecognized: true,
  });
});

test("what can't start for the program's fault is not tried again", () => {
  const task = stopped("TaskFailedToStart", "CannotStartContainerError: exec format error");
  expect(classify({ kind: "stopped", task }).retry).toBe("none");
});

// An ECS task as far as Gantry reads it, from the API's form and from that of events.
import { parseRfc3339 } from "../apimachinery/time.ts";

export interface EcsContainer {
  readonly name: string;
  /** PENDING, RUNNING, STOPPED. */
  readonly lastStatus: string;
  readonly image?: string | undefined;
  readonly imageDigest?: string | undefined;
  readonly runtimeId?: string | undefined;
  /** Absent of a container that never ran, and where ECS lost sight of it. */
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
  /** HEALTHY, UNHEALTHY, UNKNOWN. */
  readonly healthStatus?: string | undefined;
}

/** Times are Unix milliseconds. */
export interface EcsTask {
  readonly taskArn: string;
  readonly clusterArn?: string | undefined;
  readonly taskDefinitionArn?: string | undefined;
  readonly startedBy?: string | undefined;
  /** Rises with each change that ECS sees; 0 when it was not told. */
  readonly version: number;
  readonly lastStatus: string;
  readonly desiredStatus: string;
  readonly stopCode?: string | undefined;
  readonly stoppedReason?: string | undefined;
  readonly launchType?: string | undefined;
  readonly capacityProviderName?: string | undefined;
  readonly availabilityZone?: string | undefined;
  readonly platformVersion?: string | undefined;
  readonly healthStatus?: string | undefined;
  /** CPU units. */
  readonly cpu?: string | undefined;
  /** MiB. */
  readonly memory?: string | undefined;
  readonly ephemeralStorageGiB?: number | undefined;
  readonly createdAtMs?: number | undefined;
  readonly pullStartedAtMs?: number | undefined;
  readonly pullStoppedAtMs?: number | undefined;
  readonly startedAtMs?: number | undefined;
  readonly stoppingAtMs?: number | undefined;
  readonly executionStoppedAtMs?: number | undefined;
  readonly stoppedAtMs?: number | undefined;
  readonly containers: readonly EcsContainer[];
  readonly privateIp?: string | undefined;
  /** Whose task it is, from its overrides: tags do not outlive StopTask. */
  readonly owner?: TaskOwner | undefined;
}

export interface TaskOwner {
  readonly podUid: string;
  readonly attempt: number;
  /** `namespace/name`. */
  readonly pod?: string | undefined;
  /** `namespace/name`. */
  readonly job?: string | undefined;
}

/** Variables of the task's first application container by which its Pod is found again. */
export const OWNER_ENV = {
  podUid: "GANTRY_POD_UID",
  attempt: "GANTRY_ATTEMPT",
  pod: "GANTRY_POD",
  job: "GANTRY_JOB",
} as const;

type Raw = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Raw => typeof value === "object" && value !== null;
const objects = (value: unknown): Raw[] => (Array.isArray(value) ? value.filter(isObject) : []);
const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Of a client's Date, an event's ISO text, or the wire's seconds since 1970. */
const timeMs = (value: unknown): number | undefined => {
  if (typeof value === "number")
    return Number.isFinite(value) ? Math.round(value * 1000) : undefined;
  if (typeof value === "string") return finite(parseRfc3339(value));
  if (!isObject(value) || typeof value["getTime"] !== "function") return undefined;
  return finite((value as { getTime(): unknown }).getTime());
};

const finite = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;

const container = (raw: Raw): EcsContainer => ({
  name: text(raw["name"]) ?? "",
  lastStatus: text(raw["lastStatus"]) ?? "PENDING",
  image: text(raw["image"]),
  imageDigest: text(raw["imageDigest"]),
  runtimeId: text(raw["runtimeId"]),
  exitCode: finite(raw["exitCode"]),
  reason: text(raw["reason"]),
  healthStatus: text(raw["healthStatus"]),
});

const owner = (raw: Raw): TaskOwner | undefined => {
  const overrides = isObject(raw["overrides"]) ? raw["overrides"] : {};
  for (const one of objects(overrides["containerOverrides"])) {
    const env = new Map(
      objects(one["environment"]).map(({ name, value }) => [name, text(value)] as const),
    );
    const podUid = env.get(OWNER_ENV.podUid);
    const attempt = Number(env.get(OWNER_ENV.attempt));
    if (podUid === undefined || !Number.isSafeInteger(attempt)) continue;
    return { podUid, attempt, pod: env.get(OWNER_ENV.pod), job: env.get(OWNER_ENV.job) };
  }
  return undefined;
};

const privateIp = (raw: Raw): string | undefined => {
  for (const attachment of objects(raw["attachments"])) {
    for (const { name, value } of objects(attachment["details"])) {
      if (name === "privateIPv4Address") return text(value);
    }
  }
  for (const one of objects(raw["containers"])) {
    for (const { privateIpv4Address } of objects(one["networkInterfaces"])) {
      if (text(privateIpv4Address) !== undefined) return text(privateIpv4Address);
    }
  }
  return undefined;
};

/**
 * The task of an API's reply (times are Dates, or seconds on the wire) or of an event's `detail`
 * (times are ISO text). Unknown members are ignored; `undefined` for what is no task.
 */
export const taskFrom = (value: unknown): EcsTask | undefined => {
  if (!isObject(value)) return undefined;
  const taskArn = text(value["taskArn"]);
  if (taskArn === undefined) return undefined;
  const storage = isObject(value["ephemeralStorage"]) ? value["ephemeralStorage"] : {};
  return {
    taskArn,
    clusterArn: text(value["clusterArn"]),
    taskDefinitionArn: text(value["taskDefinitionArn"]),
    startedBy: text(value["startedBy"]),
    version: finite(value["version"]) ?? 0,
    lastStatus: text(value["lastStatus"]) ?? "PROVISIONING",
    desiredStatus: text(value["desiredStatus"]) ?? "RUNNING",
    stopCode: text(value["stopCode"]),
    stoppedReason: text(value["stoppedReason"]),
    launchType: text(value["launchType"]),
    capacityProviderName: text(value["capacityProviderName"]),
    availabilityZone: text(value["availabilityZone"]),
    platformVersion: text(value["platformVersion"]),
    healthStatus: text(value["healthStatus"]),
    cpu: text(value["cpu"]),
    memory: text(value["memory"]),
    ephemeralStorageGiB: finite(storage["sizeInGiB"]),
    createdAtMs: timeMs(value["createdAt"]),
    pullStartedAtMs: timeMs(value["pullStartedAt"]),
    pullStoppedAtMs: timeMs(value["pullStoppedAt"]),
    startedAtMs: timeMs(value["startedAt"]),
    stoppingAtMs: timeMs(value["stoppingAt"]),
    executionStoppedAtMs: timeMs(value["executionStoppedAt"]),
    stoppedAtMs: timeMs(value["stoppedAt"]),
    containers: objects(value["containers"]).map(container),
    privateIp: privateIp(value),
    owner: owner(value),
  };
};

/** The last part of a task's ARN: what logs and people call it. */
export const taskId = (taskArn: string): string => taskArn.slice(taskArn.lastIndexOf("/") + 1);

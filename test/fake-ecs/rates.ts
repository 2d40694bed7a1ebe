// The documented request rates: token buckets per account and Region, shared by all callers.
import type { Clock } from "./clock.ts";

export interface BucketSize {
  readonly burst: number;
  readonly refillPerSecond: number;
}

export type BucketName =
  | "clusterModify"
  | "fargateRunTask"
  | "fargateLaunch"
  | "fargateSpotLaunch"
  | "clusterRead"
  | "definitionModify"
  | "definitionRead"
  | "definitionDelete"
  | "tagModify"
  | "tagRead"
  | "logRead"
  | "logFilter"
  | "logDescribe";

export type Rates = Readonly<Record<BucketName, BucketSize>>;

/** As Amazon documents them for ECS; those of CloudWatch Logs are of common experience. */
export const documentedRates: Rates = {
  clusterModify: { burst: 100, refillPerSecond: 40 },
  fargateRunTask: { burst: 20, refillPerSecond: 20 },
  fargateLaunch: { burst: 100, refillPerSecond: 20 },
  fargateSpotLaunch: { burst: 100, refillPerSecond: 20 },
  clusterRead: { burst: 100, refillPerSecond: 20 },
  definitionModify: { burst: 20, refillPerSecond: 1 },
  definitionRead: { burst: 50, refillPerSecond: 20 },
  definitionDelete: { burst: 5, refillPerSecond: 1 },
  tagModify: { burst: 20, refillPerSecond: 10 },
  tagRead: { burst: 50, refillPerSecond: 20 },
  logRead: { burst: 25, refillPerSecond: 25 },
  logFilter: { burst: 25, refillPerSecond: 25 },
  logDescribe: { burst: 25, refillPerSecond: 25 },
};

/** The documented rates, so many times. */
export const scaledRates = (factor: number): Rates =>
  Object.fromEntries(
    Object.entries(documentedRates).map(([name, { burst, refillPerSecond }]) => [
      name,
      { burst: burst * factor, refillPerSecond: refillPerSecond * factor },
    ]),
  ) as Rates;

const bucketOf: Readonly<Record<string, BucketName>> = {
  RunTask: "clusterModify",
  StopTask: "clusterModify",
  DescribeTasks: "clusterRead",
  ListTasks: "clusterRead",
  DescribeClusters: "clusterRead",
  RegisterTaskDefinition: "definitionModify",
  DeregisterTaskDefinition: "definitionModify",
  DescribeTaskDefinition: "definitionRead",
  ListTaskDefinitions: "definitionRead",
  ListTaskDefinitionFamilies: "definitionRead",
  DeleteTaskDefinitions: "definitionDelete",
  TagResource: "tagModify",
  UntagResource: "tagModify",
  ListTagsForResource: "tagRead",
  GetLogEvents: "logRead",
  FilterLogEvents: "logFilter",
  DescribeLogStreams: "logDescribe",
  DescribeLogGroups: "logDescribe",
};

export class RateLimits {
  readonly #rates: Rates | null;
  readonly #clock: Clock;
  readonly #levels = new Map<BucketName, { tokens: number; atMs: number }>();

  /** `null`: no limits. */
  constructor(rates: Rates | null, clock: Clock) {
    this.#rates = rates;
    this.#clock = clock;
  }

  /** Takes `count` tokens, or none and false. */
  take(name: BucketName, count = 1): boolean {
    if (this.#rates === null) return true;
    const { burst, refillPerSecond } = this.#rates[name];
    const nowMs = this.#clock.nowMs();
    const last = this.#levels.get(name) ?? { tokens: burst, atMs: nowMs };
    const refilled = last.tokens + ((nowMs - last.atMs) / 1000) * refillPerSecond;
    const tokens = Math.min(burst, refilled);
    const taken = tokens >= count;
    this.#levels.set(name, { tokens: taken ? tokens - count : tokens, atMs: nowMs });
    return taken;
  }

  /** The bucket that every call of the operation takes from; SQS has none. */
  admits(operation: string): boolean {
    const name = bucketOf[operation];
    return name === undefined || this.take(name);
  }
}

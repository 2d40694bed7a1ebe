// What CloudWatch knows of Gantry: metrics read from the scheduler's log, and the alarms of the operator.
import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Metric,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { HttpCodeElb, HttpCodeTarget } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { FilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { ApiEndpoint } from "./api-endpoint.ts";
import type { Config } from "./config.ts";
import type { TaskEvents } from "./events.ts";
import type { Services } from "./services.ts";
import type { RedisService } from "./redis-service.ts";

/** Fields of the scheduler's line `load`, and the metrics they become. */
const loadMetrics = {
  waitingPods: "WaitingPods",
  activePods: "ActivePods",
  readyWorkers: "ReadyWorkers",
  placesUsedPercent: "PlacesUsedPercent",
} as const;

/** What workers log of a task that runs without a Pod, before they stop it. */
export const ORPHAN_MESSAGE = "a task has no Pod";

const ORPHANED_TASKS = "OrphanedTasks";

const MINUTE = Duration.minutes(1);

/** Share of the memory at which there is still time to act: writes are refused when it is full. */
const REDIS_MEMORY_PERCENT = 75;
const REDIS_CPU_PERCENT = 80;

/** Events are read within seconds; older ones mean that no worker reads. */
const QUEUE_AGE_SECONDS = 300;

/** Metrics that are read from the logs of the services. */
export class LogMetrics extends Construct {
  readonly #namespace: string;

  constructor(
    scope: Construct,
    id: string,
    config: Config,
    { schedulerLogs, workerLogs }: Pick<Services, "schedulerLogs" | "workerLogs">,
  ) {
    super(scope, id);
    this.#namespace = `Gantry/${config.name}`;
    for (const [field, metricName] of Object.entries(loadMetrics)) {
      new MetricFilter(this, metricName, {
        logGroup: schedulerLogs,
        filterPattern: FilterPattern.literal(`{ $.load.${field} = * }`),
        metricNamespace: this.#namespace,
        metricName,
        metricValue: `$.load.${field}`,
      });
    }
    new MetricFilter(this, ORPHANED_TASKS, {
      logGroup: workerLogs,
      filterPattern: FilterPattern.literal(`{ $.msg = "${ORPHAN_MESSAGE}" }`),
      metricNamespace: this.#namespace,
      metricName: ORPHANED_TASKS,
      metricValue: "1",
    });
  }

  /** Every scheduler tells the same, so sums have no meaning. */
  load(name: (typeof loadMetrics)[keyof typeof loadMetrics], statistic = "Maximum"): Metric {
    return this.#metric(name, statistic);
  }

  orphanedTasks(): Metric {
    return this.#metric(ORPHANED_TASKS, "Sum");
  }

  #metric(name: string, statistic: string): Metric {
    return new Metric({
      namespace: this.#namespace,
      metricName: name,
      statistic,
      period: MINUTE,
    });
  }
}

interface AlarmSpec {
  readonly id: string;
  readonly description: string;
  readonly metric: IMetric;
  readonly above?: number;
  readonly below?: number;
  readonly minutes: number;
  readonly missing?: TreatMissingData;
}

export interface AlarmProps {
  readonly config: Config;
  readonly events: TaskEvents;
  readonly redis: RedisService;
  readonly endpoint: ApiEndpoint;
  readonly metrics: LogMetrics;
}

export class Alarms extends Construct {
  readonly #config: Config;
  readonly #action: SnsAction | undefined;

  constructor(scope: Construct, id: string, props: AlarmProps) {
    super(scope, id);
    this.#config = props.config;
    const { topicArn } = props.config.alarms;
    this.#action =
      topicArn === undefined
        ? undefined
        : new SnsAction(Topic.fromTopicArn(this, "Topic", topicArn));
    const specs = [
      ...eventAlarms(props.events),
      ...redisAlarms(props.redis),
      ...apiAlarms(props.endpoint),
      ...podAlarms(props.metrics, props.config),
    ];
    for (const spec of specs) this.#add(spec);
  }

  #add({ id, description, metric, above, below, minutes, missing }: AlarmSpec): void {
    const alarm = new Alarm(this, id, {
      alarmName: `${this.#config.name}-${id}`,
      alarmDescription: description,
      metric,
      threshold: above ?? below ?? 0,
      comparisonOperator:
        below === undefined
          ? ComparisonOperator.GREATER_THAN_THRESHOLD
          : ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: minutes,
      datapointsToAlarm: minutes,
      treatMissingData: missing ?? TreatMissingData.NOT_BREACHING,
    });
    if (this.#action !== undefined) {
      alarm.addAlarmAction(this.#action);
      alarm.addOkAction(this.#action);
    }
  }
}

const eventAlarms = ({ queue, deadLetters }: TaskEvents): AlarmSpec[] => [
  {
    id: "dead-letters",
    description: "Task events could not be delivered or applied: see the dead-letter queue.",
    metric: deadLetters.metricApproximateNumberOfMessagesVisible({
      period: MINUTE,
      statistic: "Maximum",
    }),
    above: 0,
    minutes: 1,
  },
  {
    id: "event-age",
    description: "Task events wait: workers do not read them, or not fast enough.",
    metric: queue.metricApproximateAgeOfOldestMessage({ period: MINUTE, statistic: "Maximum" }),
    above: QUEUE_AGE_SECONDS,
    minutes: 3,
  },
];

const redisAlarms = (redis: RedisService): AlarmSpec[] => [
  {
    id: "redis-memory",
    description: "Redis fills: when it is full every write is refused. Take larger nodes.",
    metric: redis.memoryPercent,
    above: REDIS_MEMORY_PERCENT,
    minutes: 5,
  },
  {
    id: "redis-evictions",
    description: "Redis evicted keys: its maxmemory-policy is not noeviction any more.",
    metric: redis.evictions,
    above: 0,
    minutes: 1,
  },
  {
    id: "redis-cpu",
    description: "Redis is busy: all commands run on one core of the primary.",
    metric: redis.engineCpuPercent,
    above: REDIS_CPU_PERCENT,
    minutes: 10,
  },
];

const apiAlarms = ({ balancer, targets }: ApiEndpoint): AlarmSpec[] => [
  {
    id: "api-errors",
    description: "The API answers with 5xx.",
    metric: targets.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, {
      period: MINUTE,
      statistic: "Sum",
    }),
    above: 5,
    minutes: 3,
  },
  {
    id: "api-unreachable",
    description: "The load balancer answers with 5xx itself: no API could be asked.",
    metric: balancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, {
      period: MINUTE,
      statistic: "Sum",
    }),
    above: 5,
    minutes: 3,
  },
  {
    id: "api-not-ready",
    description: "No API is ready: /readyz says why, most often Redis.",
    metric: targets.metrics.healthyHostCount({ period: MINUTE, statistic: "Minimum" }),
    below: 1,
    minutes: 2,
    missing: TreatMissingData.BREACHING,
  },
];

const podAlarms = (metrics: LogMetrics, { worker }: Config): AlarmSpec[] => [
  {
    id: "no-ready-worker",
    description: "No worker renews its lease, or no scheduler reports: no Pod starts.",
    metric: metrics.load("ReadyWorkers", "Minimum"),
    below: 1,
    minutes: 3,
    missing: TreatMissingData.BREACHING,
  },
  {
    id: "workers-full",
    description: `Pods wait for places though ${worker.max} workers may run: raise worker.max or worker.concurrency.`,
    metric: metrics.load("PlacesUsedPercent"),
    above: 100,
    minutes: 15,
  },
  {
    id: "orphaned-tasks",
    description: "A task ran that no Pod has; the sweep of the workers stops it. See their logs.",
    metric: metrics.orphanedTasks(),
    above: 0,
    minutes: 1,
  },
];

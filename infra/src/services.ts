// The api, the scheduler and the workers: commands, ports, environment, secrets and who may talk to whom.
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { type IVpc, Port } from "aws-cdk-lib/aws-ec2";
import type { Cluster } from "aws-cdk-lib/aws-ecs";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { Config } from "./config.ts";
import type { RedisStore } from "./redis.ts";
import type { Secrets } from "./secrets.ts";
import { GantryService } from "./service.ts";

const API_PORT = 7443;
const WORKER_PORT = 7444;
/** On loopback only: asked by the container's own health check. */
const METRICS_PORT = 7481;

/** How often schedulers tell their log what waits and runs: the scaling metric's period. */
const LOAD_EVERY_SECONDS = 60;

/** Time to connect to Redis and listen. */
const START = Duration.seconds(120);

export interface ServicesProps {
  readonly config: Config;
  readonly cluster: Cluster;
  readonly vpc: IVpc;
  readonly redis: RedisStore;
  readonly secrets: Secrets;
  /** Of the ecs runtime, as JSON. */
  readonly settings: string;
}

export class Services extends Construct {
  readonly api: GantryService;
  readonly scheduler: GantryService;
  readonly worker: GantryService;
  readonly schedulerLogs: LogGroup;
  readonly workerLogs: LogGroup;
  readonly apiPort = API_PORT;

  constructor(scope: Construct, id: string, props: ServicesProps) {
    super(scope, id);
    const { config, secrets, settings, redis } = props;
    const base = { config, cluster: props.cluster, vpc: props.vpc };
    const environment = { GANTRY_REDIS_URL: redis.service.url };
    const password = { GANTRY_REDIS_PASSWORD: secrets.redisPassword };
    const keys = { GANTRY_SECRETS_KEYS: secrets.secretsKey };
    this.schedulerLogs = this.#logs(config, "scheduler");
    this.workerLogs = this.#logs(config, "worker");
    this.api = new GantryService(this, "Api", {
      ...base,
      part: "api",
      count: config.api.count,
      size: config.api.size,
      command: ["api", "--runtime=ecs", `--listen=0.0.0.0:${API_PORT}`],
      healthUrl: `https://127.0.0.1:${API_PORT}/livez`,
      ports: [API_PORT],
      logs: this.#logs(config, "api"),
      environment,
      secrets: { ...password, ...keys, GANTRY_TOKEN: secrets.token },
      grace: START,
    });
    this.scheduler = new GantryService(this, "Scheduler", {
      ...base,
      part: "scheduler",
      count: config.scheduler.count,
      size: config.scheduler.size,
      command: [
        "scheduler",
        `--metrics-listen=127.0.0.1:${METRICS_PORT}`,
        `--report-load=${LOAD_EVERY_SECONDS}`,
      ],
      healthUrl: `http://127.0.0.1:${METRICS_PORT}/healthz`,
      ports: [],
      logs: this.schedulerLogs,
      environment,
      secrets: password,
    });
    this.worker = new GantryService(this, "Worker", {
      ...base,
      part: "worker",
      size: config.worker.size,
      command: [
        "worker",
        "--runtime=ecs",
        `--listen=0.0.0.0:${WORKER_PORT}`,
        `--concurrency=${config.worker.concurrency}`,
      ],
      healthUrl: `http://0.0.0.0:${WORKER_PORT}/livez`,
      ports: [WORKER_PORT],
      logs: this.workerLogs,
      environment: { ...environment, GANTRY_ECS_SETTINGS: settings },
      secrets: { ...password, ...keys },
    });
    this.#connect(redis);
  }

  #connect(redis: RedisStore): void {
    for (const [who, { group, service }] of Object.entries({
      api: this.api,
      scheduler: this.scheduler,
      worker: this.worker,
    })) {
      redis.allowFrom(group, who);
      // Tasks that start before their Redis is there would count as a failed deployment.
      service.node.addDependency(redis);
    }
    const port = Port.tcp(WORKER_PORT);
    this.worker.group.addIngressRule(this.api.group, port, "The API fetches logs of Pods");
    this.api.group.addEgressRule(this.worker.group, port, "Logs of Pods");
  }

  #logs({ name, logRetentionDays }: Config, part: string): LogGroup {
    return new LogGroup(this, `${part}-logs`, {
      logGroupName: `/gantry/${name}/${part}`,
      retention: logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

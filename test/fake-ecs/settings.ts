// What can be chosen of a fake: its account, its limits, its pace, its images; and the defaults.
import { type FaultProfile, profiles } from "./faults.ts";
import { documentedRates, type Rates } from "./rates.ts";

/** How long a task takes in each state, in milliseconds of the fake's clock. */
export interface Timings {
  readonly provisioningMs: number;
  readonly pendingMs: number;
  readonly pullMs: number;
  readonly activatingMs: number;
  readonly deactivatingMs: number;
  readonly stoppingMs: number;
  readonly deprovisioningMs: number;
  /** Between a state change and its message in the queue. */
  readonly eventMs: number;
  /** Between a line's output and its place in the log. */
  readonly logMs: number;
  /**
   * Between a Spot interruption's warning and SIGKILL; the container's stopTimeout if that is less.
   */
  readonly spotWarningMs: number;
  /** One second of stopTimeout, startTimeout and health checks. */
  readonly secondMs: number;
  /** How long a stopped task stays known. */
  readonly recordMs: number;
}

/** For tests: everything in its order and next to no waiting. */
export const briskTimings: Timings = {
  provisioningMs: 5,
  pendingMs: 5,
  pullMs: 5,
  activatingMs: 2,
  deactivatingMs: 2,
  stoppingMs: 2,
  deprovisioningMs: 5,
  eventMs: 2,
  logMs: 5,
  spotWarningMs: 2_000,
  secondMs: 1_000,
  recordMs: 3_600_000,
};

/** For use by hand: the states can be watched. */
export const calmTimings: Timings = {
  ...briskTimings,
  provisioningMs: 700,
  pendingMs: 300,
  pullMs: 300,
  activatingMs: 100,
  deactivatingMs: 100,
  stoppingMs: 100,
  deprovisioningMs: 400,
  eventMs: 50,
  logMs: 200,
  spotWarningMs: 10_000,
};

/**
 * What the registry would tell of an image; an image that is not listed has no command of its own.
 */
export interface FakeImage {
  readonly entryPoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Why it can't be pulled, as in "CannotPullContainerError: ...". */
  readonly pullError?: string;
}

/** An EC2 instance, or one of an Auto Scaling group. */
export interface FakeInstance {
  readonly cpu: number;
  readonly memoryMiB: number;
  /** Its capacity provider; none for the launch type EC2 alone. */
  readonly capacityProvider?: string;
}

export interface Quotas {
  readonly fargateVcpu: number;
  readonly fargateSpotVcpu: number;
  /** Tasks that wait for managed scaling, in one cluster. */
  readonly provisioningTasks: number;
}

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly seed: number;
  readonly faults: FaultProfile;
  readonly rates: Rates | null;
  readonly quotas: Quotas;
  readonly timings: Timings;
  readonly region: string;
  readonly account: string;
  readonly accessKeyId: string;
  readonly clusters: readonly string[];
  readonly instances: readonly FakeInstance[];
  /** `null`: every subnet exists, and every role may be passed. */
  readonly subnets: readonly string[] | null;
  readonly passableRoles: readonly string[] | null;
  readonly images: Readonly<Record<string, FakeImage>>;
  /** Values of secrets and parameters by ARN; what is not there can't be pulled. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly logGroups: readonly string[];
  readonly queueName: string;
  readonly visibilityTimeoutSeconds: number;
  /** Receives after which a message goes to the dead-letter queue `<queueName>-dlq`. */
  readonly maxReceiveCount: number;
  /** Whether 32 vCPU is a size; the sources disagree. */
  readonly allow32Vcpu: boolean;
  /** Whether a token whose first answer was failures alone gives them again. */
  readonly replayFailures: boolean;
  /** Each entry of the journal as a line of JSON; none when undefined. */
  readonly journalFile: string | undefined;
}

export type FakeEcsOptions = Partial<Omit<Settings, "faults" | "timings" | "quotas">> & {
  readonly faults?: keyof typeof profiles | FaultProfile;
  readonly timings?: Partial<Timings>;
  readonly quotas?: Partial<Quotas>;
};

/** What Amazon documents for a new account. */
const documentedQuotas: Quotas = { fargateVcpu: 6, fargateSpotVcpu: 6, provisioningTasks: 300 };

export const settle = (options: FakeEcsOptions): Settings => {
  const { faults = "off" } = options;
  return {
    host: "127.0.0.1",
    port: 0,
    seed: 1,
    rates: documentedRates,
    region: "us-east-1",
    account: "123456789012",
    accessKeyId: "fake",
    clusters: ["default"],
    instances: [],
    subnets: null,
    passableRoles: null,
    images: {},
    secrets: {},
    logGroups: ["gantry"],
    queueName: "gantry-events",
    visibilityTimeoutSeconds: 30,
    maxReceiveCount: 10,
    allow32Vcpu: false,
    replayFailures: true,
    journalFile: undefined,
    ...options,
    faults: typeof faults === "string" ? profiles[faults] : faults,
    quotas: { ...documentedQuotas, ...options.quotas },
    timings: { ...briskTimings, ...options.timings },
  };
};

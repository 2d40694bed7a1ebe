// Which faults there are, how often each profile has them, and which of them a request, a task, an
// event or a log meets: by a script first, by seed otherwise.
import type { Chance } from "./random.ts";

export type RequestFault =
  /** ThrottlingException "Rate exceeded". */
  | "throttle"
  /** A throttle of the subnet lookup, in an InvalidParameterException. RunTask. */
  | "subnetThrottle"
  /**
   * "Too many concurrent attempts to create a new revision", a ClientException.
   * RegisterTaskDefinition.
   */
  | "familyThrottle"
  /** The quota of PROVISIONING tasks, a ClientException. RunTask. */
  | "provisioningQuota"
  /** LimitExceededException. RegisterTaskDefinition. */
  | "limitExceeded"
  /** 500 ServerException and nothing done. */
  | "serverError"
  /** 500 ServerException and yet done. */
  | "serverErrorAfterCommit"
  /** 503 of a load balancer, without a body in JSON. */
  | "unavailable"
  /** The connection ends before anything is done. */
  | "dropBefore"
  /** The connection ends after everything is done. */
  | "dropAfter"
  /** Done at once, answered `ms` later. */
  | "lateReply"
  | "accessDenied"
  /** The account is blocked. RunTask. */
  | "blocked"
  /** failures[]: no Fargate capacity. RunTask, as are the next four. */
  | "capacity"
  /** failures[]: the vCPU quota. */
  | "quota"
  /** failures[]: AGENT. */
  | "agent"
  /** failures[]: RESOURCE:MEMORY. */
  | "resource"
  /** failures[], and yet a task starts `ms` later. */
  | "ghost";

export type TaskFault =
  /** Describe and List don't know the task for the first `ms`. */
  | "missing"
  /** Stays in PROVISIONING until it is stopped. */
  | "stuck"
  | "pullError"
  /** ResourceInitializationError. */
  | "initError"
  /** Killed `ms` after RUNNING with the reason OutOfMemoryError. */
  | "oom"
  /** Spot interruption `ms` after RUNNING; only of tasks on Spot. */
  | "spot"
  /** Its host is gone `ms` after RUNNING: no exit codes, TerminationNotice. */
  | "hostLoss"
  /** Stopped by maintenance `ms` after RUNNING: InfrastructureHealth. */
  | "maintenance"
  /** Stopped by a human `ms` after RUNNING. */
  | "humanStop"
  /** Its record is gone `ms` after RUNNING, without an event. */
  | "vanish";

export type EventFault =
  | "duplicate"
  /** Comes `ms` later, after events that are newer. */
  | "delay"
  | "lose";

export type LogFault =
  /** A page without events though there are more. */
  | "emptyPage"
  /** The stream's lines come `ms` later from here on. */
  | "lateLines";

type Weights<F extends string> = Readonly<Partial<Record<F, number>>>;

/** Probabilities, each of 1, of at most one fault of its group. */
export interface FaultProfile {
  readonly runTask: Weights<RequestFault>;
  /** Every other request to ECS and to the logs. */
  readonly request: Weights<RequestFault>;
  readonly queue: Weights<RequestFault>;
  readonly task: Weights<TaskFault>;
  readonly event: Weights<EventFault>;
  readonly logPage: Weights<LogFault>;
  readonly logStream: Weights<LogFault>;
}

const times = <F extends string>(weights: Weights<F>, factor: number): Weights<F> =>
  Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [name, Number(weight) * factor]),
  ) as Weights<F>;

const off: FaultProfile = {
  runTask: {},
  request: {},
  queue: {},
  task: {},
  event: {},
  logPage: {},
  logStream: {},
};

const mild: FaultProfile = {
  runTask: {
    throttle: 0.02,
    subnetThrottle: 0.01,
    provisioningQuota: 0.005,
    serverError: 0.01,
    serverErrorAfterCommit: 0.01,
    unavailable: 0.005,
    dropBefore: 0.01,
    dropAfter: 0.015,
    lateReply: 0.01,
    capacity: 0.015,
    quota: 0.005,
    agent: 0.005,
    resource: 0.005,
    ghost: 0.005,
  },
  request: {
    throttle: 0.015,
    serverError: 0.005,
    serverErrorAfterCommit: 0.005,
    unavailable: 0.003,
    dropBefore: 0.005,
    dropAfter: 0.005,
    lateReply: 0.005,
  },
  queue: { serverError: 0.005, dropBefore: 0.005, dropAfter: 0.005 },
  task: {
    missing: 0.05,
    stuck: 0.002,
    pullError: 0.003,
    initError: 0.004,
    spot: 0.02,
    hostLoss: 0.004,
    maintenance: 0.003,
    humanStop: 0.002,
    vanish: 0.002,
  },
  event: { duplicate: 0.05, delay: 0.05, lose: 0.01 },
  logPage: { emptyPage: 0.1 },
  logStream: { lateLines: 0.02 },
};

const WILD = 4;

const wild: FaultProfile = {
  runTask: times(mild.runTask, WILD),
  request: times(mild.request, WILD),
  queue: times(mild.queue, WILD),
  task: times(mild.task, WILD),
  event: times(mild.event, WILD),
  logPage: times(mild.logPage, WILD),
  logStream: times(mild.logStream, WILD),
};

export const profiles = { off, mild, wild } as const;

/** A fault to come, in order of scripting. */
export interface Script {
  /** An operation's name, `task`, `event`, `logPage` or `logStream`. */
  readonly on: string;
  readonly fault: RequestFault | TaskFault | EventFault | LogFault;
  /** How often; once when absent. */
  readonly times?: number;
  /**
   * Only of what has this text in its JSON: a request's input, a task, an event, a stream's name.
   */
  readonly match?: string;
  /** How late, how long. */
  readonly ms?: number;
}

export interface MetFault<F extends string> {
  readonly fault: F;
  readonly ms: number;
}

/** What was really done to somebody. */
export interface InjectedFault {
  readonly on: string;
  readonly fault: string;
  readonly subject: string;
}

/** How late or long a fault by seed is: half of them less than 200 ms, so that short tasks meet some. */
const SEEDED_MS = { low: 1, high: 1_500 } as const;
/** How late or long a fault by script is that does not say. */
const SCRIPTED_MS = 500;

export class Faults {
  readonly #profile: FaultProfile;
  readonly #chance: Chance;
  #scripts: { readonly script: Script; left: number }[] = [];
  readonly #met = new Map<string, number>();
  readonly injected: InjectedFault[] = [];
  /** False stops faults by seed; scripts go on. */
  seeded = true;

  constructor(profile: FaultProfile, chance: Chance) {
    this.#profile = profile;
    this.#chance = chance;
  }

  script(script: Script): void {
    this.#scripts.push({ script, left: script.times ?? 1 });
  }

  /** Forgets the scripts that are left. */
  clear(): void {
    this.#scripts = [];
  }

  /** `name` is what chance depends on beside the seed; the same name again is another throw. */
  ofRequest(
    service: string,
    operation: string,
    name: string,
    subject: unknown,
  ): MetFault<RequestFault> | undefined {
    const { runTask, request, queue } = this.#profile;
    const weights = service === "sqs" ? queue : operation === "RunTask" ? runTask : request;
    return this.#meet(operation, weights, name, subject);
  }

  ofTask(name: string, subject: unknown): MetFault<TaskFault> | undefined {
    return this.#meet("task", this.#profile.task, name, subject);
  }

  ofEvent(name: string, subject: unknown): MetFault<EventFault> | undefined {
    return this.#meet("event", this.#profile.event, name, subject);
  }

  ofLogPage(stream: string): MetFault<LogFault> | undefined {
    return this.#meet("logPage", this.#profile.logPage, stream, stream);
  }

  ofLogStream(stream: string): MetFault<LogFault> | undefined {
    return this.#meet("logStream", this.#profile.logStream, stream, stream);
  }

  #meet<F extends string>(
    on: string,
    weights: Weights<F>,
    name: string,
    subject: unknown,
  ): MetFault<F> | undefined {
    const text = this.#scripts.length === 0 ? "" : JSON.stringify(subject);
    const scripted = this.#scripts.find(
      ({ script }) => script.on === on && text.includes(script.match ?? ""),
    );
    if (scripted !== undefined) {
      scripted.left -= 1;
      this.#scripts = this.#scripts.filter(({ left }) => left > 0);
      return this.#inject(on, scripted.script.fault as F, name, scripted.script.ms ?? SCRIPTED_MS);
    }
    if (!this.seeded || Object.keys(weights).length === 0) return undefined;
    const key = `${on} ${name}`;
    const nth = this.#met.get(key) ?? 0;
    this.#met.set(key, nth + 1);
    const fault = this.#chance.pick(weights, key, nth);
    if (fault === undefined) return undefined;
    const ms =
      SEEDED_MS.low + (SEEDED_MS.high - SEEDED_MS.low) * this.#chance.of("ms", key, nth) ** 3;
    return this.#inject(on, fault, name, Math.round(ms));
  }

  #inject<F extends string>(on: string, fault: F, subject: string, ms: number): MetFault<F> {
    this.injected.push({ on, fault, subject });
    return { fault, ms };
  }
}

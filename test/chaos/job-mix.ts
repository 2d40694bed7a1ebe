// Random Jobs of all shapes, what their containers do, and what must therefore become of them.
import type { Random } from "../simulation/random.ts";

export type Propagation = "Background" | "Foreground" | "Orphan";

/** What a user does to a Job after submitting it. */
export type UserAction =
  | { readonly kind: "suspend" | "resume" }
  | { readonly kind: "parallelism"; readonly value: number }
  | { readonly kind: "annotate"; readonly value: string }
  | { readonly kind: "delete"; readonly propagation: Propagation }
  | { readonly kind: "deletePod"; readonly graceSeconds: number | undefined };

/** Failures that the API showed as counted, in all and by index. */
export interface Failures {
  readonly all: number;
  of(index: number): number;
}

export interface Outcome {
  readonly type: "Complete" | "Failed";
  readonly reason: string;
  readonly succeeded?: number;
  readonly completedIndexes?: string;
  readonly failedIndexes?: string;
}

export interface JobPlan {
  readonly family: string;
  readonly name: string;
  /** Pods really run, and write journals. */
  readonly isReal: boolean;
  readonly manifest: object;
  readonly parallelismMax: number;
  /** Milliseconds after the load began. */
  readonly atMs: number;
  readonly actions: readonly { readonly afterMs: number; readonly action: UserAction }[];
  /** The straight line from the script to the end; `undefined` where chance decides. */
  readonly outcome: (failures: Failures) => Outcome | undefined;
}

interface Behaviour {
  /** By index; the first for Jobs without: how often it fails before it succeeds. */
  readonly fails: readonly number[];
  readonly code: number;
  /** By index; the first for Jobs without. */
  readonly runMs: readonly number[];
  readonly stubborn?: boolean;
}

interface Shape {
  readonly family: string;
  readonly spec: { readonly [field: string]: unknown };
  readonly parallelism: number;
  readonly behaviour: Behaviour;
  readonly restartPolicy?: "Never" | "OnFailure";
  readonly outcome: JobPlan["outcome"];
}

/** More than any run lasts. */
const FOREVER_MS = 3_600_000;
/** More than any Job tries. */
const ALWAYS = 1_000;
/** Disturbances are many; a Job that is to complete must bear them. */
const PATIENT = 40;
const TICK_MS = 200;

const complete = (reason = "CompletionsReached"): Outcome => ({ type: "Complete", reason });
const failed = (reason: string): Outcome => ({ type: "Failed", reason });
const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index);

/** `0-2,4` */
const indexList = (indexes: readonly number[]): string => {
  const parts: string[] = [];
  for (let n = 0; n < indexes.length; n++) {
    const first = indexes[n] ?? 0;
    while (indexes[n + 1] === (indexes[n] ?? 0) + 1) n++;
    const last = indexes[n] ?? 0;
    if (first === last) parts.push(`${first}`);
    else parts.push(last === first + 1 ? `${first},${last}` : `${first}-${last}`);
  }
  return parts.join(",");
};

const onCode = (action: "FailJob" | "FailIndex" | "Ignore", code: number) => ({
  action,
  onExitCodes: { operator: "In", values: [code] },
});

const ignoreDisruption = {
  action: "Ignore",
  onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
};

class Shapes {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  #runMs(): number {
    return this.#random.pick([0, 200, 400, 1_000, 2_000, 4_000]);
  }

  #replacement(): object {
    const policy = this.#random.pick([undefined, undefined, "Failed", "TerminatingOrFailed"]);
    return policy === undefined ? {} : { podReplacementPolicy: policy };
  }

  counted(): Shape {
    const random = this.#random;
    const completions = random.int(1, 6);
    const fails = random.chance(0.15) ? ALWAYS : random.pick([0, 0, 1]);
    const limit = fails === ALWAYS ? random.int(0, 1) : PATIENT;
    return {
      family: "counted",
      parallelism: random.int(1, 4),
      spec: { completions, backoffLimit: limit, ...this.#replacement() },
      behaviour: { fails: [fails], code: 1, runMs: [this.#runMs()], stubborn: random.chance(0.2) },
      outcome: (failures) => {
        if (fails === ALWAYS) return failed("BackoffLimitExceeded");
        if (failures.all > limit) return undefined;
        return { ...complete(), succeeded: completions };
      },
    };
  }

  workQueue(): Shape {
    const random = this.#random;
    return {
      family: "workQueue",
      parallelism: random.int(1, 4),
      spec: { backoffLimit: PATIENT, ...this.#replacement() },
      behaviour: { fails: [random.pick([0, 0, 1])], code: 1, runMs: [this.#runMs()] },
      outcome: ({ all }) => (all > PATIENT ? undefined : complete()),
    };
  }

  indexed(): Shape {
    const random = this.#random;
    const completions = random.int(1, 6);
    const fails = upTo(completions).map(() => random.pick([0, 0, 0, 0, 1]));
    return {
      family: "indexed",
      parallelism: random.int(1, 4),
      spec: {
        completionMode: "Indexed",
        completions,
        backoffLimit: PATIENT,
        ...this.#replacement(),
      },
      behaviour: {
        fails,
        code: 1,
        runMs: fails.map(() => this.#runMs()),
        stubborn: random.chance(0.2),
      },
      outcome: ({ all }) => {
        if (all > PATIENT) return undefined;
        const completedIndexes = indexList(upTo(completions));
        return { ...complete(), succeeded: completions, completedIndexes };
      },
    };
  }

  perIndex(): Shape {
    const random = this.#random;
    const completions = random.int(1, 5);
    const limit = random.int(0, 1);
    const failIndex = random.chance(0.4);
    const fails = upTo(completions).map(() => (random.chance(0.25) ? ALWAYS : 0));
    const failing = fails.flatMap((n, index) => (n === ALWAYS ? [index] : []));
    const max = random.chance(0.3) ? random.int(0, completions) : undefined;
    return {
      family: "perIndex",
      parallelism: random.int(1, 4),
      spec: {
        completionMode: "Indexed",
        completions,
        backoffLimitPerIndex: limit,
        ...(max === undefined ? {} : { maxFailedIndexes: max }),
        ...(failIndex
          ? { podFailurePolicy: { rules: [onCode("FailIndex", 7), ignoreDisruption] } }
          : this.#replacement()),
      },
      behaviour: { fails, code: failIndex ? 7 : 1, runMs: fails.map(() => this.#runMs()) },
      outcome: (failures) => {
        const open = fails.some((n, index) => n !== ALWAYS && failures.of(index) > limit);
        if (open) return undefined;
        if (max !== undefined && failing.length > max) return failed("MaxFailedIndexesExceeded");
        const completed = upTo(completions).filter((index) => !failing.includes(index));
        return {
          ...(failing.length > 0 ? failed("FailedIndexes") : complete()),
          succeeded: completed.length,
          completedIndexes: indexList(completed),
          failedIndexes: indexList(failing),
        };
      },
    };
  }

  failurePolicy(): Shape {
    const random = this.#random;
    const completions = random.int(1, 4);
    const fatal = random.chance(0.5);
    const rules = fatal
      ? [onCode("FailJob", 42), ignoreDisruption]
      : [onCode("Ignore", 5), ignoreDisruption];
    const fails = upTo(completions).map(() => (fatal ? 0 : random.pick([0, 0, 1])));
    if (fatal) fails[random.int(0, completions - 1)] = ALWAYS;
    const limit = random.int(2, 6);
    return {
      family: "failurePolicy",
      parallelism: random.int(1, 4),
      spec: {
        completionMode: "Indexed",
        completions,
        backoffLimit: limit,
        podFailurePolicy: { rules },
      },
      behaviour: { fails, code: fatal ? 42 : 5, runMs: fails.map(() => this.#runMs()) },
      outcome: ({ all }) => {
        // The Pods that the verdict ends are counted too.
        if (fatal) return all > limit ? undefined : failed("PodFailurePolicy");
        if (all > limit) return undefined;
        const completedIndexes = indexList(upTo(completions));
        return { ...complete(), succeeded: completions, completedIndexes };
      },
    };
  }

  successPolicy(): Shape {
    const random = this.#random;
    const completions = random.int(2, 4);
    const winners = random.int(1, completions - 1);
    const rule = random.chance(0.5)
      ? { succeededIndexes: indexList(upTo(winners)) }
      : { succeededCount: winners };
    const runMs = upTo(completions).map((index) => (index < winners ? this.#runMs() : FOREVER_MS));
    return {
      family: "successPolicy",
      parallelism: completions,
      spec: {
        completionMode: "Indexed",
        completions,
        backoffLimit: PATIENT,
        successPolicy: { rules: [rule] },
        ...this.#replacement(),
      },
      behaviour: { fails: runMs.map(() => 0), code: 1, runMs },
      outcome: ({ all }) => (all > PATIENT ? undefined : complete("SuccessPolicy")),
    };
  }

  deadline(): Shape {
    const random = this.#random;
    return {
      family: "deadline",
      parallelism: random.int(1, 3),
      spec: {
        completions: random.int(1, 3),
        backoffLimit: PATIENT,
        activeDeadlineSeconds: random.int(1, 15),
        ...this.#replacement(),
      },
      behaviour: { fails: [0], code: 1, runMs: [FOREVER_MS], stubborn: random.chance(0.2) },
      outcome: ({ all }) => (all > PATIENT ? undefined : failed("DeadlineExceeded")),
    };
  }

  /** Containers that are started again in their Pod. */
  restarting(): Shape {
    const completions = this.#random.int(1, 2);
    return {
      family: "restarting",
      restartPolicy: "OnFailure",
      parallelism: completions,
      spec: { completions, backoffLimit: PATIENT },
      behaviour: { fails: [1], code: 1, runMs: [this.#runMs()] },
      outcome: ({ all }) => (all > PATIENT ? undefined : { ...complete(), succeeded: completions }),
    };
  }

  /** Many Pods that run nothing. */
  mass(): Shape {
    const random = this.#random;
    const completions = random.int(20, 120);
    const isIndexed = random.chance(0.5);
    return {
      family: "mass",
      parallelism: random.int(5, 20),
      spec: {
        completions,
        ...(isIndexed ? { completionMode: "Indexed" } : {}),
        backoffLimit: 10 * PATIENT,
        ...this.#replacement(),
      },
      behaviour: { fails: [0], code: 0, runMs: [random.pick([0, 20, 100, 500])] },
      outcome: ({ all }) =>
        all > 10 * PATIENT ? undefined : { ...complete(), succeeded: completions },
    };
  }

  any(): Shape {
    const families = [
      () => this.counted(),
      () => this.workQueue(),
      () => this.indexed(),
      () => this.perIndex(),
      () => this.failurePolicy(),
      () => this.successPolicy(),
      () => this.deadline(),
      () => this.restarting(),
      () => this.mass(),
    ];
    return this.#random.pick(families)();
  }
}

/** Jobs whose Pods need the journal to know how often they failed run for real. */
const canBeSimulated = ({ family, behaviour }: Shape): boolean =>
  family !== "restarting" &&
  behaviour.fails.every((n) => n === 0 || n === ALWAYS) &&
  new Set(behaviour.runMs).size === 1;

const simulated = ({ fails, code, runMs }: Behaviour) => ({
  metadata: {
    annotations: {
      "gantry.dev/simulated-run-ms": String(runMs[0] ?? 0),
      "gantry.dev/simulated-exit-code":
        fails.length > 1
          ? fails.map((n, index) => `${index}:${n === 0 ? 0 : code}`).join(",")
          : String((fails[0] ?? 0) === 0 ? 0 : code),
    },
  },
  spec: {
    runtimeClassName: "simulated",
    containers: [{ name: "main", image: "none", command: ["true"] }],
  },
});

const field = (name: string, fieldPath: string) => ({
  name,
  valueFrom: { fieldRef: { fieldPath } },
});

const real = (directory: string, job: string, behaviour: Behaviour) => ({
  spec: {
    runtimeClassName: "process",
    containers: [
      {
        name: "main",
        image: "none",
        // The index picks its own from the lists.
        command: ["sh", `${directory}/pod.sh`],
        env: [
          { name: "CHAOS_DIR", value: directory },
          { name: "JOB", value: job },
          { name: "TICKS", value: behaviour.runMs.map((ms) => ms / TICK_MS).join(" ") },
          { name: "FAILS", value: behaviour.fails.join(" ") },
          { name: "CODE", value: String(behaviour.code) },
          { name: "STUBBORN", value: behaviour.stubborn === true ? "1" : "0" },
          field("POD_UID", "metadata.uid"),
          field("POD_NAME", "metadata.name"),
          field("NODE", "spec.nodeName"),
        ],
      },
    ],
  },
});

/** What users do meanwhile; whatever they do, a Job that is not deleted can end. */
const userActions = (random: Random, shape: Shape): JobPlan["actions"] => {
  const at = (low: number, high: number): number => random.int(low, high);
  const actions: { afterMs: number; action: UserAction }[] = [];
  if (random.chance(0.15)) {
    const afterMs = at(0, 3_000);
    actions.push({ afterMs, action: { kind: "suspend" } });
    actions.push({ afterMs: afterMs + at(500, 4_000), action: { kind: "resume" } });
  }
  // With less room the indexes that run for ever would leave none for those that are to succeed.
  if (random.chance(0.2) && shape.family !== "successPolicy") {
    const value = random.int(1, shape.parallelism + 2);
    actions.push({ afterMs: at(0, 4_000), action: { kind: "parallelism", value } });
  }
  if (random.chance(0.3)) {
    actions.push({ afterMs: at(0, 5_000), action: { kind: "annotate", value: random.text(6) } });
  }
  if (random.chance(0.15)) {
    const graceSeconds = random.pick([undefined, undefined, 0, 1]);
    actions.push({ afterMs: at(500, 5_000), action: { kind: "deletePod", graceSeconds } });
  }
  if (random.chance(0.12)) {
    const propagation = random.pick(["Background", "Foreground", "Orphan"] as const);
    actions.push({ afterMs: at(0, 6_000), action: { kind: "delete", propagation } });
  }
  return actions.toSorted((a, b) => a.afterMs - b.afterMs);
};

export const planJob = (
  random: Random,
  { directory, name, atMs }: { directory: string; name: string; atMs: number },
): JobPlan => {
  const shape = new Shapes(random).any();
  const { spec, behaviour, family, parallelism } = shape;
  const mayBeSimulated = canBeSimulated(shape);
  const isReal = family !== "mass" && (!mayBeSimulated || random.chance(0.6));
  const template = isReal ? real(directory, name, behaviour) : simulated(behaviour);
  const actions = userActions(random, shape);
  const suspended = actions.some(({ action }) => action.kind === "resume") && random.chance(0.4);
  const ttl = random.chance(0.2) ? { ttlSecondsAfterFinished: random.pick([0, 1, 5]) } : {};
  const most = actions.map(({ action }) => (action.kind === "parallelism" ? action.value : 0));
  return {
    family,
    name,
    isReal,
    atMs,
    actions,
    parallelismMax: Math.max(parallelism, ...most),
    outcome: shape.outcome,
    manifest: {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name, labels: { chaos: "load" } },
      spec: {
        parallelism,
        ...(suspended ? { suspend: true } : {}),
        ...ttl,
        ...spec,
        template: {
          ...template,
          spec: {
            restartPolicy: shape.restartPolicy ?? "Never",
            terminationGracePeriodSeconds: random.pick([1, 2, 5]),
            ...template.spec,
          },
        },
      },
    },
  };
};

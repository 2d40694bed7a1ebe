// Random Jobs together with what their containers will do, and what must therefore become of them.
import { type Job, newJob, validateJobCreate, type WireJob } from "@gantry/core";
import type { Fate } from "./scripted-host.ts";
import type { Random } from "./random.ts";

export const NAMESPACE = "n";

/** What the simulation did to a Job's Pods beside what they did themselves. */
export interface Ledger {
  /** Failures that were counted (before the Job's end was decided) and not scripted. */
  readonly extraFailures: number;
  extraFailuresOf(index: number): number;
}

export interface Outcome {
  readonly type: "Complete" | "Failed";
  readonly reason: string;
  readonly succeeded?: number;
  readonly completedIndexes?: string;
  readonly failedIndexes?: string;
}

export interface JobScript {
  readonly family: string;
  readonly job: Job;
  readonly fate: (index: number | undefined, earlier: number) => Fate;
  /** The straight line from the script to the end; `undefined` where chance decides. */
  readonly outcome: (ledger: Ledger) => Outcome | undefined;
}

type Spec = NonNullable<WireJob["spec"]>;

interface Shape {
  readonly family: string;
  readonly spec: Partial<Spec>;
  readonly restartPolicy?: "Never" | "OnFailure";
  readonly fate: JobScript["fate"];
  readonly outcome: JobScript["outcome"];
}

const FOREVER = Infinity;

const complete = (reason = "CompletionsReached"): Outcome => ({ type: "Complete", reason });
const failed = (reason: string): Outcome => ({ type: "Failed", reason });

/** 0-2,4 */
const indexList = (indexes: readonly number[]): string => {
  const parts: string[] = [];
  for (let n = 0; n < indexes.length; n++) {
    const first = indexes[n] ?? 0;
    while (indexes[n + 1] === (indexes[n] ?? 0) + 1) n++;
    const last = indexes[n] ?? 0;
    parts.push(
      first === last ? `${first}` : last === first + 1 ? `${first},${last}` : `${first}-${last}`,
    );
  }
  return parts.join(",");
};

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index);

class Shapes {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** `stopCode` 0 makes a stopped Pod a success, so it is for Pods that may succeed. */
  #run(how: Partial<Fate>): Fate {
    const random = this.#random;
    const runMs = random.pick([0, 1, 400, 3_000, 20_000, 70_000]);
    const stopped = how.exitCode === 0 && how.runMs !== FOREVER ? [0, 143] : [143];
    return {
      readyMs: random.pick([0, 100, 2_000]),
      runMs,
      restarts: 0,
      exitCode: 0,
      stopMs: random.pick([0, 200, 4_000, 60_000]),
      stopCode: random.pick(stopped),
      ...how,
    };
  }

  /** A Pod that fails `failures` times with this code before it succeeds. */
  #failing(failures: number, code = 1): (earlier: number) => Fate {
    return (earlier) => this.#run({ exitCode: earlier < failures ? code : 0 });
  }

  #replacement(): Partial<Spec> {
    const policy = this.#random.pick([undefined, undefined, "Failed", "TerminatingOrFailed"]);
    return policy === undefined ? {} : { podReplacementPolicy: policy };
  }

  counted(): Shape {
    const random = this.#random;
    const completions = random.int(1, 5);
    const failures = random.chance(0.2) ? FOREVER : random.int(0, 3);
    const limit = failures === FOREVER ? random.int(0, 3) : failures + random.int(0, 6);
    const fate = this.#failing(failures);
    return {
      family: "counted",
      spec: { completions, backoffLimit: limit, ...this.#replacement() },
      fate: (_, earlier) => fate(earlier),
      outcome: ({ extraFailures }) => {
        if (failures === FOREVER) return failed("BackoffLimitExceeded");
        if (failures + extraFailures > limit) return undefined;
        return { ...complete(), succeeded: completions };
      },
    };
  }

  workQueue(): Shape {
    const failures = this.#random.int(0, 2);
    const limit = failures + this.#random.int(0, 6);
    const fate = this.#failing(failures);
    return {
      family: "workQueue",
      spec: { backoffLimit: limit, ...this.#replacement() },
      fate: (_, earlier) => fate(earlier),
      outcome: ({ extraFailures }) => (failures + extraFailures > limit ? undefined : complete()),
    };
  }

  indexed(): Shape {
    const random = this.#random;
    const completions = random.int(1, 6);
    const failures = upTo(completions).map(() => random.pick([0, 0, 0, 1, 2]));
    if (random.chance(0.15)) failures[random.int(0, completions - 1)] = FOREVER;
    const all = failures.reduce((sum, n) => sum + n, 0);
    const limit = all === FOREVER ? random.int(0, 4) : all + random.int(0, 6);
    const fates = failures.map((n) => this.#failing(n));
    return {
      family: "indexed",
      spec: { completionMode: "Indexed", completions, backoffLimit: limit, ...this.#replacement() },
      fate: (index, earlier) => fates[index ?? 0]!(earlier),
      outcome: ({ extraFailures }) => {
        if (all === FOREVER) return failed("BackoffLimitExceeded");
        if (all + extraFailures > limit) return undefined;
        const completedIndexes = indexList(upTo(completions));
        return { ...complete(), succeeded: completions, completedIndexes };
      },
    };
  }

  perIndex(): Shape {
    const random = this.#random;
    const completions = random.int(1, 5);
    const limit = random.int(0, 2);
    const failures = upTo(completions).map(() =>
      random.chance(0.25) ? FOREVER : random.int(0, limit),
    );
    const failIndex = random.chance(0.3);
    const failing = failures.flatMap((n, index) => (n === FOREVER ? [index] : []));
    const max = random.chance(0.4) ? random.int(0, completions) : undefined;
    const fates = failures.map((n) => this.#failing(n, failIndex && n === FOREVER ? 7 : 1));
    return {
      family: "perIndex",
      spec: {
        completionMode: "Indexed",
        completions,
        backoffLimitPerIndex: limit,
        ...(max === undefined ? {} : { maxFailedIndexes: max }),
        ...(failIndex
          ? { podFailurePolicy: { rules: [onCode("FailIndex", 7), ignoreDisruption] } }
          : this.#replacement()),
      },
      fate: (index, earlier) => fates[index ?? 0]!(earlier),
      outcome: ({ extraFailuresOf }) => {
        const open = failures.some(
          (n, index) => n !== FOREVER && n + extraFailuresOf(index) > limit,
        );
        if (open) return undefined;
        if (max !== undefined && failing.length > max) return failed("MaxFailedIndexesExceeded");
        const completed = upTo(completions).filter((index) => !failing.includes(index));
        const lists = {
          succeeded: completed.length,
          completedIndexes: indexList(completed),
          failedIndexes: indexList(failing),
        };
        return { ...(failing.length > 0 ? failed("FailedIndexes") : complete()), ...lists };
      },
    };
  }

  /** One index ends with a code that fails the Job; others with one that is ignored. */
  failurePolicy(): Shape {
    const random = this.#random;
    const completions = random.int(1, 4);
    const fatal = random.chance(0.4) ? random.int(0, completions - 1) : undefined;
    const limit = random.int(0, 4);
    const ignored = upTo(completions).map(() => random.pick([0, 0, 1, 2]));
    const fates = ignored.map((n, index) =>
      index === fatal ? this.#failing(FOREVER, 42) : this.#failing(n, 5),
    );
    const rules = [onCode("FailJob", 42), onCode("Ignore", 5), ignoreDisruption];
    return {
      family: "failurePolicy",
      spec: {
        completionMode: "Indexed",
        completions,
        backoffLimit: limit,
        podFailurePolicy: { rules },
      },
      fate: (index, earlier) => fates[index ?? 0]!(earlier),
      outcome: ({ extraFailures }) => {
        if (extraFailures > limit) return undefined;
        if (fatal !== undefined) return failed("PodFailurePolicy");
        const completedIndexes = indexList(upTo(completions));
        return { ...complete(), succeeded: completions, completedIndexes };
      },
    };
  }

  /** Some indexes succeed, and that is enough; the others would run for ever. */
  successPolicy(): Shape {
    const random = this.#random;
    const completions = random.int(2, 5);
    const winners = random.int(1, completions - 1);
    const byList = random.chance(0.5);
    const limit = 6;
    const rule = byList
      ? { succeededIndexes: indexList(upTo(winners)) }
      : { succeededCount: winners };
    return {
      family: "successPolicy",
      spec: {
        completionMode: "Indexed",
        completions,
        parallelism: completions,
        backoffLimit: limit,
        successPolicy: { rules: [rule] },
        ...this.#replacement(),
      },
      fate: (index) =>
        this.#run({ exitCode: 0, ...((index ?? 0) < winners ? {} : { runMs: FOREVER }) }),
      outcome: ({ extraFailures }) =>
        extraFailures > limit ? undefined : complete("SuccessPolicy"),
    };
  }

  deadline(): Shape {
    const limit = 20;
    return {
      family: "deadline",
      spec: {
        completions: this.#random.int(1, 3),
        backoffLimit: limit,
        activeDeadlineSeconds: this.#random.int(1, 90),
        ...this.#replacement(),
      },
      fate: () => this.#run({ runMs: FOREVER }),
      outcome: ({ extraFailures }) =>
        extraFailures > limit ? undefined : failed("DeadlineExceeded"),
    };
  }

  restarting(): Shape {
    const random = this.#random;
    const fails = random.chance(0.4);
    const completions = fails ? 1 : random.int(1, 4);
    const limit = fails ? random.int(0, 3) : random.int(9, 12);
    return {
      family: "restarting",
      restartPolicy: "OnFailure",
      spec: { completions, backoffLimit: limit, ...this.#replacement() },
      fate: () =>
        fails
          ? this.#run({ restarts: FOREVER, runMs: random.int(100, 5_000) })
          : this.#run({ restarts: random.int(0, 2), exitCode: 0 }),
      outcome: ({ extraFailures }) => {
        if (fails) return failed("BackoffLimitExceeded");
        return extraFailures > limit ? undefined : { ...complete(), succeeded: completions };
      },
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
    ];
    return this.#random.pick(families)();
  }
}

const onCode = (action: "FailJob" | "FailIndex" | "Ignore", code: number) => ({
  action,
  onExitCodes: { operator: "In", values: [code] },
});

const ignoreDisruption = {
  action: "Ignore",
  onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
};

export const newJobScript = (random: Random, n: number, nowMs: number): JobScript => {
  const { family, spec, restartPolicy = "Never", fate, outcome } = new Shapes(random).any();
  const ttl = random.chance(0.2) ? { ttlSecondsAfterFinished: random.pick([0, 1, 30]) } : {};
  const manifest: WireJob = {
    metadata: { namespace: NAMESPACE, name: `j${n}` },
    spec: {
      parallelism: random.int(1, 4),
      ...ttl,
      ...spec,
      template: {
        spec: {
          restartPolicy,
          terminationGracePeriodSeconds: random.pick([0, 1, 5, 30]),
          containers: [{ name: "main", image: "none" }],
        },
      },
    },
  };
  const job = newJob(manifest, random.uuid(), nowMs);
  const errors = validateJobCreate(job);
  if (errors.length > 0) throw new Error(`${family}: ${JSON.stringify(errors)}`);
  return { family, job, fate, outcome };
};
